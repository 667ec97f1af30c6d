//! The annotation with which the server deletes unknown objects and reverts edits.
//!
//! At start-up and every minute a server goes through the objects with `apf.kubernetes.io/autoupdate-spec: "true"`: it
//! restores its own and deletes all others (`pkg/registry/flowcontrol/ensurer/strategy.go`,
//! `pkg/registry/flowcontrol/rest/storage_flowcontrol.go`).

use super::super::{is_mandatory, is_suggested};
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Object, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "autoupdate-annotation",
    reason: "The server restores its own objects that have the annotation apf.kubernetes.io/autoupdate-spec: \"true\", and deletes all other objects that have it. An edit of a suggested object lasts only if the value is \"false\".",
    check,
};

/// The field of the annotation.
const FIELD: &str = "metadata.annotations";

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    context.objects().filter_map(|object| finding(context, object)).collect()
}

fn finding(context: &Context<'_>, object: Object<'_>) -> Option<LintFinding> {
    let name = object.name();
    let is_own = match object {
        Object::Schema(_) => context.own.flow_schema(name).is_some(),
        Object::Level(_) => context.own.priority_level(name).is_some(),
    };
    // If the version is unknown, the object may belong to an older version.
    let is_own = is_own || context.input.version.is_none() && is_suggested(name);
    match (is_own, object.is_autoupdated()) {
        (false, Some(true)) => Some(deleted(object)),
        (true, Some(false)) | (false, _) => None,
        (true, _) if is_mandatory(name) => None,
        (true, annotation) => Some(reverted(object, annotation)),
    }
}

fn deleted(object: Object<'_>) -> LintFinding {
    let words = Words {
        message:
            "the annotation apf.kubernetes.io/autoupdate-spec is \"true\", but this is not one of the server's own objects"
                .into(),
        effect: "the server takes it for a leftover of an older version and deletes it".into(),
        fix: "remove the annotation".into(),
    };
    RULE.finding(LintSeverity::Error, object, FIELD, words)
}

fn reverted(object: Object<'_>, annotation: Option<bool>) -> LintFinding {
    let (severity, message) = match annotation {
        None => (
            LintSeverity::Warning,
            "changes an object that the server maintains, without telling the server to leave it alone",
        ),
        Some(_) => (LintSeverity::Error, "changes an object and at the same time tells the server to restore it"),
    };
    let words = Words {
        message: message.into(),
        effect:
            "the server reverts the change within a minute; omitting the annotation leaves its current value in place"
                .into(),
        fix: "set the annotation apf.kubernetes.io/autoupdate-spec: \"false\"".into(),
    };
    RULE.finding(severity, object, FIELD, words)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text};
    use super::*;

    fn severity(text: &str, annotation: &str) -> Option<LintSeverity> {
        let annotated = format!("annotations: {{apf.kubernetes.io/autoupdate-spec: '{annotation}'}}, name");
        let text = if annotation.is_empty() { text.to_owned() } else { text.replacen("name", &annotated, 1) };
        lint_text(&text).iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
    }

    #[test]
    fn an_object_of_ones_own_must_not_have_it() {
        let own = level("small", "nominalConcurrencyShares: 30");
        assert_eq!(severity(&own, "true"), Some(LintSeverity::Error));
        assert_eq!(severity(&own, "false"), None);
        assert_eq!(severity(&own, ""), None);
    }

    #[test]
    fn an_edit_of_the_servers_own_object_needs_it_to_be_false() {
        let edited = level("workload-low", "nominalConcurrencyShares: 200");
        assert_eq!(severity(&edited, "true"), Some(LintSeverity::Error));
        assert_eq!(severity(&edited, ""), Some(LintSeverity::Warning));
        assert_eq!(severity(&edited, "false"), None);
    }
}
