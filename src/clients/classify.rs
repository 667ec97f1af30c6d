//! How the evidence on one identity is weighed.
//!
//! 1. A rule that fits both the identity and the user agent decides.
//! 2. Else the first rule that fits the identity. A user agent that claims to be another client contradicts it: the
//!    identity's client stays, and the claim is told.
//! 3. Else the user agent's claim, with low confidence, and not where a client of that name has a fixed identity: such
//!    a claim is told, not believed.
//! 4. Else a custom of naming (the catalogue's weak rules).
//! 5. Else the tool or library that the user agent names; the client goes by its identity.
//! 6. Else nothing is known but a name.
//!
//! A service account named `default` says no more than its namespace, so the pod's name without its random end stands
//! in for it. Binaries that leave their version unset are resolved by the service account in the same way: no agent of
//! a common name, such as `manager`, is ever taken for a claim. The shape of the requests goes into the evidence only.

use super::catalogue::{Catalogue, Origin, Rule, Runs};
use super::{Agent, Classification, ClientType, Confidence, Identity};
use crate::kubernetes::{SYSTEM_ANONYMOUS, ServiceAccount};

/// The name of a client without a user.
const UNAUTHENTICATED: &str = "(unauthenticated)";

/// Service accounts' names that say nothing without their namespace.
const COMMON_NAMES: [&str; 8] =
    ["default", "operator", "controller", "controller-manager", "manager", "webhook", "agent", "admin"];

/// From how many places on a client is said to be in many.
const MANY_INSTANCES: i64 = 5;

impl Catalogue {
    /// Who an identity is taken to be.
    pub fn classify(&self, identity: &Identity) -> Classification {
        let facts = Facts::of(identity);
        let claim = self.claim(&facts);
        let mut found = self
            .by_identity(&facts, claim)
            .or_else(|| self.by_claim(&facts, claim?))
            .unwrap_or_else(|| self.by_custom(&facts, claim));
        if let Some(shape) = shape(identity) {
            found.evidence = format!("{}; {shape}", found.evidence);
        }
        found
    }

    /// The rule whose client or tool the user agent names. A rule that needs an identity has no say where another one
    /// knows the user agent: that `aksService` uses kubectl makes nobody else's kubectl a false `aksService`.
    fn claim(&self, facts: &Facts<'_>) -> Option<&Rule> {
        let mut fitting = self.rules().iter().filter(|rule| facts.has_agent() && rule.fits_agent(facts.agent_text));
        let first = fitting.clone().next();
        fitting.find(|rule| !rule.needs_identity).or(first)
    }

    /// Steps 1 and 2: a rule that fits the identity, at best with its user agent.
    fn by_identity(&self, facts: &Facts<'_>, claim: Option<&Rule>) -> Option<Classification> {
        let fitting = || self.rules().iter().filter(|rule| !rule.is_weak && facts.fit(rule));
        let agreeing = || fitting().filter(|rule| rule.fits_agent(facts.agent_text));
        // Whoever adds a rule for an identity alone means to overrule what is built in for it and its user agent.
        let rule = [Origin::Added, Origin::BuiltIn].into_iter().find_map(|origin| {
            let agreed = agreeing().find(|rule| rule.origin == origin);
            agreed.or_else(|| fitting().find(|rule| rule.origin == origin && !rule.needs_agent))
        })?;
        let claimed = claim.filter(|claim| !claim.names_tool_only).map(|claim| facts.claimed(claim));
        let agrees = agreeing().next().is_some() || claimed.as_ref() == Some(&facts.client(rule));
        let claimed = claimed.filter(|_| !agrees).or_else(|| facts.foreign_account());
        let (who, command) = (facts.who(), facts.agent.command);
        let (confidence, evidence) = match (&claimed, claim) {
            (Some(claimed), _) => (Confidence::Medium, format!("{who}, though its user agent claims to be {claimed}")),
            (None, _) if agrees => (Confidence::High, format!("{who} and user agent {command} agree")),
            (None, _) if !facts.has_agent() => (Confidence::Medium, format!("{who}, no user agent")),
            (None, Some(tool)) => (Confidence::Medium, facts.with_tool(tool)),
            (None, None) => (Confidence::Medium, format!("{who}; the user agent {command} is not one it is known by")),
        };
        Some(facts.taken(rule, confidence, evidence, claimed))
    }

