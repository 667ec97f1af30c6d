//! `apf explain` of logs: who goes by which FlowSchema, and what that takes of the server's seats.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::super::dimensions::{Dimensions, prepare};
use super::super::flows::Flows;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::report::{check_format, write};
use super::super::settings::Settings;
use super::{level_seats, origin_words, version_words};
use crate::apf::Matcher;
use crate::cli::ExplainArgs;
use crate::console::Console;
use crate::report::{
    ClientUse, ExplainReport, LevelLoad, LevelPeak, LevelSeats, LevelUse, SCHEMA_VERSION, SchemaUse, ServerFacts,
    VerdictCheck, agreement, summary,
};
use crate::tables::{Database, TypedRow};
use crate::units;

pub(super) fn run(args: &ExplainArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let reading = Reading::of(&args.inputs, &args.logs, console)?;
    let (dimensions, rows) = reading.run(measure(&reading.database, &settings))?;
    let tally = reading.tally();
    if tally.events() > 0 {
        let flows = dimensions.flows.as_ref().context("flows were not asked for")?;
        let explained = assemble(args, &settings, &dimensions, flows, rows);
        write(&explained, |zone| explained.page(zone), &args.output, console)?;
    }
    report(&reading.opened, &tally, args.logs.strict, console)
}

/// All rows that the report rests on.
struct Rows {
    loads: Vec<LevelLoad>,
    peaks: Vec<LevelPeak>,
    schemas: Vec<SchemaUse>,
    clients: Vec<ClientUse>,
    checks: Vec<VerdictCheck>,
}

async fn measure(database: &Database, settings: &Settings) -> Result<(Dimensions, Rows)> {
    let wanted =
        [LevelLoad::QUERY, LevelPeak::QUERY, SchemaUse::QUERY, ClientUse::QUERY, VerdictCheck::QUERY].join(" ");
    let dimensions = prepare(database, &wanted, &[], settings).await?;
    let checks = async { if settings.flows.verdicts.is_empty() { Ok(Vec::new()) } else { database.rows().await } };
    let (loads, peaks, schemas, clients, checks) =
        tokio::try_join!(database.rows(), database.rows(), database.rows(), database.rows(), checks)?;
    Ok((dimensions, Rows { loads, peaks, schemas, clients, checks }))
}

fn assemble(
    args: &ExplainArgs,
    settings: &Settings,
    dimensions: &Dimensions,
    flows: &Flows,
    rows: Rows,
) -> ExplainReport {
    let seats = level_seats(&flows.config, &flows.limits, &flows.features);
    let is_configured = |load: &&LevelLoad| seats.iter().any(|seats| seats.priority_level == load.priority_level);
    let only_logged = rows.loads.iter().filter(|load| !is_configured(load)).map(|load| &load.priority_level);
    let mut priority_levels: Vec<LevelUse> =
        seats.iter().map(|seats| level_use(&seats.priority_level, Some(seats), &rows)).collect();
    priority_levels.extend(only_logged.map(|name| level_use(name, None, &rows)));
    let order = |level: &LevelUse| level.load.as_ref().and_then(|load| load.high_seat_secs).unwrap_or(-1.0);
    priority_levels.sort_by(|a, b| order(b).total_cmp(&order(a)).then_with(|| a.priority_level.cmp(&b.priority_level)));
    let mut notes = notes(settings, dimensions, flows, &rows);
    notes.extend(beyond_their_limits(&priority_levels));
    let shown = if args.top == 0 { rows.clients.len() } else { args.top };
    let has_verdicts = !settings.flows.verdicts.is_empty();
    ExplainReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts {
            version: version_words(dimensions.server.version),
            server_concurrency: settings.flows.server_concurrency,
            configuration: origin_words(flows.origin).to_owned(),
        },
        summary: summary(&priority_levels, &rows.clients),
        priority_levels,
        flow_schemas: rows.schemas,
        omitted_clients: rows.clients.len().saturating_sub(shown),
        clients: rows.clients.into_iter().take(shown).collect(),
        agreement: has_verdicts.then(|| agreement(&rows.checks)),
        notes,
    }
}

