//! `apf seats`: the limits table, before and after a change.

use anyhow::{Result, anyhow, bail};

use super::super::flows::{read_manifests, sound};
use super::super::report::{check_format, write};
use super::super::settings::version;
use super::{level_seats, origin_words, version_words};
use crate::apf::{Config, Features, NEWEST_KNOWN, limits, live_config};
use crate::cli::SeatsArgs;
use crate::console::Console;
use crate::report::{LevelSeats, SCHEMA_VERSION, SeatsReport, ServerFacts};

pub(super) fn run(args: &SeatsArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let given = args.kube_version.as_deref();
    let version = given
        .map(|text| version(text).ok_or_else(|| anyhow!("--kube-version {text:?} is not of the form 1.34")))
        .transpose()?
        .unwrap_or(NEWEST_KNOWN);
    let read = match args.config.as_slice() {
        [] => None,
        paths => Some(sound(read_manifests(paths)?, "the files of --config")?),
    };
    let (before, origin) = live_config(read.as_ref(), version);
    let features = Features::of(version);
    let seats = |config: &Config| {
        level_seats(config, &limits(&config.priority_levels, args.server_concurrency, &features), &features)
    };
    let mut priority_levels = seats(&before);
    let is_change = !args.change.is_empty();
    if is_change {
        let change = sound(read_manifests(&args.change)?, "the change")?;
        if change.priority_levels.is_empty() {
            bail!("the change has no PriorityLevelConfiguration, so that no limit changes");
        }
        priority_levels = changed(priority_levels, seats(&before.clone().with(&change)));
    }
    priority_levels.sort_by_key(|level| (std::cmp::Reverse(level.nominal), level.priority_level.clone()));
    let nominal_sum: u32 = priority_levels.iter().map(|level| level.nominal).sum();
    let report = SeatsReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts {
            version: version_words(Some(version)),
            server_concurrency: args.server_concurrency,
            configuration: origin_words(origin).to_owned(),
        },
        priority_levels,
        is_change,
        notes: notes(nominal_sum, args.server_concurrency, &features),
    };
    write(&report, |_| report.page(), &args.output, console)
}

/// The levels after a change, each with what it was before.
fn changed(before: Vec<LevelSeats>, after: Vec<LevelSeats>) -> Vec<LevelSeats> {
    let was = |name: &str| before.iter().find(|level| level.priority_level == name).cloned().map(Box::new);
    after.into_iter().map(|level| LevelSeats { before: was(&level.priority_level), ..level }).collect()
}

fn notes(nominal_sum: u32, server_concurrency: u32, features: &Features) -> Vec<String> {
    let mut notes = vec![
        format!(
            "seats are of each apiserver, {server_concurrency} by its flags; rounding up makes the nominal limits \
             {nominal_sum} in all"
        ),
        "a seat is not a call: a LIST takes several, and shares are relative to all other shares".to_owned(),
    ];
    if features.lends_seats {
        notes.push(
            "idle is what a level has while nobody asks for anything; every 10 s seats go to where they are asked for, \
             never below min and never above max"
                .to_owned(),
        );
    } else {
        notes.push("before 1.26 no seats are lent: each level has its nominal limit".to_owned());
    }
    if !features.exempt_takes_part {
        notes.push("before 1.28 the exempt level has no part in the seats".to_owned());
    }
    notes
}