    /// Step 3: the user agent's claim.
    fn by_claim(&self, facts: &Facts<'_>, claim: &Rule) -> Option<Classification> {
        if claim.names_tool_only || claim.needs_identity {
            return None;
        }
        if claim.runs == Runs::Person {
            return Some(self.by_persons_tool(facts, claim));
        }
        let evidence = format!("{}, known only by the user agent {}", facts.who(), facts.agent.command);
        Some(Classification { client: facts.claimed(claim), ..facts.taken(claim, Confidence::Low, evidence, None) })
    }

    /// A person's tool is a person's only in a person's hands: in a service account's it is part of some automation.
    fn by_persons_tool(&self, facts: &Facts<'_>, tool: &Rule) -> Classification {
        let evidence = facts.with_tool(tool);
        match (self.custom(facts), facts.user) {
            (Some(custom), _) if custom.runs == Runs::Person => facts.taken(tool, Confidence::Medium, evidence, None),
            (Some(custom), _) => facts.taken(custom, Confidence::Medium, evidence, None),
            (None, User::Account { .. }) => Classification {
                client_type: ClientType::Automation,
                client: facts.own_name(),
                runs: Runs::Any,
                ..facts.taken(tool, Confidence::Medium, evidence, None)
            },
            (None, _) => facts.taken(tool, Confidence::Low, evidence, None),
        }
    }

    /// Steps 4 to 6: a custom of naming, a tool, or a name.
    fn by_custom(&self, facts: &Facts<'_>, claim: Option<&Rule>) -> Classification {
        let tool = claim.filter(|rule| rule.names_tool_only);
        // Nothing contradicts the claim of a request whose authentication failed.
        let claimed = claim
            .filter(|rule| !rule.names_tool_only && facts.user != User::Missing)
            .map(|rule| facts.claimed(rule))
            .or_else(|| facts.foreign_account());
        let evidence = match (&claimed, tool) {
            (Some(claimed), _) => format!("{}, whose user agent claims to be {claimed}", facts.who()),
            (None, Some(tool)) => facts.with_tool(tool),
            (None, None) if claim.is_some() => {
                format!("{}; nothing confirms the user agent {}", facts.who(), facts.agent.command)
            }
            (None, None) if facts.has_agent() => {
                format!("{}; nothing is known of the user agent {}", facts.who(), facts.agent.command)
            }
            (None, None) => format!("{}, no user agent", facts.who()),
        };
        if let Some(custom) = self.custom(facts).filter(|rule| rule.runs != Runs::Person || !facts.has_agent()) {
            return if claimed.is_none() && facts.is_named_like_agent() {
                let evidence = format!("{} and user agent {} agree", facts.who(), facts.agent.command);
                facts.taken(custom, Confidence::High, evidence, None)
            } else {
                facts.taken(custom, Confidence::Medium, evidence, claimed)
            };
        }
        match tool.filter(|tool| tool.client_type != ClientType::Unknown) {
            Some(tool) => {
                let is_known = !matches!(facts.user, User::Missing | User::Named(SYSTEM_ANONYMOUS));
                let confidence = if is_known { Confidence::Medium } else { Confidence::Low };
                Classification { client: facts.own_name(), ..facts.taken(tool, confidence, evidence, claimed) }
            }
            None => Classification {
                client_type: ClientType::Unknown,
                client: facts.own_name(),
                confidence: Confidence::Low,
                evidence,
                rule: None,
                claimed,
                advice: None,
                runs: Runs::Any,
            },
        }
    }

