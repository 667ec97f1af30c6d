//! Programs that many users run, each by their own name: then the program is the client, and its users are counted.
//!
//! What is known only by its user goes by the user's name. Where many users show one user agent, that would make as many
//! clients of one program: eighty people with one dashboard, or agents on nodes with a user each. Service accounts are left
//! alone: each is a workload of its own, whatever library it uses. A user agent that names a library only tells no more than
//! that: the users may run different programs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Agent, Classification, ClientType, Confidence, Identity};
use crate::kubernetes::{SYSTEM_ANONYMOUS, ServiceAccount};

/// Users of one user agent from which on the program is the client. A few people may have the same tool at hand by chance, and
/// who they are tells more.
const MIN_USERS: usize = 5;

/// Names clients that go by their user's name after the program, where many users share it. Each identity is a user with a
/// user agent.
pub fn name_shared_programs<'c>(clients: impl Iterator<Item = (&'c Identity, &'c mut Classification)>) {
    let mut programs: BTreeMap<&str, Vec<(&Identity, &mut Classification)>> = BTreeMap::new();
    for (identity, client) in clients {
        if let Some(program) = program(identity, client) {
            programs.entry(program).or_default().push((identity, client));
        }
    }
    for (program, members) in programs {
        let users: BTreeSet<_> = members.iter().map(|(identity, _)| &identity.user_name).collect();
        let user_count = users.len();
        if user_count < MIN_USERS {
            continue;
        }
        for (_, client) in members {
            let what = match client.client_type {
                ClientType::Sdk => ", a library: which program they run is not known",
                _ => "",
            };
            client.evidence = format!("the user agent {program} of {user_count} users{what}");
            program.clone_into(&mut client.client);
            client.confidence = Confidence::Low;
        }
    }
}

/// The program of a client that is named after its user; `None` where it has a better name, or no user agent.
fn program<'i>(identity: &'i Identity, client: &Classification) -> Option<&'i str> {
    let user = identity.user_name.as_deref().filter(|user| *user != SYSTEM_ANONYMOUS)?;
    let is_named_by_user = client.client == user && ServiceAccount::parse(user).is_none();
    let has_no_type = matches!(client.client_type, ClientType::Sdk | ClientType::Unknown | ClientType::Automation);
    let program = Agent::of(identity.user_agent.as_deref()?).command;
    (is_named_by_user && has_no_type && !program.is_empty()).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::*;

    /// The clients of users with user agents.
    fn clients(callers: &[(String, &str)]) -> Vec<(ClientType, String)> {
        let catalogue = Catalogue::embedded();
        let identities: Vec<Identity> = callers
            .iter()
            .map(|(user, agent)| Identity {
                user_name: Some(user.clone()),
                user_agent: Some((*agent).to_owned()),
                user_groups: vec!["system:authenticated".to_owned()],
                ..Identity::default()
            })
            .collect();
        let mut classified: Vec<_> = identities.iter().map(|identity| catalogue.classify(identity)).collect();
        name_shared_programs(identities.iter().zip(&mut classified));
        classified.into_iter().map(|client| (client.client_type, client.client)).collect()
    }

    fn users(count: usize, name: &str, agent: &'static str) -> Vec<(String, &'static str)> {
        (0..count).map(|number| (name.replace('N', &number.to_string()), agent)).collect()
    }

    #[test]
    fn a_program_of_many_users_is_one_client() {
        const FETCH: &str = "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)";
        for (client_type, client) in clients(&users(80, "devN@example.org", FETCH)) {
            assert_eq!((client_type, client.as_str()), (ClientType::Sdk, "node-fetch"));
        }
        for (client_type, client) in clients(&users(40, "agent:node-N", "rack-agent/1.4.2")) {
            assert_eq!((client_type, client.as_str()), (ClientType::Unknown, "rack-agent"));
        }
    }

    /// Who they are tells more than what they use.
    #[test]
    fn few_users_and_service_accounts_keep_their_names() {
        for (number, (_, client)) in clients(&users(4, "devN@example.org", "axios/1.6")).into_iter().enumerate() {
            assert_eq!(client, format!("dev{number}@example.org"));
        }
        let accounts = users(9, "system:serviceaccount:team:job-N", "python-requests/2.31.0");
        for (number, (_, client)) in clients(&accounts).into_iter().enumerate() {
            assert_eq!(client, format!("job-{number}"));
        }
    }

    /// Kubelets have a user each too, and are known by it.
    #[test]
    fn who_is_known_otherwise_stays_so() {
        let mut callers = users(20, "system:node:N", "kubelet/v1.34.0 (linux/amd64) kubernetes/f28b4c9");
        callers.extend(users(20, "devN@example.org", "kubectl/v1.34.0 (linux/amd64) kubernetes/f28b4c9"));
        let names: BTreeSet<_> = clients(&callers).into_iter().map(|(_, client)| client).collect();
        assert_eq!(names, BTreeSet::from(["kubectl".to_owned(), "kubelet".to_owned()]));
    }
}
