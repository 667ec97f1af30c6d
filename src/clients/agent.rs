//! What a user agent says.
//!
//! client-go writes `command/version (os/arch) kubernetes/commit`, with the command from the name of the binary, so
//! that a renamed binary is a renamed client. A part of a program may add `/` and a name of its own; the controllers of
//! kube-controller-manager add their service account (`client-go/rest/config.go`,
//! `controller-manager/pkg/clientbuilder`). Programs that leave client-go's version unset, nearly all that aren't
//! Kubernetes itself, send `v0.0.0` and `$Format`. Others write what they like, mostly `name/version`.

use crate::kubernetes::SERVICE_ACCOUNT_USER_PREFIX;

/// A user agent, taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agent<'a> {
    /// The name of the binary or program, without directory and `.exe`; empty when there is no user agent.
    pub command: &'a str,
    /// The version; `None` when there is none.
    pub version: Option<&'a str>,
    /// What a part of the program adds to client-go's form, such as `leader-election`; `None` when it adds nothing.
    pub suffix: Option<&'a str>,
    /// Whether it is of client-go's form but leaves the version unset, so that only the binary's name tells anything.
    pub is_unstamped: bool,
}

impl<'a> Agent<'a> {
    /// Takes a user agent apart.
    pub fn of(text: &'a str) -> Self {
        let text = text.trim();
        let Some((first, rest)) = text.trim_start_matches("./").split_once('/') else {
            return Self { command: command(text), ..Self::default() };
        };
        let version = rest.split(' ').next().filter(|version| !version.is_empty());
        let (built, suffix) = match rest.split_once(" kubernetes/") {
            Some((_, built)) => built.split_once('/').map_or((built, None), |(built, suffix)| (built, Some(suffix))),
            None => ("", None),
        };
        // ovn-kubernetes puts the node first: `<node>/<binary>@<commit>`; k3s names a part of itself: `<part>@<node>`.
        let (name, version) = match version.and_then(|version| version.split_once('@')) {
            Some((binary, commit)) => (binary, Some(commit)),
            None => (first, version),
        };
        Self { command: command(name), version, suffix, is_unstamped: built == "$Format" }
    }

    /// The service account that a controller of kube-controller-manager adds, as `namespace:name`; `None` when there is
    /// none.
    pub fn account(&self) -> Option<&'a str> {
        self.suffix?.strip_prefix(SERVICE_ACCOUNT_USER_PREFIX)
    }
}

fn command(name: &str) -> &str {
    let name = name.trim_start_matches("./");
    let name = name.split('@').next().unwrap_or_default();
    let name = name.split(" (").next().unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (&str, Option<&str>, Option<&str>, bool) {
        let agent = Agent::of(text);
        (agent.command, agent.version, agent.suffix, agent.is_unstamped)
    }

    #[test]
    fn the_form_of_client_go_is_taken_apart() {
        for (text, expected) in [
            ("kubelet/v1.34.0 (linux/arm64) kubernetes/f28b4c9", ("kubelet", Some("v1.34.0"), None, false)),
            ("manager/v0.0.0 (linux/amd64) kubernetes/$Format", ("manager", Some("v0.0.0"), None, true)),
            (
                "kube-scheduler/v1.25.8+27e744f (linux/amd64) kubernetes/df8a1b9/scheduler",
                ("kube-scheduler", Some("v1.25.8+27e744f"), Some("scheduler"), false),
            ),
            (
                "operator/v0.0.0 (linux/amd64) kubernetes/$Format/leader-election",
                ("operator", Some("v0.0.0"), Some("leader-election"), true),
            ),
            ("kubectl.exe/v1.30.0 (windows/amd64) kubernetes/7c48c2b", ("kubectl", Some("v1.30.0"), None, false)),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn other_forms_give_at_least_a_name() {
        for (text, command, version) in [
            ("", "", None),
            ("Fluent-Bit", "Fluent-Bit", None),
            ("v2.6.0", "v2.6.0", None),
            ("Prometheus/2.45.0", "Prometheus", Some("2.45.0")),
            ("Kubernetes Java Client/20.0.1", "Kubernetes Java Client", Some("20.0.1")),
            ("OpenAPI-Generator/29.0.0/python", "OpenAPI-Generator", Some("29.0.0/python")),
            ("./aws-k8s-agent-v1.18.0", "aws-k8s-agent-v1.18.0", None),
            ("worker-7/ovnkube@a1b2c3d4 (linux/amd64) kubernetes/v1.30.2", "ovnkube", Some("a1b2c3d4")),
            ("deploy@server-0/v1.35.2+k3s1 (linux/amd64) k3s/13563feb", "deploy", Some("v1.35.2+k3s1")),
            ("CoreDNS/1.12.0 git_commit:51e11f1 (linux/amd64/go1.23.3)", "CoreDNS", Some("1.12.0")),
            ("/", "", None),
        ] {
            assert_eq!((Agent::of(text).command, Agent::of(text).version), (command, version), "{text}");
        }
    }

    #[test]
    fn the_controllers_of_the_controller_manager_name_their_account() {
        let text = "k3s/v1.35.2+k3s1 (linux/amd64) kubernetes/13563fe/system:serviceaccount:kube-system:job-controller";
        assert_eq!(Agent::of(text).account(), Some("kube-system:job-controller"));
        assert_eq!(Agent::of("kube-scheduler/v1.34.0 (linux/arm64) kubernetes/f28b4c9/scheduler").account(), None);
    }
}