    fn custom(&self, facts: &Facts<'_>) -> Option<&Rule> {
        self.rules().iter().find(|rule| rule.is_weak && facts.fit(rule))
    }
}

/// An authenticated user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User<'a> {
    /// None: authentication failed, or the log leaves it out.
    Missing,
    /// A service account.
    Account { namespace: &'a str, name: &'a str },
    /// Anybody else.
    Named(&'a str),
}

/// What the rules are held against.
struct Facts<'a> {
    user: User<'a>,
    /// The service account as `namespace:name`, first as it is, then with the pod in place of `default`; else empty.
    accounts: Vec<String>,
    /// The pod's name without its random end, when the service account's says nothing.
    pod_stem: Option<&'a str>,
    groups: &'a [String],
    /// The whole user agent; empty when there is none.
    agent_text: &'a str,
    agent: Agent<'a>,
}

impl<'a> Facts<'a> {
    fn of(identity: &'a Identity) -> Self {
        let user = match identity.user_name.as_deref().filter(|name| !name.is_empty()) {
            None => User::Missing,
            Some(name) => match ServiceAccount::parse(name) {
                Some(ServiceAccount { namespace, name }) => User::Account { namespace, name },
                None => User::Named(name),
            },
        };
        let (mut accounts, mut pod_stem) = (Vec::new(), None);
        if let User::Account { namespace, name } = user {
            accounts.push(format!("{namespace}:{name}"));
            if name == "default" {
                pod_stem = identity.pod_name.as_deref().and_then(workload_of);
                accounts.extend(pod_stem.map(|stem| format!("{namespace}:{stem}")));
            }
        }
        let agent_text = identity.user_agent.as_deref().unwrap_or_default().trim();
        let agent = Agent::of(agent_text);
        Self { user, accounts, pod_stem, groups: &identity.user_groups, agent_text, agent }
    }

    const fn has_agent(&self) -> bool {
        !self.agent_text.is_empty()
    }

    /// Whether a rule's identity is this one.
    fn fit(&self, rule: &Rule) -> bool {
        let fits_name = match self.user {
            User::Missing => false,
            User::Named(name) => rule.fits_user(name),
            User::Account { .. } => self.accounts.iter().any(|account| rule.fits_account(account)),
        };
        // Whoever is authenticated has a group, so no groups at all means that none were logged.
        let has_groups = rule.groups.iter().all(|group| self.groups.contains(group));
        if rule.users.is_empty() && rule.accounts.is_empty() {
            !rule.groups.is_empty() && has_groups
        } else {
            fits_name && (has_groups || self.groups.is_empty())
        }
    }

    /// The service account that the user agent names, when it isn't the user's.
    fn foreign_account(&self) -> Option<String> {
        let User::Account { .. } = self.user else {
            return None;
        };
        let account = self.agent.account()?;
        (!self.accounts.iter().any(|own| own == account)).then(|| account.to_owned())
    }

    /// The client that an identity of this rule is.
    fn client(&self, rule: &Rule) -> String {
        rule.client.clone().unwrap_or_else(|| self.own_name())
    }

    /// The client that a user agent of this rule claims to be.
    fn claimed(&self, rule: &Rule) -> String {
        rule.client.clone().unwrap_or_else(|| self.agent.command.to_owned())
    }

    /// Whether service account and binary have one name, or the longer has the shorter at its begin or end.
    fn is_named_like_agent(&self) -> bool {
        let command = self.agent.command;
        if command.len() < 4 || COMMON_NAMES.contains(&command) {
            return false;
        }
        self.accounts.iter().filter_map(|account| account.split_once(':')).any(|(_, name)| {
            let (long, short) = if name.len() < command.len() { (command, name) } else { (name, command) };
            !COMMON_NAMES.contains(&short)
                && (long == short
                    || long.strip_prefix(short).is_some_and(|rest| rest.starts_with('-'))
                    || long.strip_suffix(short).is_some_and(|rest| rest.ends_with('-')))
        })
    }

