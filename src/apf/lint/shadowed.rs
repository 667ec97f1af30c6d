//! A FlowSchema that is never reached, because earlier ones match everything it could match.

use std::collections::BTreeSet;

use super::super::{FlowSchema, Rule, Subject, describe_subject};
use super::context::{Context, listed};
use super::coverage::{Piece, pieces, takes};
use super::{LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::SYSTEM_MASTERS;

pub(super) const RULE: LintRule = LintRule {
    name: "shadowed",
    reason: "FlowSchemas are tried in order of matchingPrecedence, lowest number first, and the first match gets the request; later FlowSchemas never see it.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    context.schemas.iter().filter_map(|schema| finding(context, schema)).collect()
}

fn finding(context: &Context<'_>, schema: &FlowSchema) -> Option<LintFinding> {
    let asked = context.after.schemas();
    let index = asked.iter().position(|(one, _)| one.name == schema.name)?;
    let earlier: Vec<&FlowSchema> = asked[..index].iter().map(|(earlier, _)| *earlier).collect();
    let mut taken_by = BTreeSet::new();
    let mut lost: Vec<(String, String)> = Vec::new();
    let mut is_anything_left = false;
    for (index, rule) in schema.rules.iter().enumerate() {
        for (inner, subject) in rule.subjects.iter().enumerate().filter(|(_, subject)| !is_masters(subject)) {
            match takers(&earlier, rule, subject) {
                Some(takers) => {
                    taken_by.extend(takers.iter().map(|taker| (taker.matching_precedence, taker.name.as_str())));
                    lost.push((describe_subject(subject), format!("spec.rules[{index}].subjects[{inner}]")));
                }
                None => is_anything_left = true,
            }
        }
    }
    let (first, _) = taken_by.first()?;
    let takers: Vec<String> = taken_by.iter().map(|(precedence, name)| format!("{name} ({precedence})")).collect();
    let fix = fix(context, *first);
    Some(if is_anything_left {
        partly(schema, &lost, &takers, fix)
    } else {
        let words = Words {
            message: format!("never reached: {} matches everything it could match", listed(&takers)),
            effect: format!("no effect: its requests stay with {}", listed(&takers)),
            fix,
        };
        RULE.finding(LintSeverity::Warning, schema, "spec.matchingPrecedence", words)
    })
}

fn partly(schema: &FlowSchema, lost: &[(String, String)], takers: &[String], fix: String) -> LintFinding {
    let subjects: Vec<&str> = lost.iter().map(|(subject, _)| subject.as_str()).collect();
    let words = Words {
        message: format!("never reached by {}: {} matches first", listed(&subjects), listed(takers)),
        effect: "it has no effect on them".into(),
        fix,
    };
    let field = lost.first().map_or("", |(_, field)| field.as_str());
    RULE.finding(LintSeverity::Info, schema, field, words)
}

/// Whether a FlowSchema with another precedence would still be reached.
pub(super) fn is_reached_at(context: &Context<'_>, schema: &FlowSchema, precedence: i32) -> bool {
    let asked = context.after.schemas().iter().map(|(earlier, _)| *earlier);
    let is_earlier = |other: &&FlowSchema| {
        other.name != schema.name && (other.matching_precedence, &other.name) < (precedence, &schema.name)
    };
    let earlier: Vec<&FlowSchema> = asked.filter(is_earlier).collect();
    let has_some_left = |rule: &Rule| {
        let mut subjects = rule.subjects.iter().filter(|subject| !is_masters(subject));
        subjects.any(|subject| takers(&earlier, rule, subject).is_none())
    };
    schema.rules.iter().any(has_some_left)
}

/// The FlowSchemas that together match everything a rule could match for a subject; `None` if something is left.
fn takers<'c>(earlier: &[&'c FlowSchema], rule: &Rule, subject: &Subject) -> Option<Vec<&'c FlowSchema>> {
    let taker = |piece: &Piece<'_>| {
        earlier.iter().copied().find(|schema| schema.rules.iter().any(|earlier| takes(earlier, piece)))
    };
    let pieces = pieces(rule).into_iter().filter(|piece| piece.subject == subject);
    let takers: Vec<&FlowSchema> = pieces.map(|piece| taker(&piece)).collect::<Option<_>>()?;
    (!takers.is_empty()).then_some(takers)
}

/// `system:masters` has a rule of its own.
fn is_masters(subject: &Subject) -> bool {
    matches!(subject, Subject::Group(group) if group == SYSTEM_MASTERS)
}

fn fix(context: &Context<'_>, taken_at: i32) -> String {
    match context.free_precedence(taken_at, true) {
        Some(free) => format!("set a matchingPrecedence below {taken_at}: {free} is free"),
        None => "remove it: no FlowSchema can be tried before that one".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, schema_for, schema_of};
    use super::*;

    fn found(text: &str) -> Option<(LintSeverity, String, String)> {
        let findings = lint_text(text);
        let finding = findings.into_iter().find(|finding| finding.rule == RULE.name)?;
        Some((finding.severity, finding.message, finding.fix))
    }

    #[test]
    fn a_schema_behind_one_that_takes_everything_of_its_clients_is_never_reached() {
        let calico = "{kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: calico-node}}";
        let (severity, message, fix) = found(&schema_for("s", "workload-low", calico)).unwrap();
        assert_eq!(severity, LintSeverity::Warning);
        assert_eq!(message, "never reached: kube-system-service-accounts (900) matches everything it could match");
        assert_eq!(fix, "set a matchingPrecedence below 900: 899 is free");
        let node = "{kind: User, user: {name: 'system:node:n1'}}";
        assert!(found(&schema_for("s", "workload-low", node)).unwrap().1.contains("system-nodes (500)"));
        let agent = "{kind: ServiceAccount, serviceAccount: {namespace: apps, name: agent}}";
        assert_eq!(found(&schema_for("s", "workload-low", agent)), None);
        assert!(found(&schema_of("s", 9_500, agent)).unwrap().1.contains("service-accounts (9000)"));
    }

    #[test]
    fn subjects_that_are_never_reached_are_named_where_others_are() {
        let both = "{kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: calico-node}}, \
                    {kind: ServiceAccount, serviceAccount: {namespace: apps, name: agent}}";
        let (severity, message, _) = found(&schema_for("s", "workload-low", both)).unwrap();
        assert_eq!(severity, LintSeverity::Info);
        assert!(message.starts_with("never reached by service account kube-system/calico-node:"), "{message}");
    }

    #[test]
    fn a_group_may_have_others_in_it_than_those_taken_before() {
        for group in ["system:authenticated", "developers"] {
            assert_eq!(
                found(&schema_for("s", "workload-low", &format!("{{kind: Group, group: {{name: '{group}'}}}}"))),
                None
            );
        }
    }
}
