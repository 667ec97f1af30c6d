//! API versions that the server doesn't serve: those of the past, and those that come after it.

use super::super::ApiVersion;
use super::context::Context;
use super::shares_read_as_calls::shares_path;
use super::{LintFinding, LintInput, LintRule, LintSeverity, Object, PriorityLevel, Words};

pub(super) const REMOVED: LintRule = LintRule {
    name: "removed-api-version",
    reason: "The alpha and beta versions of flowcontrol.apiserver.k8s.io are gone, the last of them since Kubernetes 1.32: the \
             server answers 404 to an object written in one.",
    check: removed,
};

pub(super) const TOO_NEW: LintRule = LintRule {
    name: "api-version-too-new",
    reason: "A server knows no API version later than itself: v1 of flowcontrol.apiserver.k8s.io came with Kubernetes 1.29.",
    check: too_new,
};

fn removed(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for object in written(context) {
        let version = object.place().api_version;
        let Some(removed_in) = version.removed_in() else { continue };
        let is_gone = context.input.version.is_some_and(|server| server >= removed_in);
        let words = Words {
            message: format!("{} is not served since Kubernetes {}.{}", version.name(), removed_in.0, removed_in.1),
            effect: if is_gone {
                "this server has no such version and refuses the object".into()
            } else {
                "a server of that version or later refuses the object".into()
            },
            fix: match (object, version) {
                (Object::Level(level), _) if writes_zero_shares(level) => {
                    "write flowcontrol.apiserver.k8s.io/v1, and nominalConcurrencyShares: 30, which 0 stands for here too, but \
                     not in v1, where it is no share at all"
                }
                (Object::Level(_), ApiVersion::V1Alpha1 | ApiVersion::V1Beta1 | ApiVersion::V1Beta2) => {
                    "write flowcontrol.apiserver.k8s.io/v1, where assuredConcurrencyShares is nominalConcurrencyShares"
                }
                _ => "write flowcontrol.apiserver.k8s.io/v1",
            }
            .into(),
        };
        let severity = if is_gone { LintSeverity::Error } else { LintSeverity::Warning };
        findings.push(REMOVED.finding(severity, object, "apiVersion", words));
    }
    findings
}

fn too_new(context: &Context<'_>) -> Vec<LintFinding> {
    let Some(server) = context.input.version else { return Vec::new() };
    let mut findings = Vec::new();
    let LintInput { change, .. } = *context.input;
    let schemas = change.flow_schemas.iter().map(Object::Schema);
    let objects = schemas.chain(change.priority_levels.iter().map(Object::Level));
    for object in objects.filter(|object| !object.place().lines.is_empty()) {
        let version = object.place().api_version;
        let since = since(version);
        if server >= since {
            continue;
        }
        let words = Words {
            message: format!("{} is served since Kubernetes {}.{}", version.name(), since.0, since.1),
            effect: format!("this server is {}.{} and refuses the object", server.0, server.1),
            fix: match ApiVersion::ALL.into_iter().rev().find(|served| self::since(*served) <= server) {
                Some(served) if is_jail(object) => format!(
                    "write flowcontrol.apiserver.k8s.io/{}; 0 shares are 30 there, so that it can be no jail",
                    served.name()
                ),
                Some(served) => format!("write flowcontrol.apiserver.k8s.io/{}", served.name()),
                None => "leave it out: this server has no API Priority and Fairness".into(),
            },
        };
        findings.push(TOO_NEW.finding(LintSeverity::Error, object, "apiVersion", words));
    }
    findings
}

/// Whether a level of a beta version may have its 30 shares from writing 0.
fn writes_zero_shares(level: &PriorityLevel) -> bool {
    level.nominal_concurrency_shares() == 30 && level.place.has(&shares_path(level))
}

/// Whether it is a level without shares.
fn is_jail(object: Object<'_>) -> bool {
    matches!(object, Object::Level(level) if !level.is_exempt() && level.nominal_concurrency_shares() == 0)
}

/// The objects of the change that are from a file.
fn written<'c>(context: &'c Context<'_>) -> impl Iterator<Item = Object<'c>> {
    context.objects().filter(|object| !object.place().lines.is_empty())
}

/// The first Kubernetes version that serves it (`prerelease-lifecycle` tags of `api/flowcontrol/*/types.go`).
const fn since(version: ApiVersion) -> (u32, u32) {
    match version {
        ApiVersion::V1Alpha1 => (1, 18),
        ApiVersion::V1Beta1 => (1, 20),
        ApiVersion::V1Beta2 => (1, 23),
        ApiVersion::V1Beta3 => (1, 26),
        ApiVersion::V1 => (1, 29),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_on};
    use super::*;

    #[test]
    fn a_version_is_served_from_one_release_to_another() {
        let v1 = level("small", "nominalConcurrencyShares: 30");
        let found = |server: Option<(u32, u32)>, version: &str| {
            let text = v1.replace("k8s.io/v1", &format!("k8s.io/{version}"));
            let text = if version == "v1beta2" { text.replace("nominal", "assured") } else { text };
            let findings = lint_on(server, &text);
            let finding = findings.iter().find(|finding| [REMOVED.name, TOO_NEW.name].contains(&finding.rule));
            finding.map(|finding| (finding.rule, finding.severity, finding.line))
        };
        let first = Some(2);
        assert_eq!(found(Some((1, 36)), "v1beta2"), Some((REMOVED.name, LintSeverity::Error, first)));
        assert_eq!(found(Some((1, 29)), "v1beta2"), Some((REMOVED.name, LintSeverity::Error, first)));
        assert_eq!(found(Some((1, 28)), "v1beta2"), Some((REMOVED.name, LintSeverity::Warning, first)));
        assert_eq!(found(None, "v1beta3"), Some((REMOVED.name, LintSeverity::Warning, first)));
        assert_eq!(found(Some((1, 36)), "v1"), None);
        assert_eq!(found(Some((1, 28)), "v1"), Some((TOO_NEW.name, LintSeverity::Error, first)));
    }
}