    /// The name that the identity gives to a client without a better one.
    fn own_name(&self) -> String {
        match self.user {
            User::Missing => UNAUTHENTICATED.to_owned(),
            User::Named(name) => name.to_owned(),
            User::Account { namespace, name } => match self.pod_stem {
                Some(stem) => stem.to_owned(),
                None if COMMON_NAMES.contains(&name) || name.is_empty() => format!("{namespace}:{name}"),
                None => name.to_owned(),
            },
        }
    }

    /// The identity in words.
    fn who(&self) -> String {
        match self.user {
            User::Missing => "no user".to_owned(),
            User::Named(name) => format!("user {name}"),
            User::Account { namespace, name } => match self.pod_stem {
                Some(stem) => format!("service account {namespace}:{name} of {stem}"),
                None => format!("service account {namespace}:{name}"),
            },
        }
    }

    /// The identity and its tool in words.
    fn with_tool(&self, tool: &Rule) -> String {
        let command = self.agent.command;
        let name = tool.client.as_deref().unwrap_or(command);
        match (tool.client_type, self.agent.is_unstamped) {
            _ if tool.names_tool_only && tool.client_type != ClientType::Sdk => {
                let why = if self.agent.is_unstamped { ", a binary of a common name and no version" } else { "" };
                format!("{}; the user agent says {command}{why}", self.who())
            }
            _ if name == command => format!("{} using {name}", self.who()),
            _ => format!("{} using {name} (user agent {command})", self.who()),
        }
    }

    /// What a rule says of this identity.
    fn taken(&self, rule: &Rule, confidence: Confidence, evidence: String, claimed: Option<String>) -> Classification {
        Classification {
            client_type: rule.client_type,
            client: self.client(rule),
            confidence,
            evidence,
            rule: Some(rule.to_string()),
            claimed,
            advice: rule.advice.clone(),
            runs: rule.runs,
        }
    }
}

/// The name of a pod's workload: the pod's without the random ends that controllers give it, or a StatefulSet's number;
/// `None` when there is no such end.
fn workload_of(pod: &str) -> Option<&str> {
    // Random names leave out vowels and what looks alike (`apimachinery/pkg/util/rand`).
    let is_random = |part: &str| part.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, end) = pod.rsplit_once('-')?;
    if end.len() == 5 && is_random(end) {
        let hash = stem.rsplit_once('-');
        let workload = match hash {
            // A ReplicaSet's hash, or the minute of a CronJob's job.
            Some((workload, hash)) if (6..=10).contains(&hash.len()) && (is_random(hash) || is_number(hash)) => {
                workload
            }
            _ => stem,
        };
        return Some(workload).filter(|workload| !workload.is_empty());
    }
    (!stem.is_empty() && !end.is_empty() && is_number(end)).then_some(stem)
}

