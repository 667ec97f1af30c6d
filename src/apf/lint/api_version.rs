//! API versions that the server does not serve: removed ones, and ones newer than the server.

use super::super::ApiVersion;
use super::super::manifest::{PRESERVE_ZERO, preserves_zero, shares_field};
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Object, PriorityLevel, Words};
use crate::kubernetes::Version;

pub(super) const REMOVED: LintRule = LintRule {
    name: "removed-api-version",
    reason: "Kubernetes has removed all alpha and beta versions of flowcontrol.apiserver.k8s.io, the last one in 1.32. The server answers 404 to an object written in a removed version.",
    check: removed,
};

pub(super) const TOO_NEW: LintRule = LintRule {
    name: "api-version-too-new",
    reason: "A server does not serve API versions that were introduced after it: flowcontrol.apiserver.k8s.io/v1 was introduced in Kubernetes 1.29.",
    check: too_new,
};

fn removed(context: &Context<'_>) -> Vec<LintFinding> {
    let server = context.input.version;
    let Some(served) = newest_served(server) else { return Vec::new() };
    let custom: Vec<String> = context.objects().map(Object::title).collect();
    let mut findings = Vec::new();
    for object in written(context) {
        let version = object.location().api_version;
        let Some(removed_in) = version.removed_in() else { continue };
        let is_gone = server.is_some_and(|server| server >= removed_in);
        // A version that the server still serves is fine for the server's own objects, and if there is no newer one.
        if !is_gone && (version == served || !custom.contains(&object.title())) {
            continue;
        }
        let words = Words {
            message: format!("{} was removed in Kubernetes {removed_in}", version.name()),
            effect: if is_gone {
                "this server no longer serves the version and rejects the object".into()
            } else {
                "a server of that version or later rejects the object".into()
            },
            fix: rewritten(object, served),
        };
        let severity = if is_gone { LintSeverity::Error } else { LintSeverity::Warning };
        findings.push(REMOVED.finding(severity, object, "apiVersion", words));
    }
    findings
}

fn too_new(context: &Context<'_>) -> Vec<LintFinding> {
    let Some(server) = context.input.version else { return Vec::new() };
    let served = newest_served(Some(server));
    let mut findings = Vec::new();
    for object in written(context) {
        let version = object.location().api_version;
        let since = since(version);
        if server >= since {
            continue;
        }
        let words = Words {
            message: format!("{} was introduced in Kubernetes {since}", version.name()),
            effect: format!("this server is {server} and rejects the object"),
            fix: served.map_or_else(
                || "remove the object: this server has no API Priority and Fairness".into(),
                |served| rewritten(object, served),
            ),
        };
        findings.push(TOO_NEW.finding(LintSeverity::Error, object, "apiVersion", words));
    }
    findings
}

/// The newest version that a server serves; v1 if the server's version is unknown.
fn newest_served(server: Option<Version>) -> Option<ApiVersion> {
    let is_served = |version: &ApiVersion| server.is_none_or(|server| since(*version) <= server);
    ApiVersion::ALL.into_iter().rev().find(is_served)
}

/// How to write an object in another version so that it means the same.
fn rewritten(object: Object<'_>, to: ApiVersion) -> String {
    let version = format!("write flowcontrol.apiserver.k8s.io/{}", to.name());
    match object {
        Object::Level(level) if !level.is_exempt() => version + &shares_rewritten(level, to),
        _ => version,
    }
}

/// How to write the shares of a Limited level in another version. 0 means none in v1, and the default in older
/// versions, except in v1beta3 with an annotation since 1.29 (`pkg/apis/flowcontrol/v1beta3/defaults.go`).
fn shares_rewritten(level: &PriorityLevel, to: ApiVersion) -> String {
    let (from, name) = (shares_field(level.location.api_version), shares_field(to));
    let shares = level.nominal_concurrency_shares();
    let is_v1 = to == ApiVersion::V1;
    if is_v1 && level.location.has_zero_for_default {
        return format!(", and {name}: 30, which is what 0 means in this version; in v1, 0 means no shares");
    }
    if is_v1 && preserves_zero(&level.location) {
        return format!(" without the annotation {PRESERVE_ZERO}, and {name}: {shares}, which v1 takes literally");
    }
    if !is_v1 && shares == 0 {
        return format!(", and {name}: 1, the smallest share: this server reads 0 as the default of 30");
    }
    if from == name { String::new() } else { format!(", and rename {from} to {name}") }
}

/// The objects of the change that are from a file, including unchanged ones of the server itself: it rejects any object
/// in a version that it does not serve.
fn written<'i>(context: &Context<'i>) -> impl Iterator<Item = Object<'i>> {
    let change = context.input.change;
    let schemas = change.flow_schemas.iter().map(Object::Schema);
    let objects = schemas.chain(change.priority_levels.iter().map(Object::Level));
    objects.filter(|object| !object.location().lines.is_empty())
}

