//! Who talks to the server: the identities of a cluster, each with the part of its audit lines that never changes
//! written out beforehand.

use std::ops::Range;

use super::digits::{push_hex, push_uuid};
use super::names::PEOPLE;
use super::random::Random;
use super::template::push_letters;

/// A kind of client; the calls in the catalogue are made by a kind, and one of its clients is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Kubelet,
    KubeProxy,
    Calico,
    Cilium,
    FluentBit,
    OtelAgent,
    Apiserver,
    ControllerManager,
    ControllerManagerMetadata,
    ControllerManagerLease,
    ControllerManagerDiscovery,
    ReplicaSetController,
    DeploymentController,
    EndpointSliceController,
    HpaController,
    JobController,
    GarbageCollector,
    Scheduler,
    SchedulerLease,
    CoreDns,
    MetricsServer,
    Prometheus,
    PrometheusOperator,
    KubeStateMetrics,
    CertManager,
    CaInjector,
    IngressNginx,
    ExternalDns,
    ClusterAutoscaler,
    ArgoController,
    ArgoServer,
    AcmeOperator,
    Strimzi,
    PythonSync,
    PythonFleet,
    JavaWatcher,
    Person,
    Deployer,
    Helm,
    Terraform,
    OidcProxy,
    Probe,
    Expired,
}

