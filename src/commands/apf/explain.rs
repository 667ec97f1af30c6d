//! `apf explain` of logs: who goes by which FlowSchema, and what that takes of the server's seats.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::super::dimensions::{Dimensions, prepare};
use super::super::flows::Flows;
use super::super::logs::{open, report};
use super::super::settings::Settings;
use super::super::{Interrupted, show_report};
use super::{level_seats, origin_words, version_words};
use crate::audit::Micros;
use crate::cli::ExplainArgs;
use crate::console::Console;
use crate::report::{
    ClientUse, ExplainReport, LevelLoad, LevelPeak, LevelSeats, LevelUse, SCHEMA_VERSION, SchemaUse, ServerFacts,
    VerdictCheck, agreement,
};
use crate::tables::{Database, QuerySet, TypedRow};

pub(super) fn run(args: &ExplainArgs, console: Console) -> Result<()> {
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let opened = open(&args.inputs, &args.logs, console)?;
    let database = Database::new(&opened.logs, QuerySet::load(None)?, usize::MAX)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (dimensions, rows) = runtime.block_on(async {
        let _shown = console.progress(opened.logs.progress.clone());
        tokio::select! {
            rows = measure(&database, &settings, opened.logs.window.from) => rows,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })?;
    let tally = opened.logs.tally().unwrap_or_default();
    if tally.events() > 0 {
        let flows = dimensions.flows.as_ref().context("flows were not asked for")?;
        let explained = assemble(args, &settings, &dimensions, flows, rows);
        show_report(&explained, ExplainReport::blocks, args.format, console)?;
    }
    report(&opened, &tally, args.logs.strict, console)
}

/// All rows that the report rests on.
struct Rows {
    loads: Vec<LevelLoad>,
    peaks: Vec<LevelPeak>,
    schemas: Vec<SchemaUse>,
    clients: Vec<ClientUse>,
    checks: Vec<VerdictCheck>,
}

async fn measure(database: &Database, settings: &Settings, from: Option<Micros>) -> Result<(Dimensions, Rows)> {
    let wanted =
        [LevelLoad::QUERY, LevelPeak::QUERY, SchemaUse::QUERY, ClientUse::QUERY, VerdictCheck::QUERY].join(" ");
    let dimensions = prepare(database, &wanted, &[], settings).await?;
    let first = BTreeMap::from([("first_micros".to_owned(), from.unwrap_or_default().to_string())]);
    let checks =
        async { if settings.flows.verdicts.is_empty() { Ok(Vec::new()) } else { database.rows_with(&first).await } };
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
    let seats = level_seats(&flows.config, &flows.limits);
    let mut priority_levels: Vec<LevelUse> = seats.iter().map(|seats| level_use(seats, &rows)).collect();
    let order = |level: &LevelUse| level.load.as_ref().and_then(|load| load.high_seat_secs).unwrap_or(-1.0);
    priority_levels.sort_by(|a, b| order(b).total_cmp(&order(a)).then_with(|| a.priority_level.cmp(&b.priority_level)));
    let notes = notes(settings, dimensions, flows, &rows);
    let shown = if args.top == 0 { rows.clients.len() } else { args.top };
    let has_verdicts = !settings.flows.verdicts.is_empty();
    ExplainReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts {
            version: version_words(dimensions.server.version),
            server_concurrency: settings.flows.server_concurrency,
            configuration: origin_words(flows.origin).to_owned(),
        },
        priority_levels,
        flow_schemas: rows.schemas,
        omitted_clients: rows.clients.len().saturating_sub(shown),
        clients: rows.clients.into_iter().take(shown).collect(),
        agreement: has_verdicts.then(|| agreement(&rows.checks)),
        notes,
    }
}

fn level_use(seats: &LevelSeats, rows: &Rows) -> LevelUse {
    let name = &seats.priority_level;
    let clients: BTreeSet<&str> = rows
        .clients
        .iter()
        .filter(|client| client.priority_level == *name)
        .map(|client| client.client.as_str())
        .collect();
    let of_level = rows.peaks.iter().filter(|peak| peak.priority_level == *name);
    let peak = of_level.max_by_key(|peak| (peak.peak_high_seats, peak.peak_low_seats));
    LevelUse {
        priority_level: name.clone(),
        is_exempt: seats.is_exempt,
        nominal_seats: seats.nominal,
        min_seats: seats.min,
        max_seats: seats.max,
        idle_seats: seats.idle,
        max_seats_per_request: seats.max_seats_per_request,
        client_count: clients.len(),
        load: rows.loads.iter().find(|load| load.priority_level == *name).cloned(),
        peak_seats: peak.map(|peak| (peak.peak_low_seats, peak.peak_high_seats)),
        peak_apiserver: peak.and_then(|peak| peak.apiserver.clone()),
    }
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
            "{endless} requests have no end in the log, or are watches whose start it doesn't say: they add no seat-seconds"
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
