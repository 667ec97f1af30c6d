//! The clients of the cluster. The parts of their audit lines that never change are built once.

use std::ops::Range;

use super::digits::{push_hex, push_uuid};
use super::names::PEOPLE;
use super::template::push_letters;
use crate::units::{Random, index_from};

/// A kind of client, which shares a user agent and a set of calls. An ad hoc call is sent by a random client of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientKind {
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

/// How a client authenticates.
#[derive(Clone, Copy)]
enum Login {
    /// A node's certificate.
    Node,
    /// The certificate of a control plane component: its user name.
    Component(&'static str),
    /// The token of a pod: `<namespace>/<service account>`, and the ClusterRole that it is bound to.
    Pod(&'static str, &'static str),
    /// The token of a built-in controller, not bound to a pod: its service account.
    Controller(&'static str),
    /// The server's own client.
    Loopback,
    /// OpenID Connect.
    Person,
    /// The token of a proxy that impersonates people: `<namespace>/<service account>`.
    Impersonator(&'static str),
    Anonymous,
    /// With credentials that the server rejects.
    Invalid,
}

/// How many clients of a kind there are.
#[derive(Clone, Copy)]
enum Copies {
    OnEachNode,
    /// Three of four nodes: the cluster is being migrated from Calico to Cilium, so that both agents are in the log.
    OnOldNodes,
    /// The other nodes.
    OnNewNodes,
    Count(u32),
}

const KUBELET: &str = "kubelet/v1.33.4 (linux/amd64) kubernetes/74cdb98";
const GO: &str = "v0.0.0 (linux/amd64) kubernetes/$Format";

/// All kinds of clients: the kind, how many there are, how they authenticate, the user agent.
#[rustfmt::skip]
const IDENTITIES: [(ClientKind, Copies, Login, &str); 43] = {
    use Copies::{Count, OnEachNode, OnNewNodes, OnOldNodes};
    use Login::{Anonymous, Component, Controller, Impersonator, Loopback, Node, Person, Pod, Invalid};
    const SCHEDULER: &str = "system:kube-scheduler";
    const MANAGER: &str = "system:kube-controller-manager";
    [
        (ClientKind::Kubelet, OnEachNode, Node, KUBELET),
        (ClientKind::KubeProxy, OnEachNode, Pod("kube-system/kube-proxy", "system:node-proxier"), "kube-proxy/v1.33.4 (linux/amd64) kubernetes/74cdb98"),
        (ClientKind::Calico, OnOldNodes, Pod("kube-system/calico-node", "calico-node"), "calico-node/«go»"),
        (ClientKind::Cilium, OnNewNodes, Pod("kube-system/cilium", "cilium"), "cilium-agent/1.16.5 ad688277 2024-12-12T21:47:31+00:00 go version go1.22.10 linux/amd64"),
        (ClientKind::FluentBit, OnEachNode, Pod("logging/fluent-bit", "fluent-bit"), "Fluent-Bit"),
        (ClientKind::OtelAgent, OnEachNode, Pod("observability/otel-collector-agent", "otel-collector-agent"), "otelcol-contrib/«go»"),
        (ClientKind::Apiserver, Count(1), Loopback, "kube-apiserver/v1.33.4 (linux/amd64) kubernetes/74cdb98"),
        (ClientKind::ControllerManager, Count(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/shared-informers"),
        (ClientKind::ControllerManagerMetadata, Count(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/metadata-informers"),
        (ClientKind::ControllerManagerLease, Count(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/leader-election"),
        (ClientKind::ControllerManagerDiscovery, Count(1), Component(MANAGER), "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/controller-discovery"),
        (ClientKind::ReplicaSetController, Count(1), Controller("replicaset-controller"), ""),
        (ClientKind::DeploymentController, Count(1), Controller("deployment-controller"), ""),
        (ClientKind::EndpointSliceController, Count(1), Controller("endpointslice-controller"), ""),
        (ClientKind::HpaController, Count(1), Controller("horizontal-pod-autoscaler"), ""),
        (ClientKind::JobController, Count(1), Controller("job-controller"), ""),
        (ClientKind::GarbageCollector, Count(1), Controller("generic-garbage-collector"), ""),
        (ClientKind::Scheduler, Count(1), Component(SCHEDULER), "kube-scheduler/v1.33.4 (linux/amd64) kubernetes/74cdb98/scheduler"),
        (ClientKind::SchedulerLease, Count(1), Component(SCHEDULER), "kube-scheduler/v1.33.4 (linux/amd64) kubernetes/74cdb98/leader-election"),
        (ClientKind::CoreDns, Count(3), Pod("kube-system/coredns", "system:coredns"), "CoreDNS/1.12.0 git_commit:51e11f1 (linux/amd64/go1.23.3)"),
        (ClientKind::MetricsServer, Count(2), Pod("kube-system/metrics-server", "system:metrics-server"), "metrics-server/«go»"),
        (ClientKind::Prometheus, Count(2), Pod("monitoring/prometheus-k8s", "prometheus-k8s"), "Prometheus/2.54.1"),
        (ClientKind::PrometheusOperator, Count(1), Pod("monitoring/prometheus-operator", "prometheus-operator"), "PrometheusOperator/0.76.1"),
        (ClientKind::KubeStateMetrics, Count(1), Pod("monitoring/kube-state-metrics", "kube-state-metrics"), "kube-state-metrics/v2.13.0 (linux/amd64) kube-state-metrics/unknown"),
        (ClientKind::CertManager, Count(1), Pod("cert-manager/cert-manager", "cert-manager-controller-certificates"), "cert-manager-certificates-readiness/v1.15.3 (linux/amd64) cert-manager/e1a0a9c"),
        (ClientKind::CaInjector, Count(1), Pod("cert-manager/cert-manager-cainjector", "cert-manager-cainjector"), "cert-manager-cainjector/v1.15.3 (linux/amd64) cert-manager/e1a0a9c"),
        (ClientKind::IngressNginx, Count(3), Pod("ingress-nginx/ingress-nginx", "ingress-nginx"), "nginx-ingress-controller/v1.11.2 (linux/amd64) ingress-nginx/46e76e5"),
        (ClientKind::ExternalDns, Count(1), Pod("external-dns/external-dns", "external-dns"), "ExternalDNS/v0.15.0"),
        (ClientKind::ClusterAutoscaler, Count(1), Pod("kube-system/cluster-autoscaler", "cluster-autoscaler"), "cluster-autoscaler/«go»"),
        (ClientKind::ArgoController, Count(1), Pod("argocd/argocd-application-controller", "argocd-application-controller"), "argocd-application-controller/v2.12.4 (linux/amd64)"),
        (ClientKind::ArgoServer, Count(2), Pod("argocd/argocd-server", "argocd-server"), "argocd-server/v2.12.4 (linux/amd64)"),
        (ClientKind::AcmeOperator, Count(1), Pod("acme-system/acme-operator-controller-manager", "acme-operator-manager-role"), "manager/«go»"),
        (ClientKind::Strimzi, Count(1), Pod("kafka/strimzi-cluster-operator", "strimzi-cluster-operator-watched"), "strimzi-cluster-operator/0.43.0"),
        (ClientKind::PythonSync, Count(2), Pod("batch-tools/inventory-sync", "inventory-reader"), "OpenAPI-Generator/29.0.0/python"),
        (ClientKind::PythonFleet, Count(40), Pod("batch-tools/inventory-sync", "inventory-reader"), "OpenAPI-Generator/29.0.0/python"),
        (ClientKind::JavaWatcher, Count(4), Pod("order-management/config-watcher", "config-reader"), "fabric8-kubernetes-client/6.13.1"),
        (ClientKind::Person, Count(12), Person, "kubectl/v1.33.1 (darwin/arm64) kubernetes/8adc0f0"),
        (ClientKind::Deployer, Count(3), Pod("ci-runners/deployer", "cluster-deployer"), "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146"),
        (ClientKind::Helm, Count(2), Pod("ci-runners/helm-releaser", "cluster-deployer"), "Helm/3.16.1"),
        (ClientKind::Terraform, Count(1), Pod("ci-runners/terraform", "cluster-admin"), "HashiCorp/1.0 Terraform/1.9.5"),
        (ClientKind::OidcProxy, Count(2), Impersonator("auth-proxy/kube-oidc-proxy"), "kubectl/v1.33.1 (darwin/arm64) kubernetes/8adc0f0"),
        (ClientKind::Probe, Count(3), Anonymous, "kube-probe/1.33"),
        (ClientKind::Expired, Count(2), Invalid, "curl/8.5.0"),
    ]
};

/// A client, with the constant parts of its lines as JSON.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// `{"username":…}`, the value of `user`.
    pub(super) user: Vec<u8>,
    /// `"impersonatedUser":{…},`; empty for most.
    pub(super) impersonated_user: Vec<u8>,
    /// `"sourceIPs":[…],"userAgent":"…"`.
    pub(super) origin: Vec<u8>,
    /// The name of the user whose permissions count: the impersonated one, if there is one.
    pub(super) name: String,
    /// `authorization.k8s.io/reason`, with escaped quotes; empty for nodes and system:masters.
    pub(super) reason: String,
    /// Index of the node that it runs on; `None` for clients that are not tied to one.
    pub(super) node: Option<usize>,
}

/// All clients of the cluster, grouped by kind, and its nodes.
#[derive(Debug)]
pub(super) struct Clients {
    all: Vec<Client>,
    kinds: Vec<(ClientKind, Range<usize>)>,
    nodes: Vec<String>,
}

impl Clients {
    pub(super) fn new(node_count: u32, random: &mut Random) -> Self {
        let nodes: Vec<String> = (0..node_count.max(4)).map(node_name).collect();
        let old = nodes.len() - nodes.len() / 4;
        let mut all = Vec::new();
        let mut kinds = Vec::new();
        for (kind, copies, login, agent) in IDENTITIES {
            let first = all.len();
            let nodes_of_copies: Vec<Option<usize>> = match copies {
                Copies::OnEachNode => (0..nodes.len()).map(Some).collect(),
                Copies::OnOldNodes => (0..old).map(Some).collect(),
                Copies::OnNewNodes => (old..nodes.len()).map(Some).collect(),
                Copies::Count(count) => (0..count).map(|_| None).collect(),
            };
            let uid = account_uid(login, random);
            for (index, node) in nodes_of_copies.into_iter().enumerate() {
                all.push(client(login, agent, &uid, index, node, &nodes, random));
            }
            kinds.push((kind, first..all.len()));
        }
        Self { all, kinds, nodes }
    }

    pub(super) fn get(&self, client: usize) -> &Client {
        &self.all[client]
    }

    /// Indexes of the clients of a kind.
    pub(super) fn of_kind(&self, kind: ClientKind) -> Range<usize> {
        let clients = self.kinds.iter().find(|(other, _)| *other == kind);
        clients.map_or(0..0, |(_, range)| range.clone())
    }

    /// The name of the client's node, or of one derived from `seed`.
    pub(super) fn node_of(&self, client: usize, seed: u64) -> &str {
        let any = || index_from(seed >> 5, self.nodes.len());
        &self.nodes[self.all[client].node.unwrap_or_else(any)]
    }
}

fn node_name(index: u32) -> String {
    format!("ip-{}.eu-central-1.compute.internal", node_ip(index).replace('.', "-"))
}

fn node_ip(index: u32) -> String {
    format!("10.20.{}.{}", 16 + index / 240, 10 + index % 240)
}

/// The UID of the user, which all pods of a service account share; empty for users without one.
fn account_uid(login: Login, random: &mut Random) -> String {
    match login {
        Login::Pod(..) | Login::Controller(_) | Login::Impersonator(_) | Login::Loopback => uuid(random),
        _ => String::new(),
    }
}

fn client(
    login: Login,
    agent: &str,
    uid: &str,
    index: usize,
    node: Option<usize>,
    nodes: &[String],
    random: &mut Random,
) -> Client {
    let host = node.unwrap_or_else(|| random.index(nodes.len()));
    let person = PEOPLE[index % PEOPLE.len()];
    let user = match login {
        Login::Node => node_user(&nodes[host], random),
        Login::Component(name) => component_user(name, random),
        Login::Pod(account, role) => pod_user(account, role, uid, (node.is_some(), &nodes[host]), random),
        Login::Controller(name) => controller_user(name, uid, random),
        Login::Impersonator(account) => User {
            name: format!("oidc:{person}"),
            reason: group_reason("view", "oidc:developers"),
            ..pod_user(account, "impersonator", uid, (false, &nodes[host]), random)
        },
        Login::Person => person_user(person),
        Login::Loopback => loopback_user(uid),
        Login::Anonymous => anonymous_user(),
        Login::Invalid => User { json: "{}".to_owned(), name: String::new(), reason: String::new() },
    };
    let agent = match login {
        Login::Controller(name) => format!(
            "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/74cdb98/system:serviceaccount:kube-system:{name}"
        ),
        _ => agent.replace("«go»", GO),
    };
    let impersonated_user = match login {
        Login::Impersonator(_) => format!(r#""impersonatedUser":{},"#, person_user(person).json),
        _ => String::new(),
    };
    Client {
        user: user.json.into_bytes(),
        impersonated_user: impersonated_user.into_bytes(),
        origin: format!(r#""sourceIPs":[{}],"userAgent":"{agent}""#, source_ips(login, host, index)).into_bytes(),
        name: user.name,
        reason: user.reason,
        node: node.or_else(|| matches!(login, Login::Node).then_some(host)),
    }
}

/// People come through a load balancer that forwards their address; pods come from their node.
fn source_ips(login: Login, host: usize, index: usize) -> String {
    let host_ip = node_ip(u32::try_from(host).unwrap_or(0));
    match login {
        Login::Loopback => r#""::1""#.to_owned(),
        Login::Component(_) | Login::Controller(_) | Login::Anonymous => r#""10.20.0.11""#.to_owned(),
        Login::Person => format!(r#""203.0.113.{}","10.20.0.5""#, 20 + index),
        Login::Impersonator(_) => format!(r#""198.51.100.{}","10.244.3.17""#, 40 + index),
        Login::Invalid => r#""10.20.0.5""#.to_owned(),
        Login::Node | Login::Pod(..) => format!(r#""{host_ip}""#),
    }
}

/// The user of a request.
struct User {
    /// The value of `user`.
    json: String,
    name: String,
    /// `authorization.k8s.io/reason`.
    reason: String,
}

fn node_user(node: &str, random: &mut Random) -> User {
    let name = format!("system:node:{node}");
    let json =
        format!(r#"{{"username":"{name}","groups":["system:nodes","system:authenticated"],{}}}"#, certificate(random));
    User { json, name, reason: String::new() }
}

fn component_user(name: &str, random: &mut Random) -> User {
    let json = format!(r#"{{"username":"{name}","groups":["system:authenticated"],{}}}"#, certificate(random));
    let reason =
        format!(r#"RBAC: allowed by ClusterRoleBinding \"{name}\" of ClusterRole \"{name}\" to User \"{name}\""#);
    User { json, name: name.to_owned(), reason }
}

fn pod_user(account: &str, role: &str, uid: &str, (is_daemon, node): (bool, &str), random: &mut Random) -> User {
    let (namespace, account) = account.split_once('/').unwrap_or(("default", account));
    let name = format!("system:serviceaccount:{namespace}:{account}");
    let pod = format!("{account}-{}", pod_suffix(is_daemon, random));
    let json = format!(
        r#"{{"username":"{name}","uid":"{uid}","groups":["system:serviceaccounts","system:serviceaccounts:{namespace}","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={}"],"authentication.kubernetes.io/node-name":["{node}"],"authentication.kubernetes.io/node-uid":["{}"],"authentication.kubernetes.io/pod-name":["{pod}"],"authentication.kubernetes.io/pod-uid":["{}"]}}}}"#,
        uuid(random),
        uuid(random),
        uuid(random),
    );
    let reason = format!(
        r#"RBAC: allowed by ClusterRoleBinding \"{account}\" of ClusterRole \"{role}\" to ServiceAccount \"{account}/{namespace}\""#
    );
    User { json, name, reason }
}

fn controller_user(account: &str, uid: &str, random: &mut Random) -> User {
    let name = format!("system:serviceaccount:kube-system:{account}");
    let json = format!(
        r#"{{"username":"{name}","uid":"{uid}","groups":["system:serviceaccounts","system:serviceaccounts:kube-system","system:authenticated"],"extra":{{"authentication.kubernetes.io/credential-id":["JTI={}"]}}}}"#,
        uuid(random)
    );
    let reason = format!(
        r#"RBAC: allowed by ClusterRoleBinding \"system:controller:{account}\" of ClusterRole \"system:controller:{account}\" to ServiceAccount \"{account}/kube-system\""#
    );
    User { json, name, reason }
}

fn person_user(person: &str) -> User {
    let json = format!(
        r#"{{"username":"oidc:{person}","groups":["oidc:developers","oidc:team-platform","system:authenticated"]}}"#
    );
    User { json, name: format!("oidc:{person}"), reason: group_reason("cluster-developers", "oidc:developers") }
}

fn loopback_user(uid: &str) -> User {
    let json = format!(
        r#"{{"username":"system:apiserver","uid":"{uid}","groups":["system:authenticated","system:masters"]}}"#
    );
    User { json, name: "system:apiserver".to_owned(), reason: String::new() }
}

fn anonymous_user() -> User {
    let json = r#"{"username":"system:anonymous","groups":["system:unauthenticated"]}"#.to_owned();
    let reason = group_reason("system:public-info-viewer", "system:unauthenticated");
    User { json, name: "system:anonymous".to_owned(), reason }
}

fn group_reason(role: &str, group: &str) -> String {
    format!(r#"RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to Group \"{group}\""#)
}

/// `extra` of a user with a client certificate.
fn certificate(random: &mut Random) -> String {
    let mut out = br#""extra":{"authentication.kubernetes.io/credential-id":["X509SHA256="#.to_vec();
    for _ in 0..4 {
        push_hex(random.bits(), &mut out);
    }
    out.extend_from_slice(br#""]}"#);
    text(out)
}

/// `x7k2p` for a pod of a DaemonSet, `7db6d8ff4d-x7k2p` for one of a Deployment.
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
