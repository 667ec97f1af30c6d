//! The annotation by which the server deletes what it doesn't know and takes back what was edited.
//!
//! At its start and every minute a server goes through the objects with `apf.kubernetes.io/autoupdate-spec: "true"`: its
//! own it restores, others it deletes (`pkg/registry/flowcontrol/ensurer/strategy.go`,
//! `pkg/registry/flowcontrol/rest/storage_flowcontrol.go`).

use super::super::{is_mandatory, is_suggested};
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Object, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "autoupdate-annotation",
    reason: "With the annotation apf.kubernetes.io/autoupdate-spec: \"true\" the server restores an object that is its own, \
             and deletes one that isn't. An edit of a suggested object stays only with the value \"false\".",
    check,
};

/// The annotation's field.
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
    // Where the version isn't known the object may be one of an older version's.
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
            "the annotation apf.kubernetes.io/autoupdate-spec is \"true\", but it is none of the server's own objects"
                .into(),
        effect: "the server takes it for one that it had in an older version, and deletes it".into(),
        fix: "leave the annotation out".into(),
    };
    RULE.finding(LintSeverity::Error, object, FIELD, words)
}

fn reverted(object: Object<'_>, annotation: Option<bool>) -> LintFinding {
    let (severity, message) = match annotation {
        None => (
            LintSeverity::Warning,
            "it changes an object that the server keeps by itself, and doesn't say that it is to be left alone",
        ),
        Some(_) => (LintSeverity::Error, "it changes an object, and tells the server to keep that as it was"),
    };
    let words = Words {
        message: message.into(),
        effect: "the server takes the change back within a minute; an annotation that is left out stays as it was"
            .into(),
        fix: "write the annotation apf.kubernetes.io/autoupdate-spec: \"false\"".into(),
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
