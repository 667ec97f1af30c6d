//! `storms`: who is storming, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};

use super::Advice;
use super::dimensions::{Dimensions, prepare};
use super::logs::{Opened, moment, open, report};
use super::reading::Reading;
use super::report::{format, show, write_as, write_text};
use super::settings::Settings;
use crate::cli::{FormatName, ReportFormat, SeverityName, StormsArgs};
use crate::console::Console;
use crate::findings::{
    Bytes, Episode, EpisodeClient, Finding, Kind, Measured, Note, Presence, Pressure, Restart, Severity, Thresholds,
    blind_spots, coverage, explain, judge, verdict,
};
use crate::report::{SCHEMA_VERSION, StormReport, Suspect, explanation_page, ndjson};
use crate::requests::Tally;
use crate::tables::{Database, QuerySet, TypedRow};
use crate::units;

/// What is looked at around the moment of `--at`, in microseconds.
const BEFORE_MICROS: i64 = 15 * 60 * 1_000_000;
const AFTER_MICROS: i64 = 2 * 60 * 1_000_000;

/// Runs `storms`; whether a finding is as severe as `--fail-on`.
pub(super) fn run(args: &StormsArgs, console: Console) -> Result<bool> {
    if let Some(name) = &args.explain {
        return tell(name, console).map(|()| false);
    }
    if args.show_thresholds {
        return write_text(Thresholds::text(), None, console).map(|()| false);
    }
    let format = format(&args.output)?.of_report();
    let thresholds = match &args.thresholds {
        None => Thresholds::embedded(),
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
            Thresholds::with(&text).with_context(|| format!("in {}", path.display()))?
        }
    };
    let settings = Settings::of(&args.clients, &args.sizes)?;
    let mut logs = args.logs.clone();
    let mut opened = open(&args.inputs, &logs, console)?;
    let at = args.at.as_deref().map(|text| moment(text, &opened.logs.files, console).context("in --at")).transpose()?;
    if let Some(at) = at {
        logs.from = Some(logs.from.unwrap_or_else(|| units::instant(at - BEFORE_MICROS)));
        logs.to = Some(logs.to.unwrap_or_else(|| units::instant(at + AFTER_MICROS)));
        opened = open(&args.inputs, &logs, console)?;
    }
    let queries = QuerySet::load(args.queries.as_deref())?;
    let reading = Reading::with(opened, queries, usize::MAX, console)?;
    let rows = reading.run(measure(&reading.database, &settings, at))?;
    let (tally, opened) = (reading.tally(), &reading.opened);
    let findings = judge(measured(&rows, &tally, opened.logs.window.from), &thresholds);
    let reached = args.fail_on.is_some_and(|bound| findings.iter().any(|finding| finding.severity >= severity(bound)));
    warn_outside(opened, &tally, at, console);
    if tally.events() > 0 {
        print(&assemble(args, findings, &rows, &tally, at), args, format, console)?;
    }
    report(opened, &tally, args.logs.strict, console)?;
    Ok(reached)
}

/// Warns of a time that no log covers: that nothing is found there says nothing.
fn warn_outside(opened: &Opened, tally: &Tally, at: Option<i64>, console: Console) {
    let first = tally.servers.values().filter_map(|server| server.first_at).min();
    let last = tally.servers.values().filter_map(|server| server.last_at).max();
    let (Some(first), Some(last)) = (first, last) else {
        return;
    };
    let window = opened.logs.window;
    let is_outside = at.is_some_and(|at| at < first || at > last)
        || window.from.is_some_and(|from| from > last)
        || window.to.is_some_and(|to| to < first);
    if is_outside {
        let (first, last) = (units::second(first), units::second(last));
        console.warn(&format!("the time asked for is not in the logs, which go from {first} to {last}"));
    }
}

/// All rows that the findings rest on.
pub(super) struct Rows {
    presence: Vec<Presence>,
    episodes: Vec<Episode>,
    clients: Vec<EpisodeClient>,
    restarts: Vec<Restart>,
    pressure: Vec<Pressure>,
    notes: BTreeMap<String, Note>,
}

impl Rows {
    /// What is known of each client, by its name.
    pub(super) const fn notes(&self) -> &BTreeMap<String, Note> {
        &self.notes
    }

    /// The rows of `restarts`.
    pub(super) fn restarts(&self) -> &[Restart] {
        &self.restarts
    }
}

/// What the log could not show.
pub(super) fn unseen(rows: &Rows, tally: &Tally, findings: &[Finding]) -> Vec<String> {
    blind_spots(&coverage(tally, &rows.presence), findings)
}

/// The queries that findings rest on; [`Presence::QUERY`] is to be kept besides.
pub(super) fn wanted() -> String {
    [Episode::QUERY, EpisodeClient::QUERY, Restart::QUERY].join(" ")
}

async fn measure(database: &Database, settings: &Settings, at: Option<i64>) -> Result<Rows> {
    let wanted = [&wanted(), Pressure::QUERY].join(" ");
    let dimensions = prepare(database, &wanted, &[Presence::QUERY], settings).await?;
    rows(database, &dimensions, at).await
}

