//! What the clients do all day: the watches they hold open, and what they repeat every few seconds.

use super::call::{Spec, spec};
use super::clients::Who;

/// A resource that each client of a kind watches.
#[derive(Debug)]
pub(super) struct Stream {
    /// Who watches.
    pub(super) who: Who,
    /// The watch when it goes on from where the last one ended.
    pub(super) watch: Spec,
    /// The watch that begins with all objects, for clients that know it.
    pub(super) watch_list: Option<Spec>,
    /// The list after a watch that was lost: from the cache, not older than what was seen.
    pub(super) relist: Spec,
    /// The list of a client that asks for everything, as it stands in etcd.
    pub(super) full_list: Spec,
}

/// How a client's library writes the queries of a watch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// client-go's typed and metadata clients, which give the time limit twice.
    Typed,
    /// client-go's other clients, controller-runtime's caches among them.
    Plain,
    /// client-go since 1.35, and the control plane before: lists come through the watch.
    WatchList,
    /// fabric8, unsorted.
    Fabric8,
}

/// All streams.
pub(super) fn streams() -> Vec<Stream> {
    let mut streams = Vec::new();
    for (who, style, resources) in STREAMS {
        streams.extend(resources.iter().map(|resource| stream(*who, *style, resource)));
    }
    streams
}

/// `resource` is a path, and a selector after a `?`.
fn stream(who: Who, style: Style, resource: &str) -> Stream {
    let (path, selector) = resource.split_once('?').unwrap_or((resource, ""));
    let and_selector = if selector.is_empty() { String::new() } else { format!("&{selector}") };
    let is_big =
        matches!(path, "/api/v1/pods" | "/api/v1/secrets" | "/api/v1/configmaps" | "/apis/apps/v1/replicasets");
    let list_micros = if is_big && selector.is_empty() { 600_000 } else { 12_000 };
    let limit = match style {
        Style::Typed => "timeout=«timeout»&timeoutSeconds=«secs»",
        _ => "timeoutSeconds=«secs»",
    };
    let watch = match style {
        Style::Fabric8 => format!("{path}?resourceVersion=«rv»&timeoutSeconds=600&allowWatchBookmarks=true&watch=true"),
        _ => format!("{path}?allowWatchBookmarks=true{and_selector}&resourceVersion=«rv»&{limit}&watch=true"),
    };
    let watch_list = format!(
        "{path}?allowWatchBookmarks=true{and_selector}&resourceVersion=«rv»&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&{limit}&watch=true"
    );
    let relist = match selector {
        "" => format!("{path}?resourceVersion=«rv»"),
        _ => format!("{path}?{selector}&resourceVersion=«rv»"),
    };
    Stream {
        who,
        watch: spec("watch", watch, 4_000),
        watch_list: (style == Style::WatchList).then(|| spec("watch", watch_list, 9_000)),
        relist: spec("list", relist, list_micros),
        full_list: spec(
            "list",
            if selector.is_empty() { path.to_owned() } else { format!("{path}?{selector}") },
            list_micros,
        ),
    }
}

/// A request that each client of a kind repeats.
#[derive(Debug)]
pub(super) struct Habit {
    /// Who repeats it.
    pub(super) who: Who,
    /// How many seconds lie between two of them.
    pub(super) period_secs: u32,
    /// What is asked.
    pub(super) spec: Spec,
}

