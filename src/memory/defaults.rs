//! How big one object of a kind usually is, for when nothing tells; and of which kinds a cluster has a handful by nature.
//! Of all others there is no usual number.
//!
//! JSON bytes as a client receives them, managed fields included. The bounds are wide on purpose: they are to hold the
//! average of most clusters, not any one object.

use super::range::Range;

/// Kinds that describe the cluster itself, one for each driver, class or extension: a few, some dozens where much is
/// installed. Nobody has made a thousand of them.
const HANDFUL: [(&str, &str); 14] = [
    ("storage.k8s.io", "csidrivers"),
    ("storage.k8s.io", "storageclasses"),
    ("node.k8s.io", "runtimeclasses"),
    ("networking.k8s.io", "ingressclasses"),
    ("networking.k8s.io", "servicecidrs"),
    ("scheduling.k8s.io", "priorityclasses"),
    ("apiregistration.k8s.io", "apiservices"),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
    ("resource.k8s.io", "deviceclasses"),
];

/// How many objects there are of a kind of which there is a handful by nature; `None` for all others.
pub(super) fn handful(api_group: &str, resource: &str) -> Option<Range> {
    HANDFUL.contains(&(api_group, resource)).then(|| Range::between(0, 200))
}

/// What is usual of a kind.
struct Usual {
    /// The API group; empty for the core group.
    api_group: &'static str,
    resource: &'static str,
    bytes: (u64, u64),
}

const fn usual(api_group: &'static str, resource: &'static str, low: u64, high: u64) -> Usual {
    Usual { api_group, resource, bytes: (low, high) }
}

/// Kinds whose size has reasons of its own.
const USUAL: [Usual; 36] = [
    // A bare pod is about 3 kB; sidecars, environment, mounted tokens, conditions and managed fields make it 10 to 20.
    usual("", "pods", 4_000, 20_000),
    // Half of a node is the list of up to 50 images that it holds; labels and annotations of clouds do the rest.
    usual("", "nodes", 5_000, 30_000),
    usual("", "events", 700, 2_000),
    usual("events.k8s.io", "events", 700, 2_000),
    // From one key to whole files; at most 1 MiB. Every namespace has one with the cluster's certificates, 1.5 kB.
    usual("", "configmaps", 1_000, 20_000),
    // Tokens and certificates are a few kB, but Helm keeps each release in one, of up to 1 MiB.
    usual("", "secrets", 1_000, 50_000),
    usual("", "services", 1_000, 4_000),
    usual("", "namespaces", 500, 2_500),
    usual("", "serviceaccounts", 300, 1_500),
    usual("", "persistentvolumeclaims", 1_500, 4_000),
    usual("", "persistentvolumes", 1_500, 4_000),
    // All addresses of a service in one object, up to 1,000, about 200 bytes each.
    usual("", "endpoints", 600, 20_000),
    // The same in slices of up to 100 endpoints, about 250 bytes each; most are small.
    usual("discovery.k8s.io", "endpointslices", 1_000, 15_000),
    // A pod template each, with managed fields of who applies it, who scales it and who reports on it.
    usual("apps", "deployments", 3_000, 15_000),
    usual("apps", "replicasets", 3_000, 12_000),
    usual("apps", "daemonsets", 3_000, 18_000),
    usual("apps", "statefulsets", 3_000, 15_000),
    usual("apps", "controllerrevisions", 2_000, 12_000),
    usual("batch", "jobs", 3_000, 10_000),
    usual("batch", "cronjobs", 2_500, 10_000),
    usual("coordination.k8s.io", "leases", 400, 1_000),
    usual("rbac.authorization.k8s.io", "roles", 500, 3_000),
    usual("rbac.authorization.k8s.io", "rolebindings", 500, 1_500),
    usual("rbac.authorization.k8s.io", "clusterroles", 700, 5_000),
    usual("rbac.authorization.k8s.io", "clusterrolebindings", 500, 1_500),
    usual("storage.k8s.io", "csinodes", 600, 2_500),
    usual("storage.k8s.io", "volumeattachments", 1_000, 3_500),
    usual("networking.k8s.io", "ingresses", 1_000, 6_000),
    usual("networking.k8s.io", "networkpolicies", 700, 4_000),
    usual("policy", "poddisruptionbudgets", 1_000, 3_000),
    usual("autoscaling", "horizontalpodautoscalers", 1_500, 5_000),
    usual("admissionregistration.k8s.io", "mutatingwebhookconfigurations", 2_000, 20_000),
    usual("admissionregistration.k8s.io", "validatingwebhookconfigurations", 2_000, 20_000),
    // Each carries the whole schema of its kind.
    usual("apiextensions.k8s.io", "customresourcedefinitions", 5_000, 200_000),
    // All devices that a driver has on a node, up to 128.
    usual("resource.k8s.io", "resourceslices", 3_000, 60_000),
    usual("certificates.k8s.io", "certificatesigningrequests", 2_000, 6_000),
];

/// Groups that are compiled into kube-apiserver: stored as protobuf, decoded into structs. Others under `k8s.io`, such
/// as `gateway.networking.k8s.io`, are custom resources.
const BUILT_IN: [&str; 21] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Other kinds of the apiserver's own: names and a few settings, at most a pod template.
const OTHER: (u64, u64) = (500, 5_000);

/// Custom resources: anything from a name with a flag to a status with one entry per node.
const CUSTOM: (u64, u64) = (1_000, 30_000);

/// Whether objects of the group are custom resources, as far as a name can tell.
pub(super) fn is_custom(api_group: &str) -> bool {
    !BUILT_IN.contains(&api_group)
}

/// JSON bytes of one object of a kind, usually.
pub(super) fn usual_object_bytes(api_group: &str, resource: &str) -> Range {
    let known = USUAL.iter().find(|usual| usual.api_group == api_group && usual.resource == resource);
    let (low, high) = match known {
        Some(usual) => usual.bytes,
        None if is_custom(api_group) => CUSTOM,
        None => OTHER,
    };
    Range::between(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_with_a_size_is_in_a_built_in_group_and_there_once() {
        for (at, usual) in USUAL.iter().enumerate() {
            assert!(!is_custom(usual.api_group), "{}", usual.api_group);
            assert!(usual.bytes.0 < usual.bytes.1, "{}", usual.resource);
            let same = |other: &Usual| (other.api_group, other.resource) == (usual.api_group, usual.resource);
            assert!(!USUAL[..at].iter().any(same), "{}", usual.resource);
        }
    }

    #[test]
    fn a_group_under_k8s_io_may_be_custom() {
        assert_eq!(usual_object_bytes("gateway.networking.k8s.io", "httproutes"), Range::between(1_000, 30_000));
        assert_eq!(usual_object_bytes("scheduling.k8s.io", "priorityclasses"), Range::between(500, 5_000));
    }
}