/// How a client is known to the server.
#[derive(Clone, Copy)]
enum Login {
    /// A node's certificate.
    Node,
    /// A certificate of a control plane component: the user's name.
    Component(&'static str),
    /// A pod's token: `<namespace>/<service account>`, and the ClusterRole it is bound to.
    Pod(&'static str, &'static str),
    /// A controller's token, bound to no pod.
    Controller(&'static str),
    /// The server itself, or another member of system:masters.
    Loopback,
    /// OpenID Connect.
    Person,
    /// A proxy's token, which impersonates a person.
    Impersonator(&'static str),
    /// No credentials.
    Anonymous,
    /// Credentials that the server refuses.
    Refused,
}

/// How many clients there are of a kind.
#[derive(Clone, Copy)]
enum Copies {
    OnEachNode,
    /// Three nodes of four: the cluster moves from Calico to Cilium, so that both kinds of agent are in the log.
    OnOldNodes,
    OnNewNodes,
    Of(u32),
}

const KUBELET: &str = "kubelet/v1.33.4 (linux/amd64) kubernetes/74cdb98";
const GO: &str = "v0.0.0 (linux/amd64) kubernetes/$Format";

/// The identities: kind, how many, login, user agent.
#[rustfmt::skip]
const IDENTITIES: [(Who, Copies, Login, &str); 43] = {
    use Copies::{Of, OnEachNode, OnNewNodes, OnOldNodes};
    use Login::{Anonymous, Component, Controller, Impersonator, Loopback, Node, Person, Pod, Refused};
    const SCHEDULER: &str = "system:kube-scheduler";
    const MANAGER: &str = "system:kube-controller-manager";
    [
        (Who::Kubelet, OnEachNode, Node, KUBELET),
        (Who::KubeProxy, OnEachNode, Pod("kube-system/kube-proxy", "system:node-proxier"), "kube-proxy/v1.33.4 (linux/amd64) kubernetes/74cdb98"),
        (Who::Calico, OnOldNodes, Pod("kube-system/calico-node", "calico-node"), "calico-node/«go»"),
        (Who::Cilium, OnNewNodes, Pod("kube-system/cilium", "cilium"), "cilium-agent/1.16.5 ad688277 2024-12-12T21:47:31+00:00 go version go1.22.10 linux/amd64"),
        (Who::FluentBit, OnEachNode, Pod("logging/fluent-bit", "fluent-bit"), "Fluent-Bit"),
        (Who::OtelAgent, OnEachNode, Pod("observability/otel-collector-agent", "otel-collector-agent"), "otelcol-contrib/«go»"),
        (Who::Apiserver, Of(1), Loopback, "kube-apiserver/v1.33.4 (linux/amd64) kubernetes/74cdb98"),
        (Who::ControllerManager, Of(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/shared-informers"),
        (Who::ControllerManagerMetadata, Of(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/metadata-informers"),
        (Who::ControllerManagerLease, Of(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/leader-election"),
        (Who::ControllerManagerDiscovery, Of(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/controller-discovery"),
        (Who::ReplicaSetController, Of(1), Controller("replicaset-controller"), ""),
        (Who::DeploymentController, Of(1), Controller("deployment-controller"), ""),
        (Who::EndpointSliceController, Of(1), Controller("endpointslice-controller"), ""),
        (Who::HpaController, Of(1), Controller("horizontal-pod-autoscaler"), ""),
        (Who::JobController, Of(1), Controller("job-controller"), ""),
        (Who::GarbageCollector, Of(1), Controller("generic-garbage-collector"), ""),
        (Who::Scheduler, Of(1), Component(SCHEDULER), "kube-scheduler/v1.33.4 (linux/amd64) kubernetes/74cdb98/scheduler"),
        (Who::SchedulerLease, Of(1), Component(SCHEDULER), "kube-scheduler/v1.33.4 (linux/amd64) kubernetes/74cdb98/leader-election"),
        (Who::CoreDns, Of(3), Pod("kube-system/coredns", "system:coredns"), "CoreDNS/1.12.0 git_commit:51e11f1 (linux/amd64/go1.23.3)"),
        (Who::MetricsServer, Of(2), Pod("kube-system/metrics-server", "system:metrics-server"), "metrics-server/«go»"),
        (Who::Prometheus, Of(2), Pod("monitoring/prometheus-k8s", "prometheus-k8s"), "Prometheus/2.54.1"),
        (Who::PrometheusOperator, Of(1), Pod("monitoring/prometheus-operator", "prometheus-operator"), "PrometheusOperator/0.76.1"),
        (Who::KubeStateMetrics, Of(1), Pod("monitoring/kube-state-metrics", "kube-state-metrics"), "kube-state-metrics/v2.13.0 (linux/amd64) kube-state-metrics/unknown"),
        (Who::CertManager, Of(1), Pod("cert-manager/cert-manager", "cert-manager-controller-certificates"), "cert-manager-certificates-readiness/v1.15.3 (linux/amd64) cert-manager/e1a0a9c"),
        (Who::CaInjector, Of(1), Pod("cert-manager/cert-manager-cainjector", "cert-manager-cainjector"), "cert-manager-cainjector/v1.15.3 (linux/amd64) cert-manager/e1a0a9c"),
        (Who::IngressNginx, Of(3), Pod("ingress-nginx/ingress-nginx", "ingress-nginx"), "nginx-ingress-controller/v1.11.2 (linux/amd64) ingress-nginx/46e76e5"),
        (Who::ExternalDns, Of(1), Pod("external-dns/external-dns", "external-dns"), "ExternalDNS/v0.15.0"),
        (Who::ClusterAutoscaler, Of(1), Pod("kube-system/cluster-autoscaler", "cluster-autoscaler"), "cluster-autoscaler/«go»"),
        (Who::ArgoController, Of(1), Pod("argocd/argocd-application-controller", "argocd-application-controller"), "argocd-application-controller/v2.12.4 (linux/amd64)"),
        (Who::ArgoServer, Of(2), Pod("argocd/argocd-server", "argocd-server"), "argocd-server/v2.12.4 (linux/amd64)"),
        (Who::AcmeOperator, Of(1), Pod("acme-system/acme-operator-controller-manager", "acme-operator-manager-role"), "manager/«go»"),
        (Who::Strimzi, Of(1), Pod("kafka/strimzi-cluster-operator", "strimzi-cluster-operator-watched"), "strimzi-cluster-operator/0.43.0"),
        (Who::PythonSync, Of(2), Pod("batch-tools/inventory-sync", "inventory-reader"), "OpenAPI-Generator/29.0.0/python"),
        (Who::PythonFleet, Of(40), Pod("batch-tools/inventory-sync", "inventory-reader"), "OpenAPI-Generator/29.0.0/python"),
        (Who::JavaWatcher, Of(4), Pod("order-management/config-watcher", "config-reader"), "fabric8-kubernetes-client/6.13.1"),
        (Who::Person, Of(12), Person, "kubectl/v1.33.1 (darwin/arm64) kubernetes/8adc0f0"),
        (Who::Deployer, Of(3), Pod("ci-runners/deployer", "cluster-deployer"), "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146"),
        (Who::Helm, Of(2), Pod("ci-runners/helm-releaser", "cluster-deployer"), "Helm/3.16.1"),
        (Who::Terraform, Of(1), Pod("ci-runners/terraform", "cluster-admin"), "HashiCorp/1.0 Terraform/1.9.5"),
        (Who::OidcProxy, Of(2), Impersonator("auth-proxy/kube-oidc-proxy"), "kubectl/v1.33.1 (darwin/arm64) kubernetes/8adc0f0"),
        (Who::Probe, Of(3), Anonymous, "kube-probe/1.33"),
        (Who::Expired, Of(2), Refused, "curl/8.5.0"),
    ]
};

/// A client, and the unchanging parts of its lines as JSON.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// `{"username":…}`, the value of `user`.
    pub(super) user: Vec<u8>,
    /// `"impersonatedUser":{…},`, or nothing.
    pub(super) impersonated_user: Vec<u8>,
    /// `"sourceIPs":[…],"userAgent":"…"`.
    pub(super) origin: Vec<u8>,
    /// The user that is authorized.
    pub(super) name: String,
    /// Why it is (`authorization.k8s.io/reason`), with its quotes escaped; empty for nodes and system:masters.
    pub(super) reason: String,
    /// The node it runs on or is.
    pub(super) node: Option<usize>,
}

/// All clients of the cluster, and its nodes.
#[derive(Debug)]
pub(super) struct Clients {
    all: Vec<Client>,
    kinds: Vec<(Who, Range<usize>)>,
    nodes: Vec<String>,
}

impl Clients {
    /// The clients of a cluster with this many nodes.
    pub(super) fn new(node_count: u32, random: &mut Random) -> Self {
        let nodes: Vec<String> = (0..node_count.max(4)).map(node_name).collect();
        let old = nodes.len() - nodes.len() / 4;
        let mut all = Vec::new();
        let mut kinds = Vec::new();
        for (who, copies, login, agent) in IDENTITIES {
            let first = all.len();
            let places: Vec<Option<usize>> = match copies {
                Copies::OnEachNode => (0..nodes.len()).map(Some).collect(),
                Copies::OnOldNodes => (0..old).map(Some).collect(),
                Copies::OnNewNodes => (old..nodes.len()).map(Some).collect(),
                Copies::Of(count) => (0..count).map(|_| None).collect(),
            };
            let account = account(login, random);
            for (at, place) in places.into_iter().enumerate() {
                all.push(client(login, agent, &account, at, place, &nodes, random));
            }
            kinds.push((who, first..all.len()));
        }
        Self { all, kinds, nodes }
    }

    pub(super) fn get(&self, client: usize) -> &Client {
        &self.all[client]
    }

    /// The clients of one kind.
    pub(super) fn of(&self, who: Who) -> Range<usize> {
        let kind = self.kinds.iter().find(|(kind, _)| *kind == who);
        kind.map_or(0..0, |(_, range)| range.clone())
    }

    /// The client's node, or one that follows from `seed`.
    pub(super) fn node_of(&self, client: usize, seed: u64) -> &str {
        let any = || super::random::place(seed >> 5, self.nodes.len());
        &self.nodes[self.all[client].node.unwrap_or_else(any)]
    }
}

fn node_name(at: u32) -> String {
    format!("ip-{}.eu-central-1.compute.internal", node_ip(at).replace('.', "-"))
}

fn node_ip(at: u32) -> String {
    format!("10.20.{}.{}", 16 + at / 240, 10 + at % 240)
}

/// What all pods of a service account share: its UID.
fn account(login: Login, random: &mut Random) -> String {
    match login {
        Login::Pod(..) | Login::Controller(_) | Login::Impersonator(_) | Login::Loopback => uuid(random),
        _ => String::new(),
    }
}

fn client(
    login: Login,
    agent: &str,
    uid: &str,
    at: usize,
    node: Option<usize>,
    nodes: &[String],
    random: &mut Random,
) -> Client {
    let host = node.unwrap_or_else(|| random.index(nodes.len()));
    let person = PEOPLE[at % PEOPLE.len()];
    let (user, name, reason) = match login {
        Login::Node => node_user(&nodes[host], random),
        Login::Component(name) => component_user(name, random),
        Login::Pod(account, role) => pod_user(account, role, uid, (node.is_some(), &nodes[host]), random),
        Login::Controller(name) => controller_user(name, uid, random),
        Login::Impersonator(account) => {
            let (user, ..) = pod_user(account, "impersonator", uid, (false, &nodes[host]), random);
            (user, format!("oidc:{person}"), group_reason("view", "oidc:developers"))
        }
        Login::Person => person_user(person),
        Login::Loopback => loopback_user(uid),
        Login::Anonymous => anonymous_user(),
        Login::Refused => ("{}".to_owned(), String::new(), String::new()),
    };
    let agent = match login {
        Login::Controller(name) => format!(
            "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/system:serviceaccount:kube-system:{name}"
        ),
        _ => agent.replace("«go»", GO),
    };
    let impersonated_user = match login {
        Login::Impersonator(_) => format!(r#""impersonatedUser":{},"#, person_user(person).0),
        _ => String::new(),
    };
    Client {
        user: user.into_bytes(),
        impersonated_user: impersonated_user.into_bytes(),
        origin: format!(r#""sourceIPs":[{}],"userAgent":"{agent}""#, source_ips(login, host, at)).into_bytes(),
        name,
        reason,
        node: node.or_else(|| matches!(login, Login::Node).then_some(host)),
    }
}

/// People come through a load balancer that says for whom it speaks; pods come from their node or from their own address.
fn source_ips(login: Login, host: usize, at: usize) -> String {
    let host_ip = node_ip(u32::try_from(host).unwrap_or(0));
    match login {
        Login::Loopback => r#""::1""#.to_owned(),
        Login::Component(_) | Login::Controller(_) | Login::Anonymous => r#""10.20.0.11""#.to_owned(),
        Login::Person => format!(r#""203.0.113.{}","10.20.0.5""#, 20 + at),
        Login::Impersonator(_) => format!(r#""198.51.100.{}","10.244.3.17""#, 40 + at),
        Login::Refused => r#""10.20.0.5""#.to_owned(),
        Login::Node | Login::Pod(..) => format!(r#""{host_ip}""#),
    }
}

type User = (String, String, String);

fn node_user(node: &str, random: &mut Random) -> User {
    let name = format!("system:node:{node}");
    let user =
        format!(r#"{{"username":"{name}","groups":["system:nodes","system:authenticated"],{}}}"#, certificate(random));
    (user, name, String::new())
}

fn component_user(name: &str, random: &mut Random) -> User {
    let user = format!(r#"{{"username":"{name}","groups":["system:authenticated"],{}}}"#, certificate(random));
    let reason =
        format!(r#"RBAC: allowed by ClusterRoleBinding \"{name}\" of ClusterRole \"{name}\" to User \"{name}\""#);
    (user, name.to_owned(), reason)
}

fn pod_user(account: &str, role: &str, uid: &str, (is_daemon, node): (bool, &str), random: &mut Random) -> User {
    let (namespace, account) = account.split_once('/').unwrap_or(("default", account));
    let name = format!("system:serviceaccount:{namespace}:{account}");
    let pod = format!("{account}-{}", pod_suffix(is_daemon, random));
    let user = format!(
        r#"{{"username":"{name}","uid":"{uid}","groups":["system:serviceaccounts","system:serviceaccounts:{namespace}","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={}"],"authentication.kubernetes.io/node-name":["{node}"],"authentication.kubernetes.io/node-uid":["{}"],"authentication.kubernetes.io/pod-name":["{pod}"],"authentication.kubernetes.io/pod-uid":["{}"]}}}}"#,
        uuid(random),
        uuid(random),
        uuid(random),
    );
    let reason = format!(
        r#"RBAC: allowed by ClusterRoleBinding \"{account}\" of ClusterRole \"{role}\" to ServiceAccount \"{account}/{namespace}\""#
    );
    (user, name, reason)
}

fn controller_user(account: &str, uid: &str, random: &mut Random) -> User {
    let name = format!("system:serviceaccount:kube-system:{account}");
    let user = format!(
        r#"{{"username":"{name}","uid":"{uid}","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={}"]}}}}"#,
        uuid(random)
    );
    let reason = format!(
        r#"RBAC: allowed by ClusterRoleBinding \"system:controller:{account}\" of ClusterRole \"system:controller:{account}\" to ServiceAccount \"{account}/kube-system\""#
    );
    (user, name, reason)
}

fn person_user(person: &str) -> User {
    let user = format!(
        r#"{{"username":"oidc:{person}","groups":["oidc:developers","oidc:team-platform","system:authenticated"]}}"#
    );
    (user, format!("oidc:{person}"), group_reason("cluster-developers", "oidc:developers"))
}

fn loopback_user(uid: &str) -> User {
    let user = format!(
        r#"{{"username":"system:apiserver","uid":"{uid}","groups":["system:authenticated","system:masters"]}}"#
    );
    (user, "system:apiserver".to_owned(), String::new())
}

fn anonymous_user() -> User {
    let user = r#"{"username":"system:anonymous","groups":["system:unauthenticated"]}"#.to_owned();
    let reason = group_reason("system:public-info-viewer", "system:unauthenticated");
    (user, "system:anonymous".to_owned(), reason)
}

fn group_reason(role: &str, group: &str) -> String {
    format!(r#"RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to Group \"{group}\""#)
}

/// The `extra` of a client certificate.
fn certificate(random: &mut Random) -> String {
    let mut out = br#""extra":{"authentication.kubernetes.io/credential-id":["X509SHA256="#.to_vec();
    for _ in 0..4 {
        push_hex(random.bits(), &mut out);
    }
    out.extend_from_slice(br#""]}"#);
    text(out)
}

/// `x7k2p` for a DaemonSet's pod, `7db6d8ff4d-x7k2p` for a Deployment's.
fn pod_suffix(is_daemon: bool, random: &mut Random) -> String {
    let mut out = Vec::new();
    if !is_daemon {
        push_letters(random.bits(), 9, &mut out);
        out.push(b'-');
    }
    push_letters(random.bits(), 5, &mut out);
    text(out)
}

fn uuid(random: &mut Random) -> String {
    let mut out = Vec::new();
    push_uuid([random.bits(), random.bits()], &mut out);
    text(out)
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}
