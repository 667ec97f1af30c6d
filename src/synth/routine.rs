//! What clients do all day: the watches that they keep open, and the calls that they repeat every few seconds.

use super::call::{CallSpec, spec};
use super::clients::ClientKind;

/// A resource that every client of a kind watches.
#[derive(Debug)]
pub(super) struct WatchStream {
    pub(super) kind: ClientKind,
    /// The watch that continues where the last one ended.
    pub(super) watch: CallSpec,
    /// The watch that begins with all objects; `None` for clients that do not know streaming lists.
    pub(super) watch_list: Option<CallSpec>,
    /// The list after a lost watch: from the watch cache, not older than the last known resource version.
    pub(super) relist: CallSpec,
    /// The list of a client without a resource version: from etcd.
    pub(super) full_list: CallSpec,
}

/// How a client library writes the query of a watch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum QueryStyle {
    /// client-go's typed and metadata clients, which send the timeout twice.
    Typed,
    /// client-go's other clients, such as the caches of controller-runtime.
    Plain,
    /// client-go since 1.35, and the control plane before that: lists are streamed through a watch.
    WatchList,
    /// fabric8, which does not sort the parameters.
    Fabric8,
}

pub(super) fn watch_streams() -> Vec<WatchStream> {
    let mut streams = Vec::new();
    for (kind, style, resources) in STREAMS {
        streams.extend(resources.iter().map(|resource| watch_stream(*kind, *style, resource)));
    }
    streams
}

/// `resource` is a path, with a selector after a `?`.
fn watch_stream(kind: ClientKind, style: QueryStyle, resource: &str) -> WatchStream {
    let (path, selector) = resource.split_once('?').unwrap_or((resource, ""));
    let and_selector = if selector.is_empty() { String::new() } else { format!("&{selector}") };
    let is_big =
        matches!(path, "/api/v1/pods" | "/api/v1/secrets" | "/api/v1/configmaps" | "/apis/apps/v1/replicasets");
    let list_micros = if is_big && selector.is_empty() { 600_000 } else { 12_000 };
    let limit = match style {
        QueryStyle::Typed => "timeout=«timeout»&timeoutSeconds=«secs»",
        _ => "timeoutSeconds=«secs»",
    };
    let watch = match style {
        QueryStyle::Fabric8 => {
            format!("{path}?resourceVersion=«rv»&timeoutSeconds=600&allowWatchBookmarks=true&watch=true")
        }
        _ => format!("{path}?allowWatchBookmarks=true{and_selector}&resourceVersion=«rv»&{limit}&watch=true"),
    };
    let watch_list = format!(
        "{path}?allowWatchBookmarks=true{and_selector}&resourceVersion=«rv»&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&{limit}&watch=true"
    );
    let relist = match selector {
        "" => format!("{path}?resourceVersion=«rv»"),
        _ => format!("{path}?{selector}&resourceVersion=«rv»"),
    };
    WatchStream {
        kind,
        watch: spec("watch", watch, 4_000),
        watch_list: (style == QueryStyle::WatchList).then(|| spec("watch", watch_list, 9_000)),
        relist: spec("list", relist, list_micros),
        full_list: spec(
            "list",
            if selector.is_empty() { path.to_owned() } else { format!("{path}?{selector}") },
            list_micros,
        ),
    }
}

/// A call that every client of a kind repeats.
#[derive(Debug)]
pub(super) struct PeriodicCall {
    pub(super) kind: ClientKind,
    pub(super) period_secs: u32,
    pub(super) spec: CallSpec,
}

