//! The groups that a server itself gives to a user, beside those that come with its credentials.

/// The groups of a user of which only the name is known (`apiserver/pkg/authentication/user`, `serviceaccount/util.go`).
/// Groups from certificates or an identity provider aren't among them, save that a node's certificate names
/// `system:nodes`, and that the apiserver's own client is of `system:masters`.
pub fn implied_groups(user: &str) -> Vec<String> {
    if user == "system:anonymous" {
        return vec!["system:unauthenticated".to_owned()];
    }
    let mut groups = Vec::new();
    if let Some((namespace, _)) = user.strip_prefix("system:serviceaccount:").and_then(|name| name.split_once(':')) {
        groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
    }
    if user.starts_with("system:node:") {
        groups.push("system:nodes".to_owned());
    }
    if user == "system:apiserver" {
        groups.push("system:masters".to_owned());
    }
    groups.push("system:authenticated".to_owned());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_that_the_server_gives() {
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
}
