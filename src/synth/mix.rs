//! Ad hoc calls: the requests at random times, and how frequent each of them is. Most of them are caused by pods that start
//! and stop; then come operators, pipelines and people.

use super::bodies::Body;
use super::call::{CallSpec, spec};
use super::clients::ClientKind;

#[derive(Debug)]
pub(super) struct AdHocCall {
    pub(super) kind: ClientKind,
    /// Frequency, relative to the other calls.
    pub(super) weight: u64,
    pub(super) spec: CallSpec,
}

fn ad_hoc(weight: u64, kind: ClientKind, spec: CallSpec) -> AdHocCall {
    AdHocCall { kind, weight, spec }
}

/// All ad hoc calls. `pod_page_count` is the number of pages, after the first, of a list of all pods.
pub(super) fn ad_hoc_calls(pod_page_count: u32) -> Vec<AdHocCall> {
    let groups = [node_agents(), controllers(), operators(), delivery(), programs(), people(pod_page_count)];
    groups.into_iter().flatten().collect()
}

/// What kubelets and other agents on the nodes send for each pod that starts or stops.
#[rustfmt::skip]
fn node_agents() -> Vec<AdHocCall> {
    let kubelet = ClientKind::Kubelet;
    vec![
        ad_hoc(40, kubelet, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_000).carries(Body::Pod)),
        ad_hoc(44, kubelet, spec("patch", "/api/v1/namespaces/«ns»/pods/«pod»/status", 9_000).fails(404, 8).carries(Body::PodStatus)),
        ad_hoc(30, kubelet, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«pod».«event»").carries(Body::Event)),
        ad_hoc(12, kubelet, spec("patch", "/api/v1/namespaces/«ns»/events/«pod».«event»", 7_000).fails(404, 20).carries(Body::Event)),
        ad_hoc(40, kubelet, spec("create", "/api/v1/namespaces/«ns»/serviceaccounts/«app»/token", 5_000)),
        ad_hoc(14, kubelet, spec("create", "/apis/authentication.k8s.io/v1/tokenreviews", 1_500)),
        ad_hoc(14, kubelet, spec("create", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 900)),
        ad_hoc(12, kubelet, spec("list", "/api/v1/namespaces/«ns»/secrets?fieldSelector=metadata.name%3D«app»-keys&limit=500&resourceVersion=0", 2_000)),
        ad_hoc(12, kubelet, spec("list", "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3D«app»-config&limit=500&resourceVersion=0", 2_000)),
        ad_hoc(9, kubelet, spec("delete", "/api/v1/namespaces/«ns»/pods/«pod»", 11_000).carries(Body::Pod)),
        ad_hoc(26, ClientKind::FluentBit, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 2_500).fails(404, 30)),
        ad_hoc(10, ClientKind::Calico, spec("update", "/apis/crd.projectcalico.org/v1/blockaffinities/«node»-10-244-7-64-26", 9_000).fails(409, 30)),
        ad_hoc(8, ClientKind::Calico, spec("list", "/apis/crd.projectcalico.org/v1/ipamblocks?limit=500", 14_000)),
        ad_hoc(8, ClientKind::Cilium, spec("update", "/apis/cilium.io/v2/namespaces/«ns»/ciliumendpoints/«pod»", 8_000).fails(409, 12)),
        ad_hoc(6, ClientKind::Cilium, spec("create", "/apis/cilium.io/v2/ciliumidentities", 9_000).named("28411").fails(409, 60)),
    ]
}