/// All habits.
#[rustfmt::skip]
pub(super) fn habits() -> Vec<Habit> {
    let habit = |who, period_secs, spec| Habit { who, period_secs, spec };
    let mut habits = vec![
        habit(Who::Kubelet, 10, spec("update", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/«node»?timeout=10s", 5_000)),
        habit(Who::Kubelet, 300, spec("patch", "/api/v1/nodes/«node»/status?timeout=10s", 12_000).carries(super::bodies::Body::NodeStatus)),
        habit(Who::Apiserver, 10, spec("get", "/api/v1/namespaces/default/endpoints/kubernetes", 1_200)),
        habit(Who::Apiserver, 10, spec("get", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes", 1_100)),
        habit(Who::Apiserver, 10, spec("update", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/apiserver-wlv32tlttr4jl3gtroqexyxapa", 5_000)),
        habit(Who::ControllerManagerDiscovery, 30, spec("get", "/api", 700)),
        habit(Who::ControllerManagerDiscovery, 30, spec("get", "/apis", 900)),
        habit(Who::Prometheus, 30, spec("get", "/metrics", 260_000)),
        habit(Who::Probe, 10, spec("get", "/livez", 800)),
        habit(Who::Probe, 10, spec("get", "/readyz", 900)),
        habit(Who::KubeStateMetrics, 60, spec("get", "/version", 600)),
    ];
    habits.extend(LEASES.iter().map(|(who, period_secs, lease)| {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}?timeout=5s", lease.replace('/', "/leases/"));
        habit(*who, *period_secs, spec("update", uri, 5_000).fails(409, 1))
    }));
    habits.extend(LEASES.iter().skip(3).map(|(who, period_secs, lease)| {
        let uri = format!("/apis/coordination.k8s.io/v1/namespaces/{}", lease.replace('/', "/leases/"));
        habit(*who, *period_secs, spec("get", uri, 2_000))
    }));
    habits
}

/// Who holds which lease, and renews it how often; other than the control plane's, they are read before each renewal.
const LEASES: [(Who, u32, &str); 10] = [
    (Who::ControllerManagerLease, 2, "kube-system/kube-controller-manager"),
    (Who::SchedulerLease, 2, "kube-system/kube-scheduler"),
    (Who::AcmeOperator, 2, "acme-system/7c9d4f2a.acme.example.com"),
    (Who::CertManager, 5, "cert-manager/cert-manager-controller"),
    (Who::CaInjector, 5, "cert-manager/cert-manager-cainjector-leader-election"),
    (Who::ClusterAutoscaler, 5, "kube-system/cluster-autoscaler"),
    (Who::IngressNginx, 10, "ingress-nginx/ingress-nginx-leader"),
    (Who::Strimzi, 4, "kafka/strimzi-cluster-operator"),
    (Who::PrometheusOperator, 10, "monitoring/prometheus-operator"),
    (Who::ArgoServer, 15, "argocd/argocd-applicationset-controller"),
];

const NO_HEADLESS: &str = "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name";
const PROXIED: &str = "/api/v1/services?labelSelector=%21service.kubernetes.io%2Fheadless%2C%21service.kubernetes.io%2Fservice-proxy-name";
const OWN_NODE: &str = "/api/v1/nodes?fieldSelector=metadata.name%3D«node»";
const OWN_PODS: &str = "/api/v1/pods?fieldSelector=spec.nodeName%3D«node»";
const A_CONFIG_MAP: &str = "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3D«app»-config";
const A_ROOT_CA: &str = "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt";
const A_SECRET: &str = "/api/v1/namespaces/«ns»/secrets?fieldSelector=metadata.name%3D«app»-keys";

#[rustfmt::skip]
const STREAMS: &[(Who, Style, &[&str])] = &[
    (Who::Kubelet, Style::Typed, &[OWN_NODE, "/api/v1/services", "/apis/storage.k8s.io/v1/csidrivers", "/apis/node.k8s.io/v1/runtimeclasses"]),
    (Who::Kubelet, Style::Plain, &[OWN_PODS]),
    (Who::Kubelet, Style::Typed, &[A_ROOT_CA, A_ROOT_CA, A_ROOT_CA, A_ROOT_CA, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_CONFIG_MAP, A_SECRET, A_SECRET, A_SECRET, A_SECRET]),
    (Who::KubeProxy, Style::Typed, &[PROXIED, NO_HEADLESS, OWN_NODE, "/apis/networking.k8s.io/v1/servicecidrs"]),
    (Who::Calico, Style::Plain, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/services",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/discovery.k8s.io/v1/endpointslices", "/apis/crd.projectcalico.org/v1/felixconfigurations",
        "/apis/crd.projectcalico.org/v1/globalnetworkpolicies", "/apis/crd.projectcalico.org/v1/ippools", "/apis/crd.projectcalico.org/v1/hostendpoints",
        "/apis/crd.projectcalico.org/v1/clusterinformations", "/apis/crd.projectcalico.org/v1/bgpconfigurations", "/apis/crd.projectcalico.org/v1/globalnetworksets",
    ]),
    (Who::Cilium, Style::Typed, &[
        OWN_PODS, OWN_NODE, PROXIED, "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=%21service.kubernetes.io%2Fheadless", "/api/v1/namespaces",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/cilium.io/v2/ciliumnodes", "/apis/cilium.io/v2/ciliumendpoints", "/apis/cilium.io/v2/ciliumidentities",
        "/apis/cilium.io/v2/ciliumnetworkpolicies", "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies",
    ]),
    (Who::OtelAgent, Style::Typed, &[OWN_PODS, OWN_NODE, "/api/v1/namespaces", "/apis/apps/v1/replicasets"]),
    (Who::Apiserver, Style::Typed, &[
        "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/resourcequotas", "/api/v1/limitranges", "/api/v1/secrets", "/apis/rbac.authorization.k8s.io/v1/roles",
        "/apis/rbac.authorization.k8s.io/v1/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/storage.k8s.io/v1/storageclasses",
    ]),
    (Who::ControllerManager, Style::WatchList, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/services", "/api/v1/endpoints", "/api/v1/namespaces", "/api/v1/secrets", "/api/v1/serviceaccounts", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/resourcequotas", "/api/v1/replicationcontrollers", "/api/v1/configmaps", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets",
        "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/discovery.k8s.io/v1/endpointslices",
        "/apis/autoscaling/v2/horizontalpodautoscalers", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/volumeattachments", "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    ]),
    (Who::ControllerManagerMetadata, Style::WatchList, &[
        "/apis/acme.example.com/v1beta1/widgets", "/apis/argoproj.io/v1alpha1/applications", "/apis/argoproj.io/v1alpha1/appprojects", "/apis/cert-manager.io/v1/certificates",
        "/apis/cert-manager.io/v1/issuers", "/apis/cilium.io/v2/ciliumendpoints", "/apis/core.strimzi.io/v1beta2/strimzipodsets", "/apis/kafka.strimzi.io/v1beta2/kafkatopics",
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/monitoring.coreos.com/v1/prometheusrules", "/apis/crd.projectcalico.org/v1/ipamblocks", "/apis/networking.k8s.io/v1/ingresses",
    ]),
    (Who::Scheduler, Style::WatchList, &[
        "/api/v1/pods?fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed", "/api/v1/nodes", "/api/v1/services", "/api/v1/namespaces", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/replicationcontrollers", "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets", "/apis/policy/v1/poddisruptionbudgets",
        "/apis/storage.k8s.io/v1/storageclasses", "/apis/storage.k8s.io/v1/csinodes", "/apis/storage.k8s.io/v1/csidrivers", "/apis/storage.k8s.io/v1/csistoragecapacities",
    ]),
    (Who::CoreDns, Style::Typed, &["/api/v1/services", "/api/v1/namespaces", "/apis/discovery.k8s.io/v1/endpointslices"]),
    (Who::MetricsServer, Style::Typed, &["/api/v1/nodes", "/api/v1/pods"]),
    (Who::Prometheus, Style::Typed, &[
        "/api/v1/pods", "/api/v1/services", "/api/v1/endpoints", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/namespaces/monitoring/pods",
        "/api/v1/namespaces/monitoring/services", "/api/v1/namespaces/kube-system/pods", "/api/v1/namespaces/kube-system/services",
    ]),
    (Who::PrometheusOperator, Style::Typed, &[
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/monitoring.coreos.com/v1/podmonitors", "/apis/monitoring.coreos.com/v1/prometheusrules", "/apis/monitoring.coreos.com/v1/prometheuses",
        "/apis/monitoring.coreos.com/v1/alertmanagers", "/api/v1/secrets", "/api/v1/configmaps", "/apis/apps/v1/statefulsets",
    ]),
    (Who::KubeStateMetrics, Style::Typed, &[
        "/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces", "/api/v1/services", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/endpoints", "/api/v1/persistentvolumes",
        "/api/v1/persistentvolumeclaims", "/api/v1/resourcequotas", "/api/v1/limitranges", "/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets",
        "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/networkpolicies",
        "/apis/coordination.k8s.io/v1/leases", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/storageclasses",
    ]),
    (Who::CertManager, Style::Typed, &["/apis/cert-manager.io/v1/certificates", "/apis/cert-manager.io/v1/certificaterequests", "/apis/cert-manager.io/v1/issuers", "/apis/cert-manager.io/v1/clusterissuers", "/apis/acme.cert-manager.io/v1/orders", "/apis/acme.cert-manager.io/v1/challenges", "/api/v1/secrets"]),
    (Who::CaInjector, Style::Plain, &["/api/v1/secrets", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/apiregistration.k8s.io/v1/apiservices", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"]),
    (Who::IngressNginx, Style::Typed, &["/apis/networking.k8s.io/v1/ingresses", "/apis/networking.k8s.io/v1/ingressclasses", "/api/v1/services", "/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces"]),
    (Who::ClusterAutoscaler, Style::Typed, &["/api/v1/pods", "/api/v1/nodes", "/apis/apps/v1/daemonsets", "/apis/apps/v1/replicasets", "/apis/policy/v1/poddisruptionbudgets", "/apis/storage.k8s.io/v1/csinodes", "/api/v1/persistentvolumeclaims"]),
    (Who::ArgoController, Style::Plain, &[
        "/api/v1/pods", "/api/v1/services", "/api/v1/secrets", "/api/v1/configmaps", "/api/v1/namespaces", "/api/v1/serviceaccounts", "/api/v1/persistentvolumeclaims", "/apis/apps/v1/deployments",
        "/apis/apps/v1/replicasets", "/apis/apps/v1/statefulsets", "/apis/apps/v1/daemonsets", "/apis/batch/v1/jobs", "/apis/batch/v1/cronjobs", "/apis/networking.k8s.io/v1/ingresses",
        "/apis/networking.k8s.io/v1/networkpolicies", "/apis/rbac.authorization.k8s.io/v1/roles", "/apis/rbac.authorization.k8s.io/v1/rolebindings", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "/apis/argoproj.io/v1alpha1/applications", "/apis/argoproj.io/v1alpha1/appprojects", "/apis/cert-manager.io/v1/certificates", "/apis/acme.example.com/v1beta1/widgets",
        "/apis/monitoring.coreos.com/v1/servicemonitors", "/apis/kafka.strimzi.io/v1beta2/kafkatopics", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ]),
    (Who::AcmeOperator, Style::Plain, &["/apis/acme.example.com/v1beta1/widgets", "/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/configmaps", "/api/v1/secrets", "/api/v1/pods"]),
    (Who::Strimzi, Style::Fabric8, &["/apis/kafka.strimzi.io/v1beta2/kafkas", "/apis/kafka.strimzi.io/v1beta2/kafkatopics", "/apis/core.strimzi.io/v1beta2/strimzipodsets", "/api/v1/namespaces/kafka/pods"]),
];