/// What the shape of the requests tells, in words; `None` when it tells nothing.
fn shape(identity: &Identity) -> Option<String> {
    let mut words = Vec::new();
    if identity.typed_informer_count > 0 {
        words.push("its watches are those of client-go informers");
    } else if identity.reflector_count > 0 {
        words.push("its watches are those of a reflector, such as controller-runtime's");
    } else if identity.full_list_count > 0 && identity.watch_count == 0 {
        words.push("it lists whole collections and never watches");
    }
    if identity.node_scoped_count > 0 && identity.node_scoped_count >= identity.list_count + identity.watch_count {
        words.push("it asks for one node's objects only");
    }
    if identity.instance_count >= MANY_INSTANCES {
        words.push("it runs in many places");
    }
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::embedded);

    /// Identities from audit logs, judged by hand: what goes wrong here is wrong in reports.
    const IDENTITIES: &str = include_str!("../../tests/identities.tsv");

    fn identity(user: &str, groups: &str, agent: &str) -> Identity {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Identity {
            user_name: given(user),
            user_groups: groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned).collect(),
            user_agent: given(agent),
            ..Identity::default()
        }
    }

    /// A user as rules are written: `namespace:name` of a service account, or `=name` of anybody else.
    fn classify(user: &str, agent: &str) -> Classification {
        let name = user.strip_prefix('=').map_or_else(|| format!("system:serviceaccount:{user}"), str::to_owned);
        CATALOGUE.classify(&identity(&name, "system:authenticated", agent))
    }

    fn told(found: &Classification) -> String {
        format!(
            "{} {} {}{}",
            found.client_type,
            found.client,
            found.confidence,
            found.claimed.as_ref().map(|claimed| format!(" not {claimed}")).unwrap_or_default()
        )
    }

    #[test]
    fn identities_of_real_logs_are_told() {
        let (mut row_count, mut unknown_count) = (0, 0);
        for line in IDENTITIES.lines().filter(|line| !line.starts_with('#')) {
            let row: Vec<_> = line.split('\t').collect();
            let [user, groups, agent, client_type, client, confidence, is_mismatch] = row[..] else {
                panic!("not seven columns: {line}");
            };
            let found = CATALOGUE.classify(&identity(user, groups, agent));
            let is_mismatch_found = found.is_mismatch().to_string();
            assert_eq!(
                [found.client_type.name(), &found.client, found.confidence.name(), &is_mismatch_found],
                [client_type, client, confidence, is_mismatch],
                "{user} | {agent}: {}",
                found.evidence
            );
            row_count += 1;
            unknown_count += i32::from(found.client_type == ClientType::Unknown);
        }
        // Programs that were written to load a server for a day have no place in a catalogue.
        assert!(unknown_count * 7 < row_count, "{unknown_count} of {row_count} identities are unknown");
    }

    /// One or two of each family, by identity and user agent as their releases send them.
    #[test]
    fn every_family_is_told() {
        const GO: &str = "v0.0.0 (linux/amd64) kubernetes/$Format";
        for (user, agent, expected) in [
            ("=system:kube-proxy", "kube-proxy/v1.34.0 (linux/amd64) kubernetes/f28b4c9", "kube-proxy kube-proxy high"),
            ("kube-flannel:flannel", "flanneld/«go»", "cni flannel high"),
            ("calico-system:calico-node", "calico-node/«go»", "cni calico-node high"),
            ("kube-system:calico-node", "calico-typha/«go»", "cni calico-typha high"),
            ("kube-system:canal", "calico-node/«go»", "cni calico-node high"),
            ("kube-system:calico-kube-controllers", "kube-controllers/«go»", "cni calico-kube-controllers high"),
            ("kube-system:antrea-agent", "antrea-agent/«go»", "cni antrea-agent high"),
            ("kube-system:weave-net", "weave-npc/«go»", "cni weave-net high"),
            ("kube-system:aws-node", "./aws-k8s-agent-v1.18.0", "cni aws-node high"),
            ("kube-system:aws-node", "controller/«go»", "cni aws-network-policy-agent high"),
            ("kube-system:azure-cns", "azure-cns-v1.5.23", "cni azure-cns high"),
            ("kube-system:kube-router", "kube-router/«go»", "cni kube-router high"),
            ("kube-system:kube-ovn-app", "kube-ovn-daemon/«go»", "cni kube-ovn high"),
            ("openshift-multus:multus", "multus-daemon/«go»", "cni multus high"),
            ("kube-system:terway", "terwayd/v1.9.0 (linux/amd64) terway/0a1b2c3", "cni terway high"),
            (
                "openshift-ovn-kubernetes:ovn-kubernetes-node",
                "worker-7/ovnkube@a1b2c3d4 (linux/amd64) kubernetes/v1.30.2",
                "cni ovn-kubernetes high",
            ),
            ("monitoring:kps-prometheus", "Prometheus/2.45.0", "prometheus prometheus high"),
            ("observability:otel-collector-agent", "otelcol-contrib/«go»", "monitoring opentelemetry-collector high"),
            ("datadog:datadog-cluster-agent", "datadog-cluster-agent/«go»", "monitoring datadog-cluster-agent high"),
            ("datadog:datadog-agent", "agent/«go»", "monitoring datadog-agent high"),
            ("logging:fluent-bit", "Fluent-Bit", "logging fluent-bit high"),
            ("vector:vector", "", "logging vector medium"),
            ("kube-system:coredns", "CoreDNS/1.12.0 git_commit:51e11f1 (linux/amd64/go1.23.3)", "dns coredns high"),
            ("external-dns:external-dns", "ExternalDNS/v0.15.0", "dns external-dns high"),
            ("kube-system:cluster-autoscaler", "cluster-autoscaler/«go»", "autoscaler cluster-autoscaler high"),
            ("kube-system:vpa-recommender", "recommender/«go»", "autoscaler vertical-pod-autoscaler high"),
            (
                "kube-system:ebs-csi-controller-sa",
                "csi-provisioner/v5.0.1 (linux/amd64) kubernetes/0a1b2c3",
                "csi csi-provisioner high",
            ),
            (
                "ingress-nginx:ingress-nginx",
                "nginx-ingress-controller/v1.11.2 (linux/amd64) ingress-nginx/46e76e5",
                "ingress ingress-nginx high",
            ),
            ("istio-system:istiod", "pilot-discovery/1.22.0", "mesh istiod high"),
            ("kyverno:kyverno-reports-controller", "reports-controller/«go»", "policy-engine kyverno high"),
            (
                "cert-manager:cert-manager",
                "cert-manager-certificates-readiness/v1.15.3 (linux/amd64) cert-manager/e1a0a9c",
                "operator cert-manager high",
            ),
            ("velero:velero", "velero-server/v1.13.0 (linux/amd64) 0a1b2c3", "backup velero high"),
            ("ci-runners:helm-releaser", "Helm/3.16.1", "automation helm low"),
            ("ci-runners:deployer", "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146", "automation deployer medium"),
            ("ci-runners:terraform", "HashiCorp/1.0 Terraform/1.9.5", "automation terraform low"),
            ("shop:checkout", "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146", "automation checkout medium"),
            ("=somebody@example.com", "k9s/«go»", "kubectl k9s medium"),
            ("=system:anonymous", "kube-probe/1.33", "probe kube-probe low"),
            ("=eks:cluster-event-watcher", "", "cloud-controller eks:cluster-event-watcher medium"),
            ("=system:gke-common-webhooks", "", "cloud-controller system:gke-common-webhooks medium"),
        ] {
            let agent = agent.replace("«go»", GO);
            assert_eq!(told(&classify(user, &agent)), expected, "{user} | {agent}");
        }
    }

    /// A user agent may say anything, so one that borrows a fixed identity's name gets nothing by it.
    #[test]
    fn a_claim_to_a_fixed_identity_is_told_and_not_believed() {
        for (user, agent, expected) in [
            (
                "=somebody@example.com",
                "kubelet/v1.34.0 (linux/amd64) kubernetes/f28b4c9",
                "unknown somebody@example.com low not kubelet",
            ),
            ("acme:acme-operator", "kubelet/v1.34.0", "operator acme-operator medium not kubelet"),
            ("shop:checkout", "kube-proxy/v1.34.0", "unknown checkout low not kube-proxy"),
            (
                "=system:anonymous",
                "kube-controller-manager/v1.34.0",
                "unknown system:anonymous low not kube-controller-manager",
            ),
            ("=bot", "kube-apiserver/v1.34.0", "unknown bot low not kube-apiserver"),
            ("=bot", "kube-scheduler/v1.34.0", "unknown bot low not kube-scheduler"),
            ("kube-system:coredns", "kubelet/v1.34.0", "dns coredns medium not kubelet"),
            ("kube-system:calico-node", "cilium-agent/1.15.6", "cni calico-node medium not cilium-agent"),
            (
                "kube-system:job-controller",
                "kube-controller-manager/v1 (os/arch) kubernetes/f/system:serviceaccount:kube-system:node-controller",
                "controller-manager job-controller medium not kube-system:node-controller",
            ),
        ] {
            assert_eq!(told(&classify(user, agent)), expected, "{user} | {agent}");
        }
        let outside = identity("system:node:node-1", "system:authenticated", "kubelet/v1.34.0");
        assert_eq!(told(&CATALOGUE.classify(&outside)), "unknown system:node:node-1 low not kubelet");
        let failed = identity("", "", "kubelet/v1.34.0");
        let failed = CATALOGUE.classify(&failed);
        assert_eq!(told(&failed), "unknown (unauthenticated) low");
        assert_eq!(failed.evidence, "no user; nothing confirms the user agent kubelet");
    }

    /// Some agents run with the kubelet's credentials; only both together tell them from it.
    #[test]
    fn a_client_with_borrowed_credentials_is_told_by_both() {
        let with = |agent: &str| {
            told(&CATALOGUE.classify(&identity("system:node:node-1", "system:nodes,system:authenticated", agent)))
        };
        assert_eq!(with("node-problem-detector/v0.8.9"), "monitoring node-problem-detector high");
        assert_eq!(with("kubelet/v1.34.0"), "kubelet kubelet high");
        assert_eq!(with("k3s/v1.35.2+k3s1 (linux/amd64) kubernetes/13563fe"), "kubelet kubelet high");
        assert_eq!(with(""), "kubelet kubelet medium");
        assert_eq!(with("Go-http-client/2.0"), "kubelet kubelet medium");
    }

    /// `manager/v0.0.0 … $Format` is the user agent of half of all operators.
    #[test]
    fn an_unstamped_binary_goes_by_its_account_or_pod() {
        let agent = "manager/v0.0.0 (linux/amd64) kubernetes/$Format";
        let found = classify("acme-system:acme-operator-controller-manager", agent);
        assert_eq!(told(&found), "operator acme-operator-controller-manager medium");
        assert_eq!(
            found.evidence,
            "service account acme-system:acme-operator-controller-manager; the user agent says manager, a binary of a \
             common name and no version"
        );
        let pod = |pod: &str| {
            let default = identity("system:serviceaccount:acme:default", "", agent);
            told(&CATALOGUE.classify(&Identity { pod_name: Some(pod.to_owned()), ..default }))
        };
        assert_eq!(pod("acme-operator-7db6d8ff4d-x2k9z"), "operator acme-operator medium");
        assert_eq!(pod("kube-state-metrics-7db6d8ff4d-x2k9z"), "monitoring kube-state-metrics medium");
        assert_eq!(pod("by-hand"), "operator acme:default medium");
        assert_eq!(
            told(&classify("acme:acme-reconciler-operator", "acme-reconciler/v0.0.0 (linux/amd64) kubernetes/$Format")),
            "operator acme-reconciler-operator high"
        );
    }

    #[test]
    fn pods_lose_their_random_ends_only() {
        for (pod, expected) in [
            ("coredns-7db6d8ff4d-x2k9z", Some("coredns")),
            ("calico-node-x2k9z", Some("calico-node")),
            ("prometheus-k8s-0", Some("prometheus-k8s")),
            ("sync-28391040-x2k9z", Some("sync")),
            ("kube-apiserver-master", None),
            ("debug", None),
            ("a-b", None),
            ("-0", None),
            ("", None),
        ] {
            assert_eq!(workload_of(pod), expected, "{pod}");
        }
    }

    #[test]
    fn added_rules_come_first() {
        let added = "\
- client: shop-sync
  type: gitops
  accounts: [\"shop:checkout\"]
  agents: [\"manager/*\"]
  source: us
- client: acme-agent
  type: monitoring
  agents: [\"agent/*\"]
  source: us
- client: our-net
  type: cni
  accounts: [\"kube-system:calico-node\"]
  source: us
";
        let catalogue = Catalogue::embedded().extended_by(Catalogue::parse(added).unwrap());
        let told = |user: &str, agent: &str| told(&catalogue.classify(&identity(user, "", agent)));
        assert_eq!(told("system:serviceaccount:shop:checkout", "manager/v1"), "gitops shop-sync high");
        assert_eq!(told("system:serviceaccount:shop:checkout", ""), "gitops shop-sync medium");
        assert_eq!(told("bot", "agent/v1"), "monitoring acme-agent low");
        assert_eq!(told("system:serviceaccount:kube-system:calico-node", "calico-node/v3"), "cni our-net high");
        assert_eq!(told("system:serviceaccount:kube-system:coredns", "coredns/v1"), "dns coredns high");
        let rule = catalogue.classify(&identity("bot", "", "agent/v1")).rule;
        assert_eq!(rule.as_deref(), Some("acme-agent (added line 6)"));
    }

    #[test]
    fn the_evidence_says_what_it_rests_on() {
        for (user, agent, expected) in [
            (
                "kube-system:coredns",
                "CoreDNS/1.12.0",
                "service account kube-system:coredns and user agent CoreDNS agree",
            ),
            ("kube-system:coredns", "", "service account kube-system:coredns, no user agent"),
            (
                "kube-system:coredns",
                "odd/1",
                "service account kube-system:coredns; the user agent odd is not one it is known by",
            ),
            ("kube-system:coredns", "curl/8.1", "service account kube-system:coredns using curl"),
            (
                "kube-system:coredns",
                "kubelet/1",
                "service account kube-system:coredns, though its user agent claims to be kubelet",
            ),
            (
                "shop:checkout",
                "Prometheus/2.45.0",
                "service account shop:checkout, known only by the user agent Prometheus",
            ),
            ("shop:checkout", "kubelet/1", "service account shop:checkout, whose user agent claims to be kubelet"),
            ("shop:checkout", "odd/1", "service account shop:checkout; nothing is known of the user agent odd"),
            (
                "shop:checkout",
                "OpenAPI-Generator/29.0.0/python",
                "service account shop:checkout using python-client (user agent OpenAPI-Generator)",
            ),
            ("=somebody@example.com", "kubectl/v1.34.0", "user somebody@example.com using kubectl"),
            ("=somebody@example.com", "", "user somebody@example.com, no user agent"),
        ] {
            assert_eq!(classify(user, agent).evidence, expected, "{user} | {agent}");
        }
    }

    #[test]
    fn the_shape_of_requests_is_evidence_but_decides_nothing() {
        let odd = Identity { list_count: 2, watch_count: 3, ..identity("bot", "", "odd/1") };
        let evidence = |identity: Identity| CATALOGUE.classify(&identity).evidence;
        let known = "user bot; nothing is known of the user agent odd";
        assert_eq!(evidence(odd.clone()), known);
        assert_eq!(
            evidence(Identity { typed_informer_count: 1, reflector_count: 1, node_scoped_count: 5, ..odd.clone() }),
            format!("{known}; its watches are those of client-go informers, it asks for one node's objects only")
        );
        assert_eq!(
            evidence(Identity { reflector_count: 1, instance_count: 40, ..odd.clone() }),
            format!(
                "{known}; its watches are those of a reflector, such as controller-runtime's, it runs in many places"
            )
        );
        assert_eq!(
            evidence(Identity { full_list_count: 2, watch_count: 0, ..odd }),
            format!("{known}; it lists whole collections and never watches")
        );
    }

    #[test]
    fn advice_and_fan_out_come_with_the_client() {
        let found = classify("kube-system:calico-node", "calico-node/v0.0.0 (linux/amd64) kubernetes/$Format");
        assert!(found.advice.is_some_and(|advice| advice.contains("Typha")));
        assert_eq!(found.runs, Runs::Daemonset);
        assert!(found.rule.is_some_and(|rule| rule.starts_with("calico-node (built-in line ")));
        assert_eq!(classify("shop:checkout", "odd/1").rule, None);
    }
}
