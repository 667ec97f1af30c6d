//! What a server has, given what was read of it: nobody can do without the mandatory objects, and a file may hold but a
//! few objects of many.

use super::config::Config;
use super::defaults::{default_config, is_mandatory, is_suggested};

/// How a server's configuration came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is that of a fresh cluster of the version.
    Default,
    /// It was read, suggested objects included.
    Read,
    /// What was read had none of the suggested objects, so it lies over those of a fresh cluster.
    ReadOverDefault,
}

/// The configuration of a server of that version, given the objects that were read of it. Where one of the suggested
/// objects is among them they are taken for all that there is, and only mandatory ones are added.
pub fn live_config(read: Option<&Config>, version: (u32, u32)) -> (Config, Origin) {
    let default = default_config(version);
    let Some(read) = read else {
        return (default, Origin::Default);
    };
    let is_dump = read.flow_schemas.iter().any(|schema| is_suggested(&schema.name))
        || read.priority_levels.iter().any(|level| is_suggested(&level.name));
    let (mut below, origin) = (default, if is_dump { Origin::Read } else { Origin::ReadOverDefault });
    if is_dump {
        below.flow_schemas.retain(|schema| is_mandatory(&schema.name));
        below.priority_levels.retain(|level| is_mandatory(&level.name));
    }
    (below.with(read), origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(config: &Config) -> Vec<&str> {
        config.flow_schemas.iter().map(|schema| schema.name.as_str()).collect()
    }

    #[test]
    fn a_dump_is_all_there_is_but_for_the_mandatory_objects() {
        let mut dump = default_config((1, 36));
        dump.flow_schemas.retain(|schema| schema.name == "global-default");
        dump.priority_levels.retain(|level| level.name == "global-default");
        let (config, origin) = live_config(Some(&dump), (1, 36));
        assert_eq!((names(&config), origin), (vec!["exempt", "catch-all", "global-default"], Origin::Read));
        assert_eq!(config.priority_levels.len(), 3);
    }

    #[test]
    fn a_few_own_objects_lie_over_the_suggested_ones() {
        let default = default_config((1, 36));
        let mut own = default.clone();
        own.flow_schemas.truncate(1);
        own.flow_schemas[0].name = "own".into();
        own.priority_levels.clear();
        let (config, origin) = live_config(Some(&own), (1, 36));
        assert_eq!(config.flow_schemas.len(), default.flow_schemas.len() + 1);
        assert_eq!(origin, Origin::ReadOverDefault);
        assert_eq!(live_config(None, (1, 36)), (default, Origin::Default));
    }
}
