//! Users and groups that Kubernetes itself names (`k8s.io/apiserver/pkg/authentication/user/user.go` and
//! `pkg/authentication/serviceaccount/util.go`).

use std::fmt;

/// The apiserver's own client.
pub const SYSTEM_APISERVER: &str = "system:apiserver";
/// The user of all requests without credentials.
pub const SYSTEM_ANONYMOUS: &str = "system:anonymous";
/// The user of kube-controller-manager, unless its controllers have service accounts of their own.
pub const SYSTEM_KUBE_CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
/// The user of kube-scheduler.
pub const SYSTEM_KUBE_SCHEDULER: &str = "system:kube-scheduler";
/// What the user name of a kubelet starts with; the name of its node follows (`plugin/pkg/auth/authorizer/node`).
pub const NODE_USER_PREFIX: &str = "system:node:";
/// What the user name of a service account starts with; `namespace:name` follows.
pub const SERVICE_ACCOUNT_USER_PREFIX: &str = "system:serviceaccount:";

/// The group of everybody with valid credentials.
pub const SYSTEM_AUTHENTICATED: &str = "system:authenticated";
/// The group of [`SYSTEM_ANONYMOUS`].
pub const SYSTEM_UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group whose members may do anything, and which API Priority and Fairness always exempts.
pub const SYSTEM_MASTERS: &str = "system:masters";
/// The group of all kubelets.
pub const SYSTEM_NODES: &str = "system:nodes";
/// The group of all service accounts.
pub const SYSTEM_SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// What the group of a namespace's service accounts starts with; the namespace follows.
pub const SERVICE_ACCOUNT_GROUP_PREFIX: &str = "system:serviceaccounts:";

/// The namespace of Kubernetes' own components.
pub const KUBE_SYSTEM: &str = "kube-system";
/// The namespace of the leases by which kubelets show that they are alive.
pub const KUBE_NODE_LEASE: &str = "kube-node-lease";

/// A service account, as its user name says. Neither part is checked: any user may be named so by a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceAccount<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name in the namespace.
    pub name: &'a str,
}

impl<'a> ServiceAccount<'a> {
    /// Reads a user name such as `system:serviceaccount:monitoring:prometheus`; `None` if it is not a service account's.
    pub fn parse(user_name: &'a str) -> Option<Self> {
        let (namespace, name) = user_name.strip_prefix(SERVICE_ACCOUNT_USER_PREFIX)?.split_once(':')?;
        Some(Self { namespace, name })
    }

    /// The groups that the server adds for every service account, besides [`SYSTEM_AUTHENTICATED`].
    pub fn groups(self) -> [String; 2] {
        [SYSTEM_SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNT_GROUP_PREFIX}{}", self.namespace)]
    }
}

/// Writes the user name.
impl fmt::Display for ServiceAccount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SERVICE_ACCOUNT_USER_PREFIX}{}:{}", self.namespace, self.name)
    }
}

/// The groups that the server adds to a user, given only the user name. Groups from certificates and identity providers are
/// unknown, with two exceptions: a node's certificate must name `system:nodes`, and the apiserver's own client is in
/// `system:masters`.
pub fn implied_groups(user_name: &str) -> Vec<String> {
    if user_name == SYSTEM_ANONYMOUS {
        return vec![SYSTEM_UNAUTHENTICATED.to_owned()];
    }
    let mut groups = Vec::new();
    groups.extend(ServiceAccount::parse(user_name).into_iter().flat_map(ServiceAccount::groups));
    if user_name.starts_with(NODE_USER_PREFIX) {
        groups.push(SYSTEM_NODES.to_owned());
    }
    if user_name == SYSTEM_APISERVER {
        groups.push(SYSTEM_MASTERS.to_owned());
    }
    groups.push(SYSTEM_AUTHENTICATED.to_owned());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_adds_groups_by_the_kind_of_user() {
        for (user, expected) in [
            (
                "system:serviceaccount:monitoring:prometheus",
                ["system:serviceaccounts", "system:serviceaccounts:monitoring", "system:authenticated"].as_slice(),
            ),
            ("system:node:n1", &["system:nodes", "system:authenticated"]),
            ("system:apiserver", &["system:masters", "system:authenticated"]),
            ("system:anonymous", &["system:unauthenticated"]),
            ("alice", &["system:authenticated"]),
        ] {
            assert_eq!(implied_groups(user), expected, "{user}");
        }
    }

    #[test]
    fn a_service_account_is_read_and_written_as_a_user_name() {
        let user_name = "system:serviceaccount:monitoring:prometheus";
        let account = ServiceAccount::parse(user_name).unwrap();
        assert_eq!((account.namespace, account.name), ("monitoring", "prometheus"));
        assert_eq!(account.to_string(), user_name);
        for other in ["system:serviceaccounts:monitoring", "system:serviceaccount:monitoring", "monitoring:prometheus"]
        {
            assert_eq!(ServiceAccount::parse(other), None, "{other}");
        }
    }
}