#[rustfmt::skip]
pub(super) fn periodic_calls() -> Vec<PeriodicCall> {
    let periodic = |kind, period_secs, spec| PeriodicCall { kind, period_secs, spec };
    let mut calls = vec![
        periodic(ClientKind::Kubelet, 10, spec("update", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/«node»?timeout=10s", 5_000)),
        periodic(ClientKind::Kubelet, 300, spec("patch", "/api/v1/nodes/«node»/status?timeout=10s", 12_000).carries(super::bodies::Body::NodeStatus)),
        periodic(ClientKind::Apiserver, 10, spec("get", "/api/v1/namespaces/default/endpoints/kubernetes", 1_200)),
        periodic(ClientKind::Apiserver, 10, spec("get", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes", 1_100)),
        periodic(ClientKind::Apiserver, 10, spec("update", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/apiserver-wlv32tlttr4jl3gtroqexyxapa", 5_000)),
        periodic(ClientKind::ControllerManagerDiscovery, 30, spec("get", "/api", 700)),
        periodic(ClientKind::ControllerManagerDiscovery, 30, spec("get", "/apis", 900)),
        periodic(ClientKind::Prometheus, 30, spec("get", "/metrics", 260_000)),
        periodic(ClientKind::Probe, 10, spec("get", "/livez", 800)),
        periodic(ClientKind::Probe, 10, spec("get", "/readyz", 900)),
        periodic(ClientKind::KubeStateMetrics, 60, spec("get", "/version", 600)),
    ];
    calls.extend(LEASES.iter().map(|(kind, period_secs, lease)| {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}?timeout=5s", lease.replace('/', "/leases/"));
        periodic(*kind, *period_secs, spec("update", uri, 5_000).fails(409, 1))
    }));
    calls.extend(LEASES.iter().skip(3).map(|(kind, period_secs, lease)| {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}", lease.replace('/', "/leases/"));
        periodic(*kind, *period_secs, spec("get", uri, 2_000))
    }));
    calls
}

/// Leases: the holder, the seconds between renewals, and the name. All but the first three, those of the control plane and
/// of one operator, are read before each renewal.
const LEASES: [(ClientKind, u32, &str); 10] = [
    (ClientKind::ControllerManagerLease, 2, "kube-system/kube-controller-manager"),
    (ClientKind::SchedulerLease, 2, "kube-system/kube-scheduler"),
    (ClientKind::AcmeOperator, 2, "acme-system/7c9d4f2a.acme.example.com"),
    (ClientKind::CertManager, 5, "cert-manager/cert-manager-controller"),
    (ClientKind::CaInjector, 5, "cert-manager/cert-manager-cainjector-leader-election"),
    (ClientKind::ClusterAutoscaler, 5, "kube-system/cluster-autoscaler"),
    (ClientKind::IngressNginx, 10, "ingress-nginx/ingress-nginx-leader"),
    (ClientKind::Strimzi, 4, "kafka/strimzi-cluster-operator"),
    (ClientKind::PrometheusOperator, 10, "monitoring/prometheus-operator"),
    (ClientKind::ArgoServer, 15, "argocd/argocd-applicationset-controller"),
];

const NO_HEADLESS: &str = "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name";
const PROXIED: &str = "/api/v1/services?labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name";
const OWN_NODE: &str = "/api/v1/nodes?fieldSelector=metadata.name%3D«node»";
const OWN_PODS: &str = "/api/v1/pods?fieldSelector=spec.nodeName%3D«node»";
const A_CONFIG_MAP: &str = "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3D«app»-config";
const A_ROOT_CA: &str = "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt";
const A_SECRET: &str = "/api/v1/namespaces/«ns»/secrets?fieldSelector=metadata.name%3D«app»-keys";

#[rustfmt::skip]
const STREAMS: &[(ClientKind, QueryStyle, &[&str])] = &[
    (ClientKind::Kubelet, QueryStyle::Typed, &[OWN_NODE, "/api/v1/services", "/apis/storage.k8s.io/v1/csidrivers", "/apis/node.k8s.io/v1/runtimeclasses"]),
    (ClientKind::Kubelet, QueryStyle::Plain, &[OWN_PODS]),
    (ClientKind::Kubelet, QueryStyle::Typed, &[A_ROOT_CA, A_ROOT_CA, A_ROOT_CA, A_ROOT_CA, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_SECRET, A_SECRET, A_SECRET, A_SECRET]),
    (ClientKind::KubeProxy, QueryStyle::Typed, &[PROXIED, NO_HEADLESS, OWN_NODE, "/apis/networking.k8s.io/v1/servicecidrs"]),
    (ClientKind::Calico, QueryStyle::Plain, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/services",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/discovery.k8s.io/v1/endpointslices", "/apis/crd.projectcalico.org/v1/felixconfigurations",
        "/apis/crd.projectcalico.org/v1/globalnetworkpolicies", "/apis/crd.projectcalico.org/v1/ippools", "/apis/crd.projectcalico.org/v1/hostendpoints",
        "/apis/crd.projectcalico.org/v1/clusterinformations", "/apis/crd.projectcalico.org/v1/bgpconfigurations", "/apis/crd.projectcalico.org/v1/globalnetworksets",
    ]),
    (ClientKind::Cilium, QueryStyle::Typed, &[
        OWN_PODS, OWN_NODE, PROXIED, "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=%21service.kubernetes.io%2Fheadless", "/api/v1/namespaces",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/cilium.io/v2/ciliumnodes", "/apis/cilium.io/v2/ciliumendpoints", "/apis/cilium.io/v2/ciliumidentities",
        "/apis/cilium.io/v2/ciliumnetworkpolicies", "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
    ]),
    (ClientKind::OtelAgent, QueryStyle::Typed, &[OWN_PODS, OWN_NODE, "/api/v1/namespaces", "/apis/apps/v1/replicasets"]),
    (ClientKind::Apiserver, QueryStyle::Typed, &[
        "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/resourcequotas", "/api/v1/limitranges", "/api/v1/secrets", "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/storage.k8s.io/v1/storageclasses",
    ]),
    (ClientKind::ControllerManager, QueryStyle::WatchList, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/services", "/api/v1/endpoints", "/api/v1/namespaces", "/api/v1/secrets", "/api/v1/serviceaccounts", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/resourcequotas", "/api/v1/replicationcontrollers", "/api/v1/configmaps", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets",
        "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/discovery.k8s.io/v1/endpointslices",
        "/apis/autoscaling/v2/horizontalpodautoscalers", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/volumeattachments", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    ]),
    (ClientKind::ControllerManagerMetadata, QueryStyle::WatchList, &[
        "/apis/acme.example.com/v1beta1/widgets", "/apis/argoproj.io/v1alpha1/applications", "/apis/argoproj.io/v1alpha1/appprojects", "/apis/cert-manager.io/v1/certificates",
        "/apis/cert-manager.io/v1/issuers", "/apis/cilium.io/v2/ciliumendpoints", "/apis/core.strimzi.io/v1beta2/strimzipodsets", "/apis/kafka.strimzi.io/v1beta2/kafkatopics",
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/monitoring.coreos.com/v1/prometheusrules", "/apis/crd.projectcalico.org/v1/ipamblocks", "/apis/networking.k8s.io/v1/ingresses",
    ]),
    (ClientKind::Scheduler, QueryStyle::WatchList, &[
        "/api/v1/pods?fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed", "/api/v1/nodes", "/api/v1/services", "/api/v1/namespaces", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/replicationcontrollers", "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets", "/apis/policy/v1/poddisruptionbudgets",
        "/apis/storage.k8s.io/v1/storageclasses", "/apis/storage.k8s.io/v1/csinodes", "/apis/storage.k8s.io/v1/csidrivers", "/apis/storage.k8s.io/v1/csistoragecapacities",
    ]),
    (ClientKind::CoreDns, QueryStyle::Typed, &["/api/v1/services", "/api/v1/namespaces", "/apis/discovery.k8s.io/v1/endpointslices"]),
    (ClientKind::MetricsServer, QueryStyle::Typed, &["/api/v1/nodes", "/api/v1/pods"]),
    (ClientKind::Prometheus, QueryStyle::Typed, &[
        "/api/v1/pods", "/api/v1/services", "/api/v1/endpoints", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/namespaces/monitoring/pods",
        "/api/v1/namespaces/monitoring/services", "/api/v1/namespaces/kube-system/pods", "/api/v1/namespaces/kube-system/services",
    ]),
    (ClientKind::PrometheusOperator, QueryStyle::Typed, &[
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/monitoring.coreos.com/v1/podmonitors", "/apis/monitoring.coreos.com/v1/prometheusrules", "/apis/monitoring.coreos.com/v1/prometheuses",
        "/apis/monitoring.coreos.com/v1/alertmanagers", "/api/v1/secrets", "/api/v1/configmaps", "/apis/apps/v1/statefulsets",
    ]),
    (ClientKind::KubeStateMetrics, QueryStyle::Typed, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/services", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/endpoints", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/resourcequotas", "/api/v1/limitranges", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets",
        "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/networkpolicies",
        "/apis/coordination.k8s.io/v1/leases", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/storageclasses",
    ]),
    (ClientKind::CertManager, QueryStyle::Typed, &["/apis/cert-manager.io/v1/certificates", "/apis/cert-manager.io/v1/certificaterequests", "/apis/cert-manager.io/v1/issuers", "/apis/cert-manager.io/v1/clusterissuers", "/apis/acme.cert-manager.io/v1/orders", "/apis/acme.cert-manager.io/v1/challenges", "/api/v1/secrets"]),
    (ClientKind::CaInjector, QueryStyle::Plain, &["/api/v1/secrets", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"]),
    (ClientKind::IngressNginx, QueryStyle::Typed, &["/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/ingressclasses", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces"]),
    (ClientKind::ClusterAutoscaler, QueryStyle::Typed, &["/api/v1/pods", "/api/v1/nodes", "/apis/apps/v1/daemonsets", "/apis/apps/v1/replicasets", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/csinodes", "/api/v1/persistentvolumeclaims"]),
    (ClientKind::ArgoController, QueryStyle::Plain, &[
        "/api/v1/pods", "/api/v1/services", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/persistentvolumeclaims", "/apis/apps/v1/deployments",
        "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/networking.k8s.io/v1/ingresses",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/rbac.authorization.k8s.io/v1/roles", "/apis/rbac.authorization.k8s.io/v1/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/argoproj.io/v1alpha1/applications", "/apis/argoproj.io/v1alpha1/appprojects", "/apis/cert-manager.io/v1/certificates", "/apis/acme.example.com/v1beta1/widgets",
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/kafka.strimzi.io/v1beta2/kafkatopics", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ]),
    (ClientKind::AcmeOperator, QueryStyle::Plain, &["/apis/acme.example.com/v1beta1/widgets", "/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/configmaps", "/api/v1/secrets", "/api/v1/pods"]),
    (ClientKind::Strimzi, QueryStyle::Fabric8, &["/apis/kafka.strimzi.io/v1beta2/kafkas", "/apis/kafka.strimzi.io/v1beta2/kafkatopics", "/apis/core.strimzi.io/v1beta2/strimzipodsets", "/api/v1/namespaces/kafka/pods"]),
];
