//! What the clients ask in between: the calls that come at no fixed time, and how often each comes among a thousand.
//! Shares follow what a cluster's pods starting and stopping cause, then its operators, pipelines and people.

use super::bodies::Body;
use super::call::{Spec, spec};
use super::clients::Who;

/// A call that comes at no fixed time.
#[derive(Debug)]
pub(super) struct Ask {
    /// Who makes it.
    pub(super) who: Who,
    /// How often, compared with the others.
    pub(super) weight: u64,
    /// What is asked.
    pub(super) spec: Spec,
}

fn ask(weight: u64, who: Who, spec: Spec) -> Ask {
    Ask { who, weight, spec }
}

/// All of them.
pub(super) fn asks(pod_page_count: u32) -> Vec<Ask> {
    let parts = [node_agents(), controllers(), operators(), delivery(), programs(), people(pod_page_count)];
    parts.into_iter().flatten().collect()
}

/// Kubelets, and the log agents beside them, follow each pod that starts or stops.
#[rustfmt::skip]
fn node_agents() -> Vec<Ask> {
    let kubelet = Who::Kubelet;
    vec![
        ask(40, kubelet, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_000).carries(Body::Pod)),
        ask(44, kubelet, spec("patch", "/api/v1/namespaces/«ns»/pods/«pod»/status", 9_000).fails(404, 8).carries(Body::PodStatus)),
        ask(30, kubelet, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«pod».«event»").carries(Body::Event)),
        ask(12, kubelet, spec("patch", "/api/v1/namespaces/«ns»/events/«pod».«event»", 7_000).fails(404, 20).carries(Body::Event)),
        ask(40, kubelet, spec("create", "/api/v1/namespaces/«ns»/serviceaccounts/«app»/token", 5_000)),
        ask(14, kubelet, spec("create", "/apis/authentication.k8s.io/v1/tokenreviews", 1_500)),
        ask(14, kubelet, spec("create", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 900)),
        ask(12, kubelet, spec("list", "/api/v1/namespaces/«ns»/secrets?fieldSelector=metadata.name%3D«app»-keys&limit=500&resourceVersion=0", 2_000)),
        ask(12, kubelet, spec("list", "/api/v1/namespaces/«ns»/configmaps?fieldSelector=metadata.name%3D«app»-config&limit=500&resourceVersion=0", 2_000)),
        ask(9, kubelet, spec("delete", "/api/v1/namespaces/«ns»/pods/«pod»", 11_000).carries(Body::Pod)),
        ask(26, Who::FluentBit, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 2_500).fails(404, 30)),
        ask(10, Who::Calico, spec("update", "/apis/crd.projectcalico.org/v1/blockaffinities/«node»-10-244-7-64-26", 9_000).fails(409, 30)),
        ask(8, Who::Calico, spec("list", "/apis/crd.projectcalico.org/v1/ipamblocks?limit=500", 14_000)),
        ask(8, Who::Cilium, spec("update", "/apis/cilium.io/v2/namespaces/«ns»/ciliumendpoints/«pod»", 8_000).fails(409, 12)),
        ask(6, Who::Cilium, spec("create", "/apis/cilium.io/v2/ciliumidentities", 9_000).named("28411").fails(409, 60)),
    ]
}

