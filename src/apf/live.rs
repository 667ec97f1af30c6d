//! A server's configuration, completed from what was read of it: every server has the mandatory objects, and a file may
//! contain only some of the objects.

use serde::Serialize;

use super::config::Config;
use super::defaults::default_config;
use crate::kubernetes::Version;

/// Where a server's configuration comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigOrigin {
    /// The defaults of a fresh cluster of the version.
    Default,
    /// All of it was read.
    Read,
    /// Some objects were read and replace those of a fresh cluster.
    ReadOverDefault,
}

/// Completes what was read of a server of that version. A full dump contains the mandatory objects: if both of a kind
/// were read, nothing else of that kind exists.
pub fn live_config(read: Option<&Config>, version: Version) -> (Config, ConfigOrigin) {
    let mut below = default_config(version);
    let Some(read) = read else {
        return (below, ConfigOrigin::Default);
    };
    let has_all = |has: &dyn Fn(&str) -> bool| MANDATORY.iter().all(|name| has(name));
    let are_all_schemas = has_all(&|name| read.flow_schema(name).is_some());
    let are_all_levels = has_all(&|name| read.priority_level(name).is_some());
    if are_all_schemas {
        below.flow_schemas.clear();
    }
    if are_all_levels {
        below.priority_levels.clear();
    }
    let origin = if are_all_schemas && are_all_levels { ConfigOrigin::Read } else { ConfigOrigin::ReadOverDefault };
    (below.with(read), origin)
}

/// The names of the mandatory objects of each kind, which a server always restores.
const MANDATORY: [&str; 2] = ["exempt", "catch-all"];

#[cfg(test)]
mod tests {
    use super::*;

    fn names(config: &Config) -> Vec<&str> {
        config.flow_schemas.iter().map(|schema| schema.name.as_str()).collect()
    }

    fn some(names: &[&str]) -> Config {
        let mut config = default_config(Version::new(1, 36));
        config.flow_schemas.retain(|schema| names.contains(&schema.name.as_str()));
        config.priority_levels.retain(|level| names.contains(&level.name.as_str()));
        config
    }

    #[test]
    fn a_dump_is_all_there_is() {
        let (config, origin) =
            live_config(Some(&some(&["exempt", "catch-all", "global-default"])), Version::new(1, 36));
        assert_eq!((names(&config), origin), (vec!["exempt", "global-default", "catch-all"], ConfigOrigin::Read));
        assert_eq!(config.priority_levels.len(), 3);
    }

    #[test]
    fn a_dump_of_one_kind_says_nothing_of_the_other() {
        let dump = Config { priority_levels: Vec::new(), ..some(&["exempt", "catch-all", "service-accounts"]) };
        let (config, origin) = live_config(Some(&dump), Version::new(1, 36));
        assert_eq!((config.flow_schemas.len(), origin), (3, ConfigOrigin::ReadOverDefault));
        assert_eq!(config.priority_levels.len(), 8);
    }

    #[test]
    fn single_objects_lie_over_those_of_a_fresh_cluster() {
        let default = default_config(Version::new(1, 36));
        let mut edited = some(&["workload-low"]);
        edited.priority_levels[0].is_autoupdated = Some(false);
        let (config, origin) = live_config(Some(&edited), Version::new(1, 36));
        assert_eq!((config.priority_levels.len(), config.flow_schemas.len()), (8, default.flow_schemas.len()));
        assert_eq!(config.priority_level("workload-low").and_then(|level| level.is_autoupdated), Some(false));
        assert_eq!(origin, ConfigOrigin::ReadOverDefault);
        assert_eq!(live_config(None, Version::new(1, 36)), (default, ConfigOrigin::Default));
    }
}