/// What the control plane sends for the same pods.
#[rustfmt::skip]
fn controllers() -> Vec<AdHocCall> {
    let (replica_sets, deployments) = (ClientKind::ReplicaSetController, ClientKind::DeploymentController);
    vec![
        ad_hoc(12, replica_sets, spec("create", "/api/v1/namespaces/«ns»/pods", 18_000).named("«pod»").carries(Body::Pod)),
        ad_hoc(10, replica_sets, spec("update", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d/status", 8_000).fails(409, 25)),
        ad_hoc(4, replica_sets, spec("delete", "/api/v1/namespaces/«ns»/pods/«pod»", 12_000).carries(Body::Pod)),
        ad_hoc(8, replica_sets, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«app»-7db6d8ff4d.«event»").carries(Body::Event)),
        ad_hoc(8, deployments, spec("update", "/apis/apps/v1/namespaces/«ns»/deployments/«app»/status", 8_000).fails(409, 15).carries(Body::Deployment)),
        ad_hoc(4, deployments, spec("update", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d", 8_000).fails(409, 15)),
        ad_hoc(14, ClientKind::EndpointSliceController, spec("update", "/apis/discovery.k8s.io/v1/namespaces/«ns»/endpointslices/«app»-k9d2x", 9_000).fails(409, 20)),
        ad_hoc(12, ClientKind::HpaController, spec("list", "/apis/metrics.k8s.io/v1beta1/namespaces/«ns»/pods?labelSelector=app%3D«app»%2Ctier%3Dbackend", 12_000).fails(503, 3)),
        ad_hoc(6, ClientKind::HpaController, spec("get", "/apis/apps/v1/namespaces/«ns»/deployments/«app»/scale", 3_000)),
        ad_hoc(5, ClientKind::HpaController, spec("update", "/apis/autoscaling/v2/namespaces/«ns»/horizontalpodautoscalers/«app»/status", 7_000).fails(409, 10)),
        ad_hoc(5, ClientKind::JobController, spec("update", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756/status", 8_000).fails(409, 20)),
        ad_hoc(4, ClientKind::JobController, spec("create", "/api/v1/namespaces/«ns»/pods", 17_000).named("«pod»").carries(Body::Pod)),
        ad_hoc(4, ClientKind::GarbageCollector, spec("delete", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756", 9_000).fails(404, 30)),
        ad_hoc(3, ClientKind::GarbageCollector, spec("get", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d", 3_000).fails(404, 80)),
        ad_hoc(14, ClientKind::Scheduler, spec("create", "/api/v1/namespaces/«ns»/pods/«pod»/binding", 12_000)),
        ad_hoc(14, ClientKind::Scheduler, spec("create", "/apis/events.k8s.io/v1/namespaces/«ns»/events", 6_000).named("«pod».«event»").carries(Body::Event)),
        ad_hoc(5, ClientKind::Scheduler, spec("patch", "/api/v1/namespaces/«ns»/pods/«pod»/status", 8_000).carries(Body::PodStatus)),
    ]
}

/// Operators and add-ons.
#[rustfmt::skip]
fn operators() -> Vec<AdHocCall> {
    let acme = ClientKind::AcmeOperator;
    vec![
        ad_hoc(24, acme, spec("get", "/apis/apps/v1/namespaces/«ns»/deployments/«app»", 3_000).fails(404, 10).carries(Body::Deployment)),
        ad_hoc(20, acme, spec("update", "/apis/acme.example.com/v1beta1/namespaces/«ns»/widgets/«app»/status", 9_000).fails(409, 25)),
        ad_hoc(14, acme, spec("get", "/api/v1/namespaces/«ns»/secrets/«app»-keys", 2_500).fails(404, 40)),
        ad_hoc(12, acme, spec("patch", "/api/v1/namespaces/«ns»/services/«app»?fieldManager=acme-operator&force=true", 8_000)),
        ad_hoc(8, acme, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«app».«event»").carries(Body::Event)),
        ad_hoc(4, acme, spec("list", "/apis/acme.example.com/v1beta1/widgets?limit=500&resourceVersion=0", 20_000)),
        ad_hoc(8, ClientKind::Strimzi, spec("list", "/api/v1/namespaces/kafka/pods?labelSelector=strimzi.io%2Fcluster%3Dmain%2Cstrimzi.io%2Fkind%3DKafka", 9_000)),
        ad_hoc(8, ClientKind::Strimzi, spec("patch", "/apis/core.strimzi.io/v1beta2/namespaces/kafka/strimzipodsets/main-kafka/status", 8_000)),
        ad_hoc(8, ClientKind::CertManager, spec("get", "/apis/cert-manager.io/v1/namespaces/«ns»/certificates/«app»-tls", 3_000)),
        ad_hoc(6, ClientKind::CertManager, spec("update", "/apis/cert-manager.io/v1/namespaces/«ns»/certificates/«app»-tls/status", 8_000).fails(409, 15)),
        ad_hoc(8, ClientKind::PrometheusOperator, spec("get", "/apis/apps/v1/namespaces/monitoring/statefulsets/prometheus-k8s", 3_000)),
        ad_hoc(5, ClientKind::PrometheusOperator, spec("update", "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/k8s/status", 8_000).fails(409, 10)),
        ad_hoc(5, ClientKind::IngressNginx, spec("update", "/apis/networking.k8s.io/v1/namespaces/«ns»/ingresses/«app»/status", 8_000).fails(409, 30)),
        ad_hoc(6, ClientKind::ClusterAutoscaler, spec("update", "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", 8_000)),
        ad_hoc(4, ClientKind::ClusterAutoscaler, spec("list", "/apis/apps/v1/daemonsets?limit=500&resourceVersion=0", 15_000)),
        ad_hoc(4, ClientKind::ExternalDns, spec("list", "/api/v1/services?limit=500&resourceVersion=0", 22_000)),
        ad_hoc(4, ClientKind::ExternalDns, spec("list", "/apis/networking.k8s.io/v1/ingresses?limit=500&resourceVersion=0", 18_000)),
        ad_hoc(6, ClientKind::MetricsServer, spec("create", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 900)),
    ]
}

/// Argo CD, Helm, Terraform and pipelines.
#[rustfmt::skip]
fn delivery() -> Vec<AdHocCall> {
    let (argo, application) = (ClientKind::ArgoController, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/«app»");
    vec![
        ad_hoc(24, argo, spec("get", application, 3_000).carries(Body::Application)),
        ad_hoc(20, argo, spec("patch", application, 9_000).carries(Body::Application)),
        ad_hoc(10, argo, spec("patch", "/apis/apps/v1/namespaces/«ns»/deployments/«app»?dryRun=All&fieldManager=argocd-controller&fieldValidation=Strict&force=true", 14_000).fails(422, 6).carries(Body::Deployment)),
        ad_hoc(8, argo, spec("get", "/apis?timeout=32s", 1_800)),
        ad_hoc(6, argo, spec("get", "/openapi/v2?timeout=32s", 60_000)),
        ad_hoc(8, argo, spec("list", "/api/v1/namespaces/«ns»/events?fieldSelector=involvedObject.name%3D«app»%2CinvolvedObject.namespace%3D«ns»", 30_000)),
        ad_hoc(10, ClientKind::ArgoServer, spec("get", application, 3_000).carries(Body::Application)),
        ad_hoc(6, ClientKind::ArgoServer, spec("list", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications?limit=500", 90_000)),
        ad_hoc(6, ClientKind::ArgoServer, spec("create", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 900)),
        ad_hoc(4, ClientKind::Helm, spec("list", "/api/v1/namespaces/«ns»/secrets?labelSelector=name%3D«app»%2Cowner%3Dhelm%2Cstatus%3Ddeployed", 25_000)),
        ad_hoc(3, ClientKind::Helm, spec("create", "/api/v1/namespaces/«ns»/secrets", 16_000).named("sh.helm.release.v1.«app».v38")),
        ad_hoc(3, ClientKind::Helm, spec("patch", "/api/v1/namespaces/«ns»/configmaps/«app»-config?fieldManager=helm", 10_000).carries(Body::ConfigMap)),
        ad_hoc(5, ClientKind::Deployer, spec("patch", "/apis/apps/v1/namespaces/«ns»/deployments/«app»?fieldManager=kubectl-client-side-apply&fieldValidation=Strict", 13_000).fails(409, 8).carries(Body::Deployment)),
        ad_hoc(5, ClientKind::Deployer, spec("get", "/openapi/v3?timeout=32s", 4_000)),
        ad_hoc(6, ClientKind::Deployer, spec("watch", "/apis/apps/v1/namespaces/«ns»/deployments?allowWatchBookmarks=true&fieldSelector=metadata.name%3D«app»&resourceVersion=«rv»&timeoutSeconds=«secs»&watch=true", 4_000)),
        ad_hoc(4, ClientKind::Terraform, spec("get", "/api/v1/namespaces/«ns»", 2_500)),
        ad_hoc(4, ClientKind::Terraform, spec("get", "/api/v1/namespaces/«ns»/configmaps/«app»-config", 2_500).fails(404, 25).carries(Body::ConfigMap)),
        ad_hoc(3, ClientKind::Terraform, spec("update", "/api/v1/namespaces/«ns»/configmaps/«app»-config?fieldManager=Terraform", 9_000).carries(Body::ConfigMap)),
    ]
}

/// Programs that teams wrote with a client library; their query parameters are not sorted.
#[rustfmt::skip]
fn programs() -> Vec<AdHocCall> {
    let (python, java) = (ClientKind::PythonSync, ClientKind::JavaWatcher);
    vec![
        ad_hoc(12, python, spec("list", "/api/v1/namespaces/«ns»/pods?labelSelector=app%3D«app»&watch=False", 9_000).fails(403, 6)),
        ad_hoc(6, python, spec("list", "/apis/batch/v1/namespaces/«ns»/jobs?limit=100", 12_000)),
        ad_hoc(8, python, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_000).fails(404, 60)),
        ad_hoc(4, python, spec("create", "/apis/batch/v1/namespaces/«ns»/jobs", 14_000).named("«app»-29384756").fails(409, 30)),
        ad_hoc(3, python, spec("delete", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756?propagationPolicy=Background", 10_000).fails(404, 50)),
        ad_hoc(2, python, spec("list", "/api/v1/pods", 420_000)),
        ad_hoc(10, java, spec("list", "/api/v1/namespaces/order-management/configmaps", 9_000)),
        ad_hoc(8, java, spec("get", "/api/v1/namespaces/order-management/configmaps/«app»-config", 2_500).fails(404, 10)),
        ad_hoc(4, java, spec("patch", "/api/v1/namespaces/order-management/configmaps/«app»-config?fieldManager=fabric8", 9_000).fails(409, 12).carries(Body::ConfigMap)),
        ad_hoc(5, ClientKind::Expired, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 800).answers(401)),
    ]
}

/// People at a terminal.
#[rustfmt::skip]
fn people(pod_page_count: u32) -> Vec<AdHocCall> {
    let person = ClientKind::Person;
    vec![
        ad_hoc(12, person, spec("list", "/api/v1/namespaces/«ns»/pods?limit=500", 25_000).fails(403, 12).carries(Body::PodList)),
        ad_hoc(5, person, spec("list", "/apis/apps/v1/namespaces/«ns»/deployments?limit=500", 15_000)),
        ad_hoc(5, person, spec("list", "/api/v1/namespaces/«ns»/events?fieldSelector=involvedObject.uid%3D«uuid»%2CinvolvedObject.name%3D«pod»%2CinvolvedObject.namespace%3D«ns»&limit=500", 40_000)),
        ad_hoc(5, person, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»/log?container=app&follow=true&tailLines=200", 9_000)),
        ad_hoc(6, person, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_500).fails(404, 40).carries(Body::Pod)),
        ad_hoc(1, person, spec("create", "/api/v1/namespaces/«ns»/pods/«pod»/exec?command=sh&container=app&stdin=true&stdout=true&tty=true", 30_000).answers(101).fails(403, 30)),
        ad_hoc(3, person, spec("list", "/api/v1/nodes?limit=500", 60_000)),
        ad_hoc(1, person, spec("list", "/api/v1/pods?limit=500", 240_000).paged(pod_page_count)),
        ad_hoc(4, person, spec("get", "/apis?timeout=32s", 1_800)),
        ad_hoc(2, person, spec("create", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 900)),
        ad_hoc(2, person, spec("watch", "/api/v1/namespaces/«ns»/pods?limit=500&resourceVersion=«rv»&watch=true", 5_000)),
        ad_hoc(1, person, spec("list", "/api/v1/secrets?limit=500", 30_000).fails(403, 700)),
        ad_hoc(6, ClientKind::OidcProxy, spec("list", "/api/v1/namespaces/«ns»/pods?limit=500", 25_000).fails(403, 40)),
        ad_hoc(4, ClientKind::OidcProxy, spec("get", "/api/v1/namespaces/«ns»/services/«app»", 3_000).fails(404, 30)),
    ]
}