/// The control plane's answer to the same.
#[rustfmt::skip]
fn controllers() -> Vec<Ask> {
    let (replica_sets, deployments) = (Who::ReplicaSetController, Who::DeploymentController);
    vec![
        ask(12, replica_sets, spec("create", "/api/v1/namespaces/«ns»/pods", 18_000).named("«pod»").carries(Body::Pod)),
        ask(10, replica_sets, spec("update", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d/status", 8_000).fails(409, 25)),
        ask(4, replica_sets, spec("delete", "/api/v1/namespaces/«ns»/pods/«pod»", 12_000).carries(Body::Pod)),
        ask(8, replica_sets, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«app»-7db6d8ff4d.«event»").carries(Body::Event)),
        ask(8, deployments, spec("update", "/apis/apps/v1/namespaces/«ns»/deployments/«app»/status", 8_000).fails(409, 15).carries(Body::Deployment)),
        ask(4, deployments, spec("update", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d", 8_000).fails(409, 15)),
        ask(14, Who::EndpointSliceController, spec("update", "/apis/discovery.k8s.io/v1/namespaces/«ns»/endpointslices/«app»-k9d2x", 9_000).fails(409, 20)),
        ask(12, Who::HpaController, spec("list", "/apis/metrics.k8s.io/v1beta1/namespaces/«ns»/pods?labelSelector=app%3D«app»%2Ctier%3Dbackend", 12_000).fails(503, 3)),
        ask(6, Who::HpaController, spec("get", "/apis/apps/v1/namespaces/«ns»/deployments/«app»/scale", 3_000)),
        ask(5, Who::HpaController, spec("update", "/apis/autoscaling/v2/namespaces/«ns»/horizontalpodautoscalers/«app»/status", 7_000).fails(409, 10)),
        ask(5, Who::JobController, spec("update", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756/status", 8_000).fails(409, 20)),
        ask(4, Who::JobController, spec("create", "/api/v1/namespaces/«ns»/pods", 17_000).named("«pod»").carries(Body::Pod)),
        ask(4, Who::GarbageCollector, spec("delete", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756", 9_000).fails(404, 30)),
        ask(3, Who::GarbageCollector, spec("get", "/apis/apps/v1/namespaces/«ns»/replicasets/«app»-7db6d8ff4d", 3_000).fails(404, 80)),
        ask(14, Who::Scheduler, spec("create", "/api/v1/namespaces/«ns»/pods/«pod»/binding", 12_000)),
        ask(14, Who::Scheduler, spec("create", "/apis/events.k8s.io/v1/namespaces/«ns»/events", 6_000).named("«pod».«event»").carries(Body::Event)),
        ask(5, Who::Scheduler, spec("patch", "/api/v1/namespaces/«ns»/pods/«pod»/status", 8_000).carries(Body::PodStatus)),
    ]
}

/// Operators and add-ons.
#[rustfmt::skip]
fn operators() -> Vec<Ask> {
    let acme = Who::AcmeOperator;
    vec![
        ask(24, acme, spec("get", "/apis/apps/v1/namespaces/«ns»/deployments/«app»", 3_000).fails(404, 10).carries(Body::Deployment)),
        ask(20, acme, spec("update", "/apis/acme.example.com/v1beta1/namespaces/«ns»/widgets/«app»/status", 9_000).fails(409, 25)),
        ask(14, acme, spec("get", "/api/v1/namespaces/«ns»/secrets/«app»-keys", 2_500).fails(404, 40)),
        ask(12, acme, spec("patch", "/api/v1/namespaces/«ns»/services/«app»?fieldManager=acme-operator&force=true", 8_000)),
        ask(8, acme, spec("create", "/api/v1/namespaces/«ns»/events", 6_000).named("«app».«event»").carries(Body::Event)),
        ask(4, acme, spec("list", "/apis/acme.example.com/v1beta1/widgets?limit=500&resourceVersion=0", 20_000)),
        ask(8, Who::Strimzi, spec("list", "/api/v1/namespaces/kafka/pods?labelSelector=strimzi.io%2Fcluster%3Dmain%2Cstrimzi.io%2Fkind%3DKafka", 9_000)),
        ask(8, Who::Strimzi, spec("patch", "/apis/core.strimzi.io/v1beta2/namespaces/kafka/strimzipodsets/main-kafka/status", 8_000)),
        ask(8, Who::CertManager, spec("get", "/apis/cert-manager.io/v1/namespaces/«ns»/certificates/«app»-tls", 3_000)),
        ask(6, Who::CertManager, spec("update", "/apis/cert-manager.io/v1/namespaces/«ns»/certificates/«app»-tls/status", 8_000).fails(409, 15)),
        ask(8, Who::PrometheusOperator, spec("get", "/apis/apps/v1/namespaces/monitoring/statefulsets/prometheus-k8s", 3_000)),
        ask(5, Who::PrometheusOperator, spec("update", "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheuses/k8s/status", 8_000).fails(409, 10)),
        ask(5, Who::IngressNginx, spec("update", "/apis/networking.k8s.io/v1/namespaces/«ns»/ingresses/«app»/status", 8_000).fails(409, 30)),
        ask(6, Who::ClusterAutoscaler, spec("update", "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status", 8_000)),
        ask(4, Who::ClusterAutoscaler, spec("list", "/apis/apps/v1/daemonsets?limit=500&resourceVersion=0", 15_000)),
        ask(4, Who::ExternalDns, spec("list", "/api/v1/services?limit=500&resourceVersion=0", 22_000)),
        ask(4, Who::ExternalDns, spec("list", "/apis/networking.k8s.io/v1/ingresses?limit=500&resourceVersion=0", 18_000)),
        ask(6, Who::MetricsServer, spec("create", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 900)),
    ]
}

/// Argo CD, Helm, Terraform and pipelines.
#[rustfmt::skip]
fn delivery() -> Vec<Ask> {
    let (argo, application) = (Who::ArgoController, "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/«app»");
    vec![
        ask(24, argo, spec("get", application, 3_000).carries(Body::Application)),
        ask(20, argo, spec("patch", application, 9_000).carries(Body::Application)),
        ask(10, argo, spec("patch", "/apis/apps/v1/namespaces/«ns»/deployments/«app»?dryRun=All&fieldManager=argocd-controller&fieldValidation=Strict&force=true", 14_000).fails(422, 6).carries(Body::Deployment)),
        ask(8, argo, spec("get", "/apis?timeout=32s", 1_800)),
        ask(6, argo, spec("get", "/openapi/v2?timeout=32s", 60_000)),
        ask(8, argo, spec("list", "/api/v1/namespaces/«ns»/events?fieldSelector=involvedObject.name%3D«app»%2CinvolvedObject.namespace%3D«ns»", 30_000)),
        ask(10, Who::ArgoServer, spec("get", application, 3_000).carries(Body::Application)),
        ask(6, Who::ArgoServer, spec("list", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications?limit=500", 90_000)),
        ask(6, Who::ArgoServer, spec("create", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 900)),
        ask(4, Who::Helm, spec("list", "/api/v1/namespaces/«ns»/secrets?labelSelector=name%3D«app»%2Cowner%3Dhelm%2Cstatus%3Ddeployed", 25_000)),
        ask(3, Who::Helm, spec("create", "/api/v1/namespaces/«ns»/secrets", 16_000).named("sh.helm.release.v1.«app».v38")),
        ask(3, Who::Helm, spec("patch", "/api/v1/namespaces/«ns»/configmaps/«app»-config?fieldManager=helm", 10_000).carries(Body::ConfigMap)),
        ask(5, Who::Deployer, spec("patch", "/apis/apps/v1/namespaces/«ns»/deployments/«app»?fieldManager=kubectl-client-side-apply&fieldValidation=Strict", 13_000).fails(409, 8).carries(Body::Deployment)),
        ask(5, Who::Deployer, spec("get", "/openapi/v3?timeout=32s", 4_000)),
        ask(6, Who::Deployer, spec("watch", "/apis/apps/v1/namespaces/«ns»/deployments?allowWatchBookmarks=true&fieldSelector=metadata.name%3D«app»&resourceVersion=«rv»&timeoutSeconds=«secs»&watch=true", 4_000)),
        ask(4, Who::Terraform, spec("get", "/api/v1/namespaces/«ns»", 2_500)),
        ask(4, Who::Terraform, spec("get", "/api/v1/namespaces/«ns»/configmaps/«app»-config", 2_500).fails(404, 25).carries(Body::ConfigMap)),
        ask(3, Who::Terraform, spec("update", "/api/v1/namespaces/«ns»/configmaps/«app»-config?fieldManager=Terraform", 9_000).carries(Body::ConfigMap)),
    ]
}

/// Programs that teams wrote with a client library; their query strings are in no particular order.
#[rustfmt::skip]
fn programs() -> Vec<Ask> {
    let (python, java) = (Who::PythonSync, Who::JavaWatcher);
    vec![
        ask(12, python, spec("list", "/api/v1/namespaces/«ns»/pods?labelSelector=app%3D«app»&watch=False", 9_000).fails(403, 6)),
        ask(6, python, spec("list", "/apis/batch/v1/namespaces/«ns»/jobs?limit=100", 12_000)),
        ask(8, python, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_000).fails(404, 60)),
        ask(4, python, spec("create", "/apis/batch/v1/namespaces/«ns»/jobs", 14_000).named("«app»-29384756").fails(409, 30)),
        ask(3, python, spec("delete", "/apis/batch/v1/namespaces/«ns»/jobs/«app»-29384756?propagationPolicy=Background", 10_000).fails(404, 50)),
        ask(2, python, spec("list", "/api/v1/pods", 420_000)),
        ask(10, java, spec("list", "/api/v1/namespaces/order-management/configmaps", 9_000)),
        ask(8, java, spec("get", "/api/v1/namespaces/order-management/configmaps/«app»-config", 2_500).fails(404, 10)),
        ask(4, java, spec("patch", "/api/v1/namespaces/order-management/configmaps/«app»-config?fieldManager=fabric8", 9_000).fails(409, 12).carries(Body::ConfigMap)),
        ask(5, Who::Expired, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 800).answers(401)),
    ]
}

/// People at a terminal.
#[rustfmt::skip]
fn people(pod_page_count: u32) -> Vec<Ask> {
    let person = Who::Person;
    vec![
        ask(12, person, spec("list", "/api/v1/namespaces/«ns»/pods?limit=500", 25_000).fails(403, 12).carries(Body::PodList)),
        ask(5, person, spec("list", "/apis/apps/v1/namespaces/«ns»/deployments?limit=500", 15_000)),
        ask(5, person, spec("list", "/api/v1/namespaces/«ns»/events?fieldSelector=involvedObject.uid%3D«uuid»%2CinvolvedObject.name%3D«pod»%2CinvolvedObject.namespace%3D«ns»&limit=500", 40_000)),
        ask(5, person, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»/log?container=app&follow=true&tailLines=200", 9_000)),
        ask(6, person, spec("get", "/api/v1/namespaces/«ns»/pods/«pod»", 3_500).fails(404, 40).carries(Body::Pod)),
        ask(1, person, spec("create", "/api/v1/namespaces/«ns»/pods/«pod»/exec?command=sh&container=app&stdin=true&stdout=true&tty=true", 30_000).answers(101).fails(403, 30)),
        ask(3, person, spec("list", "/api/v1/nodes?limit=500", 60_000)),
        ask(1, person, spec("list", "/api/v1/pods?limit=500", 240_000).paged(pod_page_count)),
        ask(4, person, spec("get", "/apis?timeout=32s", 1_800)),
        ask(2, person, spec("create", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 900)),
        ask(2, person, spec("watch", "/api/v1/namespaces/«ns»/pods?limit=500&resourceVersion=«rv»&watch=true", 5_000)),
        ask(1, person, spec("list", "/api/v1/secrets?limit=500", 30_000).fails(403, 700)),
        ask(6, Who::OidcProxy, spec("list", "/api/v1/namespaces/«ns»/pods?limit=500", 25_000).fails(403, 40)),
        ask(4, Who::OidcProxy, spec("get", "/api/v1/namespaces/«ns»/services/«app»", 3_000).fails(404, 30)),
    ]
}
