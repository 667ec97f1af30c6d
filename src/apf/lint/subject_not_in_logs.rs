//! A subject that sends no request in the logs: mostly a misspelled name.

use super::super::{Subject, describe_subject, matches_subject};
use super::context::{Context, listed};
use super::coverage::account;
use super::{LintFinding, LintRule, LintSeverity, Traffic, Words};
use crate::kubernetes::{SYSTEM_MASTERS, ServiceAccount};

pub(super) const RULE: LintRule = LintRule {
    name: "subject-not-in-logs",
    reason: "Subjects are compared as plain strings with the user name and its groups: there are no patterns or prefixes, and a service account is looked for only in its namespace.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let traffic = context.input.traffic.unwrap_or_default();
    let mut findings = Vec::new();
    if traffic.is_empty() {
        return findings;
    }
    for schema in &context.schemas {
        for (index, rule) in schema.rules.iter().enumerate() {
            for (inner, subject) in rule.subjects.iter().enumerate().filter(|(_, subject)| is_unseen(subject, traffic))
            {
                let alike = alike(subject, traffic);
                let words = Words {
                    message: format!("no request in the logs is from {}", describe_subject(subject)),
                    effect: "it matches no request in the logs".into(),
                    fix: match alike.as_slice() {
                        [] => "check the name, and whether the logs cover a time when this client was active".into(),
                        _ => format!("check the name: the logs have {}", listed(&alike)),
                    },
                };
                let field = format!("spec.rules[{index}].subjects[{inner}]");
                findings.push(RULE.finding(LintSeverity::Warning, *schema, field, words));
            }
        }
    }
    findings
}

fn is_unseen(subject: &Subject, traffic: &[Traffic]) -> bool {
    let is_masters = matches!(subject, Subject::Group(group) if group == SYSTEM_MASTERS);
    !is_masters && !traffic.iter().any(|traffic| matches_subject(subject, &traffic.digest.attributes()))
}

/// Users in the logs whose names end alike; if there are none for a service account, those of its namespace.
fn alike<'t>(subject: &Subject, traffic: &'t [Traffic]) -> Vec<&'t str> {
    let name = match subject {
        Subject::User(name) | Subject::Group(name) | Subject::ServiceAccount { name, .. } => name,
    };
    let last = name.rsplit(':').next().unwrap_or(name);
    let of = |is_alike: &dyn Fn(&str) -> bool| {
        let mut users: Vec<&str> =
            traffic.iter().map(|traffic| traffic.digest.user.as_str()).filter(|user| is_alike(user)).collect();
        users.sort_unstable();
        users.dedup();
        users
    };
    let same_name = of(&|user| user.rsplit(':').next() == Some(last));
    match account(subject) {
        Some((namespace, _)) if same_name.is_empty() => {
            of(&|user| ServiceAccount::parse(user).is_some_and(|account| account.namespace == namespace))
        }
        _ => same_name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_with_traffic, list_pods, schema_for};
    use super::*;

    fn fixes(subject: &str, traffic: &[Traffic]) -> Vec<String> {
        let findings = lint_with_traffic(&schema_for("s", "workload-low", subject), traffic);
        findings.into_iter().filter(|finding| finding.rule == RULE.name).map(|finding| finding.fix).collect()
    }

    #[test]
    fn a_subject_is_looked_for_in_the_logs_and_others_like_it_are_named() {
        let traffic = [list_pods("system:serviceaccount:monitoring:prometheus", "", 5), list_pods("alice", "", 1)];
        let account = |namespace: &str, name: &str| {
            format!("{{kind: ServiceAccount, serviceAccount: {{namespace: {namespace}, name: {name}}}}}")
        };
        assert_eq!(fixes(&account("monitoring", "prometheus"), &traffic), [""; 0]);
        assert_eq!(fixes(&account("monitoring", "'*'"), &traffic), [""; 0]);
        let hint = "check the name: the logs have system:serviceaccount:monitoring:prometheus";
        assert_eq!(fixes(&account("default", "prometheus"), &traffic), [hint]);
        assert_eq!(fixes(&account("monitoring", "prom"), &traffic), [hint]);
        assert_eq!(fixes("{kind: User, user: {name: prometheus}}", &traffic), [hint]);
        assert_eq!(fixes("{kind: User, user: {name: bob}}", &traffic).len(), 1);
        assert_eq!(fixes("{kind: User, user: {name: bob}}", &[]), [""; 0], "without logs nothing can be said");
    }
}