/// Reads the rows, once the tables are prepared.
pub(super) async fn rows(database: &Database, dimensions: &Dimensions, at: Option<i64>) -> Result<Rows> {
    let pressure = async {
        match at {
            None => Ok(Vec::new()),
            Some(at) => database.rows_with(&BTreeMap::from([("at_micros".to_owned(), at.to_string())])).await,
        }
    };
    let (presence, episodes, clients, restarts, pressure) =
        tokio::try_join!(database.rows(), database.rows(), database.rows(), database.rows(), pressure)?;
    Ok(Rows { presence, episodes, clients, restarts, pressure, notes: notes(dimensions) })
}

/// What the rows mean.
pub(super) fn found(rows: &Rows, tally: &Tally, from: Option<i64>) -> Vec<Finding> {
    judge(measured(rows, tally, from), &Thresholds::embedded())
}

/// What is known of each client. Of several identities of one client, the best known speaks for it.
fn notes(dimensions: &Dimensions) -> BTreeMap<String, Note> {
    let mut of_user: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (caller, client) in &dimensions.clients {
        if let Some(user) = &caller.identity.user_name {
            of_user.entry(user).or_default().insert(&client.client);
        }
    }
    let mut notes: BTreeMap<String, Note> = BTreeMap::new();
    let mut by_confidence: Vec<_> = dimensions.clients.iter().collect();
    by_confidence.sort_by_key(|(_, client)| std::cmp::Reverse(client.confidence));
    for (caller, client) in by_confidence {
        let note = notes.entry(client.client.clone()).or_insert_with(|| Note {
            confidence: client.confidence.name(),
            evidence: client.evidence.clone(),
            advice: client.advice.clone(),
            can_be_spared: client.client_type.can_be_spared(),
            shares_user_with: Vec::new(),
        });
        let others = caller.identity.user_name.as_deref().and_then(|user| of_user.get(user)).into_iter().flatten();
        for other in others.filter(|other| **other != client.client) {
            if !note.shares_user_with.iter().any(|known| known == other) {
                note.shares_user_with.push((*other).to_owned());
            }
        }
    }
    notes
}

pub(super) fn measured<'m>(rows: &'m Rows, tally: &'m Tally, from: Option<i64>) -> Measured<'m> {
    Measured {
        tally,
        episodes: &rows.episodes,
        clients: &rows.clients,
        restarts: &rows.restarts,
        notes: &rows.notes,
        from,
    }
}

fn assemble(args: &StormsArgs, findings: Vec<Finding>, rows: &Rows, tally: &Tally, at: Option<i64>) -> StormReport {
    let measured = measured(rows, tally, None);
    // A sentence a line, whatever line ends a name from a log has.
    let sentences = verdict(&findings, measured).into_iter().map(|sentence| sentence.replace(['\n', '\r'], " "));
    let verdict = sentences.collect::<Vec<_>>().join("\n");
    let mut blind_spots = unseen(rows, tally, &findings);
    if args.logs.from.is_some() || args.logs.to.is_some() || at.is_some() {
        blind_spots.push(
            "range: sizes, clients and the server's version were taken from the time asked for only; over all of the log the \
             estimates may be narrower"
                .to_owned(),
        );
    }
    let all = findings.len();
    let is_shown = |finding: &Finding| finding.severity >= severity(args.min_severity);
    let shown: Vec<_> = findings.into_iter().filter(is_shown).take(args.top.unwrap_or(usize::MAX)).collect();
    StormReport {
        schema_version: SCHEMA_VERSION,
        verdict,
        at: at.map(units::instant),
        suspects: rows.pressure.iter().map(suspect).collect(),
        omitted_findings: all - shown.len(),
        findings: shown,
        blind_spots,
    }
}

fn suspect(row: &Pressure) -> Suspect {
    Suspect {
        apiserver: row.apiserver.clone(),
        client_type: row.client_type.clone(),
        client: row.client.clone(),
        resource: row.resource.clone(),
        api_group: row.api_group.clone(),
        inflight: row.inflight_count,
        without_end: row.open_count,
        estimated_bytes: row.inflight_low_bytes.map(|low| Bytes { low, high: row.inflight_high_bytes }),
        recent_requests: row.recent_count,
        recent_instances: row.recent_instance_count,
        recent_bytes: row.recent_low_bytes.map(|low| Bytes { low, high: row.recent_high_bytes }),
    }
}

/// Writes the report; the findings alone, one a line, where `format` is none of a report.
fn print(report: &StormReport, args: &StormsArgs, format: Option<ReportFormat>, console: Console) -> Result<()> {
    match format {
        Some(format) => write_as(report, |zone| report.page(zone), format, &args.output, console),
        None if report.findings.is_empty() && args.output.output.is_none() => Ok(()),
        None => write_text(&ndjson(report)?, args.output.output.as_deref(), console),
    }
}

fn tell(name: &str, console: Console) -> Result<()> {
    let kind = Kind::named(name).ok_or_else(|| Advice {
        message: format!("there is no kind of finding named {name}: {}", Kind::ALL.map(Kind::name).join(", ")),
        hint: "name one of them",
    })?;
    show(&explanation_page(kind, &explain(kind)), console)
}

const fn severity(name: SeverityName) -> Severity {
    match name {
        SeverityName::Info => Severity::Info,
        SeverityName::Warning => Severity::Warning,
        SeverityName::Critical => Severity::Critical,
    }
}
