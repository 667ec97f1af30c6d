//! A single service account where all of a namespace seem to be meant.
//!
//! The account `default` is used only by pods that name no other.

use super::super::{FlowSchema, Subject};
use super::context::{Context, requests};
use super::{LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::ServiceAccount;

pub(super) const RULE: LintRule = LintRule {
    name: "single-service-account",
    reason: "A ServiceAccount subject is a single account. The account default is used only by pods that don't name another one; all accounts of a namespace are name: \"*\", or the group system:serviceaccounts:<namespace>.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for schema in &context.schemas {
        for (index, rule) in schema.rules.iter().enumerate() {
            for (inner, subject) in rule.subjects.iter().enumerate() {
                let Subject::ServiceAccount { namespace, name } = subject else { continue };
                let is_plural = speaks_of_many(&schema.name) && is_only_account(schema, subject);
                if name != "*" && (name == "default" || is_plural) {
                    let field = format!("spec.rules[{index}].subjects[{inner}].serviceAccount.name");
                    findings.push(finding(context, schema, (namespace, name), is_plural, field));
                }
            }
        }
    }
    findings
}

fn finding(
    context: &Context<'_>,
    schema: &FlowSchema,
    (namespace, name): (&str, &str),
    is_plural: bool,
    field: String,
) -> LintFinding {
    let count = |is_counted: &dyn Fn(&str) -> bool| -> u64 {
        let of_namespace = context.routes.iter().filter(|route| {
            let account = ServiceAccount::parse(&route.traffic.digest.user);
            account.is_some_and(|account| account.namespace == namespace && is_counted(account.name))
        });
        of_namespace.map(|route| route.traffic.request_count).sum()
    };
    let effect = if context.input.traffic.is_some() {
        let others = count(&|account| account != name);
        let own = count(&|account| account == name);
        format!(
            "in the logs, it sends {}, and the other accounts of {namespace} send {}",
            requests(own),
            requests(others)
        )
    } else if name == "default" {
        format!("pods of {namespace} that use another account don't match")
    } else {
        format!("other accounts of {namespace} don't match")
    };
    let words = Words {
        message: format!("matches only the service account {namespace}/{name}, not all of {namespace}"),
        effect,
        fix: format!("to match all of them, write name: \"*\", or the group system:serviceaccounts:{namespace}"),
    };
    let severity = if is_plural { LintSeverity::Warning } else { LintSeverity::Info };
    RULE.finding(severity, schema, field, words)
}

fn speaks_of_many(name: &str) -> bool {
    name.contains("service-accounts") || name.contains("serviceaccounts")
}

/// Whether a FlowSchema has no other subject.
fn is_only_account(schema: &FlowSchema, subject: &Subject) -> bool {
    schema.rules.iter().flat_map(|rule| &rule.subjects).all(|other| other == subject)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, schema_for};
    use super::*;

    #[test]
    fn one_account_stands_for_itself_only() {
        for (schema, account, expected) in [
            ("s", "default", Some(LintSeverity::Info)),
            ("list-events-default-service-accounts", "default", Some(LintSeverity::Warning)),
            ("default-service-accounts", "agent", Some(LintSeverity::Warning)),
            ("default-service-accounts", "'*'", None),
            ("s", "agent", None),
        ] {
            let subject = format!("{{kind: ServiceAccount, serviceAccount: {{namespace: default, name: {account}}}}}");
            let findings = lint_text(&schema_for(schema, "workload-low", &subject));
            let severity = findings.iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity);
            assert_eq!(severity, expected, "{schema} {account}");
        }
    }
}