/// The first Kubernetes version that serves it (`prerelease-lifecycle` tags of `api/flowcontrol/*/types.go`).
const fn since(version: ApiVersion) -> Version {
    match version {
        ApiVersion::V1Alpha1 => Version::new(1, 18),
        ApiVersion::V1Beta1 => Version::new(1, 20),
        ApiVersion::V1Beta2 => Version::new(1, 23),
        ApiVersion::V1Beta3 => Version::new(1, 26),
        ApiVersion::V1 => Version::new(1, 29),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, level_with_queues, lint_on, schema};
    use super::*;

    #[test]
    fn a_version_is_served_from_one_release_to_another() {
        let v1 = level("small", "nominalConcurrencyShares: 30");
        let found = |server: Option<Version>, version: &str| {
            let text = v1.replace("k8s.io/v1", &format!("k8s.io/{version}"));
            let text = if version == "v1beta2" { text.replace("nominal", "assured") } else { text };
            let findings = lint_on(server, &text);
            let finding = findings.iter().find(|finding| [REMOVED.name, TOO_NEW.name].contains(&finding.rule));
            finding.map(|finding| (finding.rule, finding.severity, finding.line))
        };
        let first = Some(2);
        assert_eq!(found(Some(Version::new(1, 36)), "v1beta2"), Some((REMOVED.name, LintSeverity::Error, first)));
        assert_eq!(found(Some(Version::new(1, 29)), "v1beta2"), Some((REMOVED.name, LintSeverity::Error, first)));
        assert_eq!(found(Some(Version::new(1, 28)), "v1beta2"), Some((REMOVED.name, LintSeverity::Warning, first)));
        assert_eq!(found(None, "v1beta3"), Some((REMOVED.name, LintSeverity::Warning, first)));
        assert_eq!(found(Some(Version::new(1, 36)), "v1"), None);
        assert_eq!(found(Some(Version::new(1, 28)), "v1"), Some((TOO_NEW.name, LintSeverity::Error, first)));
        assert_eq!(found(Some(Version::new(1, 28)), "v1beta3"), None, "there is no later one on that server");
    }

    /// The fix of the first finding about the version.
    fn fix(server: Version, text: &str) -> Option<String> {
        let mut findings = lint_on(Some(server), text).into_iter();
        let finding = findings.find(|finding| [REMOVED.name, TOO_NEW.name].contains(&finding.rule))?;
        Some(finding.fix.replace("flowcontrol.apiserver.k8s.io/", ""))
    }

    #[test]
    fn another_version_has_to_mean_the_same() {
        let of = |version: &str, shares: &str| level("x", shares).replace("k8s.io/v1", &format!("k8s.io/{version}"));
        let annotated = |text: &str| {
            let annotations = "annotations: {flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares: ''}";
            text.replace("{name: x}", &format!("{{name: x, {annotations}}}"))
        };
        let zero = of("v1beta3", "nominalConcurrencyShares: 0");
        for (server, text, expected) in [
            (Version::new(1, 36), of("v1beta3", "nominalConcurrencyShares: 30"), "write v1"),
            (Version::new(1, 36), of("v1beta3", "lendablePercent: 0"), "write v1"),
            (
                Version::new(1, 36),
                zero.clone(),
                "write v1, and nominalConcurrencyShares: 30, which is what 0 means in this version; in v1, 0 means no shares",
            ),
            (
                Version::new(1, 36),
                annotated(&zero),
                "write v1 without the annotation flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares, and \
                 nominalConcurrencyShares: 0, which v1 takes literally",
            ),
            (
                Version::new(1, 36),
                of("v1beta2", "assuredConcurrencyShares: 5"),
                "write v1, and rename assuredConcurrencyShares to nominalConcurrencyShares",
            ),
            (
                Version::new(1, 28),
                of("v1beta2", "assuredConcurrencyShares: 0"),
                "write v1beta3, and rename assuredConcurrencyShares to nominalConcurrencyShares",
            ),
            (
                Version::new(1, 28),
                of("v1", "nominalConcurrencyShares: 0"),
                "write v1beta3, and nominalConcurrencyShares: 1, the smallest share: this server reads 0 as the default \
                 of 30",
            ),
            (
                Version::new(1, 25),
                of("v1", "nominalConcurrencyShares: 5"),
                "write v1beta2, and rename nominalConcurrencyShares to assuredConcurrencyShares",
            ),
        ] {
            assert_eq!(fix(server, &text).as_deref(), Some(expected), "{server:?} {text}");
        }
    }

    /// Other rules skip the server's own objects.
    #[test]
    fn the_servers_own_objects_need_a_served_version_too() {
        let own = level_with_queues("workload-low", 128, 6)
            .replace("nominalConcurrencyShares: 30", "nominalConcurrencyShares: 100, lendablePercent: 90");
        let both = schema("s", "workload-low", "matchingPrecedence: 8000", "get pods") + &own;
        let found = |server: Version, text: &str| -> Vec<String> {
            let findings = lint_on(Some(server), text).into_iter();
            let of_version = findings.filter(|finding| [REMOVED.name, TOO_NEW.name].contains(&finding.rule));
            of_version.map(|finding| finding.object).collect()
        };
        let expected = ["FlowSchema s", "PriorityLevelConfiguration workload-low"];
        assert_eq!(found(Version::new(1, 28), &both), expected);
        let beta = both.replace("k8s.io/v1", "k8s.io/v1beta3");
        assert_eq!(found(Version::new(1, 32), &beta), expected);
        assert_eq!(
            found(Version::new(1, 31), &beta),
            expected[..1],
            "the server's own objects may be in any version that it serves"
        );
        assert_eq!(found(Version::new(1, 28), &beta), [""; 0]);
    }
}