fn level_use(name: &str, seats: Option<&LevelSeats>, rows: &Rows) -> LevelUse {
    let clients: BTreeSet<&str> = rows
        .clients
        .iter()
        .filter(|client| client.priority_level == name)
        .map(|client| client.client.as_str())
        .collect();
    let of_level = rows.peaks.iter().filter(|peak| peak.priority_level == name);
    let peak = of_level.max_by_key(|peak| (peak.peak_high_seats, peak.peak_low_seats));
    LevelUse {
        priority_level: name.to_owned(),
        is_exempt: seats.is_some_and(|seats| seats.is_exempt),
        nominal_seats: seats.map(|seats| seats.nominal),
        min_seats: seats.map(|seats| seats.min),
        max_seats: seats.map(|seats| seats.max),
        idle_seats: seats.and_then(|seats| seats.idle),
        max_seats_per_request: seats.map(|seats| seats.max_seats_per_request),
        client_count: clients.len(),
        load: rows.loads.iter().find(|load| load.priority_level == name).cloned(),
        peak_seats: peak.map(|peak| {
            // Nothing takes more than the level can have, so that an estimate above it is only a wide one.
            let limit = seats.filter(|seats| !seats.is_exempt).map_or(u64::MAX, |seats| seats.max.into());
            (peak.peak_low_seats, peak.peak_high_seats.min(limit.max(peak.peak_low_seats)))
        }),
        peak_apiserver: peak.and_then(|peak| peak.apiserver.clone()),
    }
}

/// Levels with more seats in use than they can have aren't what they were taken to be; `None` if there are none.
fn beyond_their_limits(levels: &[LevelUse]) -> Option<String> {
    let beyond = levels.iter().filter(|level| !level.is_exempt).filter_map(|level| {
        let (least, limit) = (level.peak_seats?.0, u64::from(level.max_seats?));
        (least > limit).then(|| format!("{} {} of {}", level.priority_level, units::count(least), units::count(limit)))
    });
    let beyond: Vec<String> = beyond.collect();
    (!beyond.is_empty()).then(|| {
        format!(
            "more seats in use than a level can have: {}; --config or --server-concurrency isn't that of this server, or \
             requests waited without the log saying so",
            beyond.join(", ")
        )
    })
}

/// What the numbers rest on, and what the log can't tell.
fn notes(settings: &Settings, dimensions: &Dimensions, flows: &Flows, rows: &Rows) -> Vec<String> {
    let mut notes = Vec::new();
    if settings.flows.config.is_none() {
        notes.push(
            "a real cluster mostly has FlowSchemas of its own: give them with --config, from kubectl get \
             flowschemas,prioritylevelconfigurations -o yaml"
                .to_owned(),
        );
    }
    notes.extend(config_notes(flows, rows));
    if dimensions.server.version.is_none() {
        let newest = version_words(Some(crate::apf::NEWEST_KNOWN)).unwrap_or_default();
        notes
            .push(format!("the server's version is not known; seats are counted as {newest} does, see --kube-version"));
    }
    if settings.metrics.is_empty() && settings.given.is_empty() {
        notes.push(
            "the seats of a list follow from object counts that no audit log has; from the log they are known within wide \
             bounds only, see --metrics and --resource"
                .to_owned(),
        );
    }
    let endless: u64 = rows.loads.iter().map(|load| load.endless_count).sum();
    if endless > 0 {
        notes.push(format!(
            "requests that have no end in the log, or are watches whose start it doesn't say: {}; they add no seat-seconds",
            units::count(endless)
        ));
    }
    notes.push(
        "waits are logged for requests over 0.5 s, and never for watches, which count in the high numbers only"
            .to_owned(),
    );
    if !settings.flows.server_concurrency_is_given {
        notes.push(format!(
            "{} seats are the default of --max-requests-inflight and --max-mutating-requests-inflight; see \
             --server-concurrency",
            settings.flows.server_concurrency
        ));
    }
    if flows.features.charges_watched_writes {
        notes.push(
            "writes hold seats for the watches that they wake, here for those open on average, and not for those of one \
             object by its name"
                .to_owned(),
        );
    }
    notes
}

/// Where the configuration and the requests don't go together.
fn config_notes(flows: &Flows, rows: &Rows) -> Vec<String> {
    let mut notes = Vec::new();
    let is_unknown = |load: &&LevelLoad| flows.config.priority_level(&load.priority_level).is_none();
    let unknown: Vec<&str> = rows.loads.iter().filter(is_unknown).map(|load| load.priority_level.as_str()).collect();
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        notes.push(format!(
            "the server's log has priority levels that the configuration lacks, so give it with --config: {names}"
        ));
    }
    notes.extend(Matcher::new(&flows.config).dangling().iter().map(|schema| {
        let (name, level) = (&schema.name, &schema.priority_level);
        format!("FlowSchema {name} isn't asked, since its priority level {level} doesn't exist")
    }));
    let digests = flows.digests.iter().map(|(_, digest)| digest);
    let without_groups = digests.filter(|digest| !digest.user.is_empty() && digest.groups.is_empty());
    let users: BTreeSet<&str> = without_groups.map(|digest| digest.user.as_str()).collect();
    if !users.is_empty() {
        notes.push(format!(
            "users without groups in the log, though every server gives them some: {}; where groups decide, they go to \
             catch-all here",
            units::count(users.len() as u64)
        ));
    }
    notes
}
