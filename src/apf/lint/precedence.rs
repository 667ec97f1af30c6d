//! Precedences that leave the order of FlowSchemas to chance: two that are equal, and those that aren't given.

use super::super::FlowSchema;
use super::context::{Context, listed};
use super::coverage::may_share_requests;
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const COLLISION: LintRule = LintRule {
    name: "precedence-collision",
    reason: "Of two FlowSchemas with the same matchingPrecedence the one whose name comes first, byte by byte, is asked \
             first (apihelpers, FlowSchemaSequence).",
    check: collisions,
};

pub(super) const NOT_GIVEN: LintRule = LintRule {
    name: "precedence-not-given",
    reason: "A matchingPrecedence that isn't given, or is 0, is 1000 (v1/defaults.go): behind the FlowSchemas for nodes, \
             controllers and kube-system, and before those for all others.",
    check: not_given,
};

const FIELD: &str = "spec.matchingPrecedence";

fn collisions(context: &Context<'_>) -> Vec<LintFinding> {
    let given = context.schemas.iter().copied().filter(|schema| !is_left_out(schema));
    given.filter_map(|schema| collision(context, schema)).collect()
}

fn collision(context: &Context<'_>, schema: &FlowSchema) -> Option<LintFinding> {
    let is_told_there = |other: &FlowSchema| {
        other.name > schema.name && context.schemas.iter().any(|one| one.name == other.name && !is_left_out(one))
    };
    let equal: Vec<&FlowSchema> = equals(context, schema).into_iter().filter(|other| !is_told_there(other)).collect();
    let names: Vec<&str> = equal.iter().map(|other| other.name.as_str()).collect();
    let first = names.iter().copied().chain([schema.name.as_str()]).min()?;
    if equal.is_empty() {
        return None;
    }
    let is_contended = equal.iter().any(|other| may_contend(schema, other));
    let words = Words {
        message: format!("{} has the precedence {} too", listed(&names), schema.matching_precedence),
        effect: if is_contended {
            format!("the order of the names decides: {first} is asked first")
        } else {
            "none, as long as no request matches both".into()
        },
        fix: context.free_precedence(schema.matching_precedence, first != schema.name).map_or_else(
            || "give each a precedence of its own".into(),
            |free| format!("give each a precedence of its own: {free} is free"),
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
            (false, _) => format!("{} has 1000 too, and {first} is asked first by its name", listed(&names)),
            (true, false) => format!("asked before it, and matching some of the same requests: {}", listed(&earlier)),
            (true, true) => "nothing before it matches the same requests, as things are".into(),
        };
        let words = Words {
            message: "matchingPrecedence isn't given, so it is 1000".into(),
            effect,
            fix: "write the matchingPrecedence that is meant, lower than that of what has these requests today".into(),
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

/// What is asked before a FlowSchema and may match the same requests; not what is for the administrators and for probes.
fn earlier(context: &Context<'_>, schema: &FlowSchema) -> Vec<String> {
    let asked = context.after.schemas().iter().map(|(earlier, _)| *earlier);
    let asked =
        asked.take_while(|earlier| earlier.name != schema.name).filter(|earlier| earlier.matching_precedence > 2);
    let contended = asked.filter(|earlier| may_contend(schema, earlier));
    contended.map(|earlier| format!("{} ({})", earlier.name, earlier.matching_precedence)).collect()
}

/// Whether the precedence is left to its default in a file.
fn is_left_out(schema: &FlowSchema) -> bool {
    !schema.place.lines.is_empty() && !schema.place.has(FIELD)
}

/// Whether some request may match both.
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
    fn equal_precedences_are_told_once_and_with_who_wins() {
        let text = schema_of("b", 8_000, AGENT) + &schema_of("a", 8_000, EVERYBODY);
        let expected = (
            LintSeverity::Warning,
            "FlowSchema b".to_owned(),
            "the order of the names decides: a is asked first".to_owned(),
        );
        assert_eq!(found(&COLLISION, &text), [expected]);
        let with_the_servers_own = found(&COLLISION, &schema_of("z", 9_000, AGENT));
        assert_eq!(with_the_servers_own[0].2, "the order of the names decides: service-accounts is asked first");
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
