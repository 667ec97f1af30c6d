//! The objects that API servers create: the mandatory and suggested ones of each Kubernetes version, and what
//! distributions add.
//!
//! They are listed in `defaults.yaml` with their sources.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Config, LevelKind, Manifest, ObjectLocation};
use crate::kubernetes::Version;

/// The oldest Kubernetes version whose default objects are known.
pub const OLDEST_KNOWN: Version = Version::new(1, 24);
/// The newest Kubernetes version whose default objects are known.
pub const NEWEST_KNOWN: Version = Version::new(1, 37);

/// The first version in which seats can be lent.
const LENDING_SINCE: Version = Version::new(1, 26);

/// The objects that a kube-apiserver of that version creates and maintains. An unknown version counts as the nearest
/// known one.
///
/// They have no location, and are all marked as maintained by the server.
pub fn default_config(version: Version) -> Config {
    let version = version.clamp(OLDEST_KNOWN, NEWEST_KNOWN);
    let mut config = of_version(&BUILT_IN.kubernetes, version);
    for schema in &mut config.flow_schemas {
        schema.is_autoupdated = Some(true);
    }
    for level in &mut config.priority_levels {
        level.is_autoupdated = Some(true);
    }
    config
}

/// The objects that a distribution adds to those of Kubernetes, as far as they are published. They differ between its
/// versions: prefer objects read from a cluster.
pub fn distribution_config(distribution: Distribution) -> Config {
    match distribution {
        Distribution::OpenShift => of_version(&BUILT_IN.openshift, NEWEST_KNOWN),
        Distribution::Eks => Config::default(),
    }
}

/// Objects of a distribution of which only this is known.
pub fn known_by_name(distribution: Distribution) -> impl Iterator<Item = &'static KnownByName> {
    BUILT_IN.known_by_name.iter().filter(move |known| known.distribution == distribution)
}

/// Whether the server always has a FlowSchema and a priority level of that name and rejects changes to them
/// (`pkg/apis/flowcontrol/bootstrap/default.go`). Shares and lending of the level `exempt` can be changed.
pub fn is_mandatory(name: &str) -> bool {
    matches!(name, "exempt" | "catch-all")
}

/// Whether any version of the server creates a FlowSchema or priority level of that name that is not mandatory. It can
/// be changed if the server is told to leave it alone.
pub fn is_suggested(name: &str) -> bool {
    let is_named = |entry: &Entry| entry.object.pointer("/metadata/name").and_then(|name| name.as_str()) == Some(name);
    !is_mandatory(name) && BUILT_IN.kubernetes.iter().any(is_named)
}

/// A distribution of Kubernetes that adds its own objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Distribution {
    /// Red Hat OpenShift 4.
    OpenShift,
    /// Amazon Elastic Kubernetes Service.
    #[serde(rename = "EKS")]
    Eks,
}

impl Distribution {
    /// All distributions.
    pub const ALL: [Self; 2] = [Self::OpenShift, Self::Eks];

    /// The distribution's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenShift => "OpenShift",
            Self::Eks => "EKS",
        }
    }
}

/// An object of which only the name is published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownByName {
    /// The distribution that has it.
    pub distribution: Distribution,
    /// `FlowSchema` or `PriorityLevelConfiguration`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The priority level of a FlowSchema; `None` if unknown.
    pub priority_level: Option<String>,
    /// The `matchingPrecedence` of a FlowSchema; `None` if unknown.
    pub matching_precedence: Option<i32>,
}

/// The contents of `defaults.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    kubernetes: Vec<Entry>,
    openshift: Vec<Entry>,
    known_by_name: Vec<KnownByName>,
}

/// An object, and the versions that have it, both ends included.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    since: Option<Version>,
    #[serde(default)]
    until: Option<Version>,
    object: serde_json::Value,
}

impl Entry {
    fn is_in(&self, version: Version) -> bool {
        self.since.is_none_or(|since| since <= version) && self.until.is_none_or(|until| version <= until)
    }
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| match serde_saphyr::from_str(include_str!("defaults.yaml")) {
    Ok(built_in) => built_in,
    Err(error) => unreachable!("the built-in objects are checked by a test: {error}"),
});

fn of_version(entries: &[Entry], version: Version) -> Config {
    let objects = entries.iter().filter(|entry| entry.is_in(version)).map(|entry| entry.object.clone());
    let manifest = Manifest::read(&serde_json::Value::from_iter(objects).to_string(), None);
    assert!(manifest.problems.is_empty(), "the built-in objects are checked by a test: {:?}", manifest.problems);
    let mut config = manifest.config;
    for schema in &mut config.flow_schemas {
        schema.location = ObjectLocation::default();
    }
    for level in &mut config.priority_levels {
        level.location = ObjectLocation::default();
        if version < LENDING_SINCE {
            let (LevelKind::Limited { lendable_percent, .. } | LevelKind::Exempt { lendable_percent, .. }) =
                &mut level.kind;
            *lendable_percent = 0;
        }
    }
    config
}

#[cfg(test)]
mod tests {
    use super::super::{DistinguisherMethod, LimitResponse, Queuing, Subject};
    use super::*;

    fn versions() -> impl Iterator<Item = Version> {
        (OLDEST_KNOWN.minor..=NEWEST_KNOWN.minor).map(|minor| Version::new(1, minor))
    }

    fn schemas(version: Version) -> Vec<(i32, String, String)> {
        let schemas = default_config(version).flow_schemas.into_iter();
        schemas.map(|schema| (schema.matching_precedence, schema.name, schema.priority_level)).collect()
    }

    fn level(version: Version, name: &str) -> LevelKind {
        default_config(version).priority_level(name).unwrap().kind
    }

