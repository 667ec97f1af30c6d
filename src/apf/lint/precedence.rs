//! Precedences that leave the order of FlowSchemas to chance: equal ones, and missing ones.

use super::super::FlowSchema;
use super::context::{Context, listed};
use super::coverage::may_share_requests;
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const COLLISION: LintRule = LintRule {
    name: "precedence-collision",
    reason: "Of two FlowSchemas with the same matchingPrecedence, the one whose name sorts first is tried first (apihelpers, FlowSchemaSequence).",
    check: collisions,
};

pub(super) const NOT_GIVEN: LintRule = LintRule {
    name: "precedence-not-given",
    reason: "A missing or zero matchingPrecedence defaults to 1000 (v1/defaults.go): after the FlowSchemas for nodes, controllers and kube-system, and before those for everything else.",
    check: not_given,
};

const FIELD: &str = "spec.matchingPrecedence";

fn collisions(context: &Context<'_>) -> Vec<LintFinding> {
    let given = context.schemas.iter().copied().filter(|schema| !is_left_out(schema));
    given.filter_map(|schema| collision(context, schema)).collect()
}

fn collision(context: &Context<'_>, schema: &FlowSchema) -> Option<LintFinding> {
    let is_reported_there = |other: &FlowSchema| {
        other.name > schema.name && context.schemas.iter().any(|one| one.name == other.name && !is_left_out(one))
    };
    let equal: Vec<&FlowSchema> =
        equals(context, schema).into_iter().filter(|other| !is_reported_there(other)).collect();
    let names: Vec<&str> = equal.iter().map(|other| other.name.as_str()).collect();
    let first = names.iter().copied().chain([schema.name.as_str()]).min()?;
    if equal.is_empty() {
        return None;
    }
    let is_contended = equal.iter().any(|other| may_contend(schema, other));
    let words = Words {
        message: format!("has the same matchingPrecedence as {}: {}", listed(&names), schema.matching_precedence),
        effect: if is_contended {
            format!("the names decide: {first} is tried first")
        } else {
            "none, as long as no request matches both".into()
        },
        fix: context.free_precedence(schema.matching_precedence, first != schema.name).map_or_else(
            || "give each its own matchingPrecedence".into(),
            |free| format!("give each its own matchingPrecedence: {free} is free"),
        ),
    };
    let severity = if is_contended { LintSeverity::Warning } else { LintSeverity::Info };
    Some(COLLISION.finding(severity, schema, FIELD, words))
}

fn not_given(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for schema in context.schemas.iter().filter(|schema| is_left_out(schema)) {
        let equal = equals(context, schema);
        let names: Vec<&str> = equal.iter().map(|other| other.name.as_str()).collect();
        let first = names.iter().copied().chain([schema.name.as_str()]).min().unwrap_or_default();
        let earlier = earlier(context, schema);
        let effect = match (equal.is_empty(), earlier.is_empty()) {
            (false, _) => format!("{} also has 1000, and {first} is tried first because of its name", listed(&names)),
            (true, false) => {
                format!("these FlowSchemas are tried first and match some of the same requests: {}", listed(&earlier))
            }
            (true, true) => "none at present: no FlowSchema before it matches the same requests".into(),
        };
        let words = Words {
            message: "matchingPrecedence is not set, so it is 1000".into(),
            effect,
            fix: "set matchingPrecedence, lower than that of the FlowSchemas that match these requests today".into(),
        };
        let severity = if equal.is_empty() { LintSeverity::Info } else { LintSeverity::Warning };
        findings.push(NOT_GIVEN.finding(severity, *schema, FIELD, words));
    }
    findings
}

/// The other FlowSchemas with the same precedence.
fn equals<'i>(context: &Context<'i>, schema: &FlowSchema) -> Vec<&'i FlowSchema> {
    let others = context.input.after.flow_schemas.iter().filter(|other| other.name != schema.name);
    others.filter(|other| other.matching_precedence == schema.matching_precedence).collect()
}

/// FlowSchemas that are tried before this one and may match the same requests, without those for administrators and
/// probes.
fn earlier(context: &Context<'_>, schema: &FlowSchema) -> Vec<String> {
    let asked = context.after.schemas().iter().map(|(earlier, _)| *earlier);
    let asked =
        asked.take_while(|earlier| earlier.name != schema.name).filter(|earlier| earlier.matching_precedence > 2);
    let contended = asked.filter(|earlier| may_contend(schema, earlier));
    contended.map(|earlier| format!("{} ({})", earlier.name, earlier.matching_precedence)).collect()
}

/// Whether a file leaves the precedence to its default.
fn is_left_out(schema: &FlowSchema) -> bool {
    !schema.location.lines.is_empty() && !schema.location.has(FIELD)
}

/// Whether a request may match both.
fn may_contend(one: &FlowSchema, other: &FlowSchema) -> bool {
    one.rules.iter().any(|rule| other.rules.iter().any(|theirs| may_share_requests(rule, theirs)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, schema, schema_of};
    use super::*;

    fn found(rule: &LintRule, text: &str) -> Vec<(LintSeverity, String, String)> {
        let findings = lint_text(text).into_iter().filter(|finding| finding.rule == rule.name);
        findings.map(|finding| (finding.severity, finding.object, finding.effect)).collect()
    }

    const AGENT: &str = "{kind: ServiceAccount, serviceAccount: {namespace: apps, name: agent}}";
    const OTHER: &str = "{kind: ServiceAccount, serviceAccount: {namespace: apps, name: other}}";
    const EVERYBODY: &str = "{kind: Group, group: {name: 'system:authenticated'}}";

    #[test]
    fn equal_precedences_are_reported_once_with_the_winner() {
        let text = schema_of("b", 8_000, AGENT) + &schema_of("a", 8_000, EVERYBODY);
        let expected =
            (LintSeverity::Warning, "FlowSchema b".to_owned(), "the names decide: a is tried first".to_owned());
        assert_eq!(found(&COLLISION, &text), [expected]);
        let with_the_servers_own = found(&COLLISION, &schema_of("z", 9_000, AGENT));
        assert_eq!(with_the_servers_own[0].2, "the names decide: service-accounts is tried first");
        assert_eq!(found(&COLLISION, &schema_of("b", 8_000, AGENT)), []);
    }

    #[test]
    fn equal_precedences_do_no_harm_where_no_request_matches_both() {
        let text = schema_of("b", 8_000, AGENT) + &schema_of("a", 8_000, OTHER);
        assert_eq!(found(&COLLISION, &text)[0].0, LintSeverity::Info);
        let beside_leases = found(&COLLISION, &schema_of("b", 100, EVERYBODY));
        assert_eq!(beside_leases[0].0, LintSeverity::Info, "system-leader-election has only leases");
    }

    #[test]
    fn a_precedence_that_is_not_given_is_1000() {
        let text = schema("s", "workload-low", "distinguisherMethod: {type: ByUser}", "list pods");
        let findings = found(&NOT_GIVEN, &text);
        assert_eq!((findings.len(), findings[0].0), (1, LintSeverity::Info));
        let both = text.clone() + &schema_of("r", 1_000, EVERYBODY);
        assert_eq!(found(&NOT_GIVEN, &both)[0].0, LintSeverity::Warning);
        assert_eq!(found(&NOT_GIVEN, &schema_of("s", 1_000, AGENT)), []);
    }
}