    const fn queueing(shares: i32, lendable_percent: i32, queues: i32, hand_size: i32) -> LevelKind {
        LevelKind::Limited {
            nominal_concurrency_shares: shares,
            lendable_percent,
            borrowing_limit_percent: None,
            limit_response: LimitResponse::Queue(Queuing { queues, hand_size, queue_length_limit: 50 }),
        }
    }

    #[test]
    fn the_levels_are_those_of_the_newest_version() {
        let exempt = LevelKind::Exempt { nominal_concurrency_shares: 0, lendable_percent: 0 };
        let catch_all = LevelKind::Limited {
            nominal_concurrency_shares: 5,
            lendable_percent: 0,
            borrowing_limit_percent: None,
            limit_response: LimitResponse::Reject,
        };
        for (name, expected) in [
            ("exempt", exempt),
            ("catch-all", catch_all),
            ("system", queueing(30, 33, 64, 6)),
            ("node-high", queueing(40, 25, 64, 6)),
            ("leader-election", queueing(10, 0, 16, 4)),
            ("workload-high", queueing(40, 50, 128, 6)),
            ("workload-low", queueing(100, 90, 128, 6)),
            ("global-default", queueing(20, 50, 128, 6)),
        ] {
            assert_eq!(level(NEWEST_KNOWN, name), expected, "{name}");
        }
        let levels = default_config(NEWEST_KNOWN).priority_levels;
        assert_eq!(levels.len(), 8);
        assert_eq!(levels.iter().map(|level| level.nominal_concurrency_shares()).sum::<i32>(), 245);
    }

    #[test]
    fn the_schemas_are_those_of_the_newest_version() {
        let expected = [
            (1, "exempt", "exempt"),
            (2, "probes", "exempt"),
            (100, "system-leader-election", "leader-election"),
            (400, "system-node-high", "node-high"),
            (500, "system-nodes", "system"),
            (800, "kube-controller-manager", "workload-high"),
            (800, "kube-scheduler", "workload-high"),
            (900, "kube-system-service-accounts", "workload-high"),
            (9000, "service-accounts", "workload-low"),
            (9900, "global-default", "global-default"),
            (10000, "catch-all", "catch-all"),
        ];
        let expected: Vec<_> =
            expected.map(|(precedence, name, level)| (precedence, name.to_owned(), level.to_owned())).into();
        assert_eq!(schemas(NEWEST_KNOWN), expected);
        let config = default_config(NEWEST_KNOWN);
        let probes = config.flow_schema("probes").unwrap();
        assert_eq!(probes.distinguisher_method, None);
        assert_eq!(probes.rules[0].subjects[0], Subject::Group("system:unauthenticated".to_owned()));
        assert_eq!(probes.rules[0].non_resource_rules[0].non_resource_urls, ["/healthz", "/readyz", "/livez"]);
        let scheduler = config.flow_schema("kube-scheduler").unwrap();
        assert_eq!(scheduler.distinguisher_method, Some(DistinguisherMethod::ByNamespace));
        let leases = &config.flow_schema("system-leader-election").unwrap().rules[0].resource_rules[0];
        assert_eq!(
            (leases.cluster_scope, leases.verbs.as_slice()),
            (false, ["get", "create", "update"].map(str::to_owned).as_slice())
        );
    }

    #[test]
    fn older_versions_have_what_they_had() {
        for version in versions() {
            let schemas = schemas(version);
            let has = |name: &str| schemas.iter().any(|(_, schema, _)| schema == name);
            assert_eq!(has("endpoint-controller"), version <= Version::new(1, 33), "{version:?}");
            assert_eq!(has("workload-leader-election"), version <= Version::new(1, 33), "{version:?}");
            let lendable = if version < Version::new(1, 26) { 0 } else { 90 };
            assert_eq!(level(version, "workload-low"), queueing(100, lendable, 128, 6), "{version:?}");
        }
        assert_eq!(default_config(Version::new(1, 20)), default_config(OLDEST_KNOWN));
        assert_eq!(default_config(Version::new(1, 99)), default_config(NEWEST_KNOWN));
        assert_eq!(default_config(Version::new(2, 0)), default_config(NEWEST_KNOWN));
    }

    #[test]
    fn the_built_in_objects_have_no_place_and_a_level_each() {
        for version in versions() {
            let config = default_config(version);
            for schema in &config.flow_schemas {
                assert_eq!(
                    (schema.is_autoupdated, &schema.location),
                    (Some(true), &ObjectLocation::default()),
                    "{}",
                    schema.name
                );
                assert!(config.priority_level(&schema.priority_level).is_some(), "{version:?} {}", schema.name);
                assert!(is_mandatory(&schema.name) != is_suggested(&schema.name), "{}", schema.name);
            }
            assert!(config.priority_levels.iter().all(|level| level.is_autoupdated == Some(true)));
        }
        assert!(!is_suggested("openshift-apiserver") && !is_suggested("") && is_suggested("workload-low"));
    }

    #[test]
    fn a_distribution_needs_no_more_than_kubernetes_has() {
        for distribution in Distribution::ALL {
            let own = distribution_config(distribution);
            let all = default_config(NEWEST_KNOWN).with(&own);
            for schema in &own.flow_schemas {
                assert!(all.priority_level(&schema.priority_level).is_some(), "{}", schema.name);
                assert_eq!(schema.is_autoupdated, None);
            }
        }
        let openshift = distribution_config(Distribution::OpenShift);
        assert_eq!(openshift.priority_levels[0].kind, queueing(10, 33, 128, 6));
        assert_eq!(openshift.flow_schemas.len(), 12);
        let eks: Vec<_> = known_by_name(Distribution::Eks).map(|known| known.name.as_str()).collect();
        assert_eq!(eks[..2], ["eks-exempt", "eks-workload-high"]);
    }
}
