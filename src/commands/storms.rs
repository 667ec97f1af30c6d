//! `storms`: who is storming, and what to do about it.

use std::fs;

use anyhow::{Context, Result};

use super::ask::{Asked, Asking};
use super::errors::Advice;
use super::settings::read_settings;
use super::show_blocks;
use crate::analysis;
use crate::analysis::storms::StormReport;
use crate::cli::{FlowArgs, StormFormat, StormsArgs};
use crate::console::Console;
use crate::findings::{Kind, Severity, Thresholds};
use crate::report::{StormJson, blocks, explain, json, markdown, ndjson};
use crate::units;

/// Runs `storms`; whether a finding is as severe as `--fail-on`.
pub(super) fn run(args: &StormsArgs, console: Console) -> Result<bool> {
    if args.show_thresholds {
        return Ok(console.line(Thresholds::text().trim_end()).map(|()| false)?);
    }
    let thresholds = thresholds(args)?;
    if let Some(name) = &args.explain {
        return explain_kind(name, &thresholds, console).map(|()| false);
    }
    let asking = Asking {
        settings: read_settings(&args.clients, &args.sizes, &FlowArgs::default(), console)?.into(),
        thresholds,
        queries: args.queries.clone(),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::storms(&asked.session, &args.into()))?;
    if let Some(span) = report.outside {
        let (from, to) = (units::second(span.from), units::second(span.to));
        console.warn(&format!("the time asked for is not in the logs, which go from {from} to {to}"));
    }
    print(&report, args.format, console)?;
    asked.report_unreadable()?;
    Ok(args.fail_on.is_some_and(|bound| report.worst_severity >= Some(Severity::from(bound))))
}

fn thresholds(args: &StormsArgs) -> Result<Thresholds> {
    let Some(path) = &args.thresholds else { return Ok(Thresholds::embedded()) };
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    Thresholds::with(&text).with_context(|| format!("in {}", path.display()))
}

fn print(report: &StormReport, format: StormFormat, console: Console) -> Result<()> {
    match format {
        StormFormat::Json => console.line(&json(&StormJson::from(report))?)?,
        StormFormat::Ndjson if report.findings.is_empty() => {}
        StormFormat::Ndjson => console.line(&ndjson(report)?)?,
        StormFormat::Markdown => console.line(markdown(report).trim_end())?,
        StormFormat::Table => show_blocks(blocks(report), console)?,
    }
    Ok(())
}

fn explain_kind(name: &str, thresholds: &Thresholds, console: Console) -> Result<()> {
    let kind = Kind::named(name).ok_or_else(|| Advice {
        message: format!("there is no kind of finding named {name}: {}", Kind::ALL.map(Kind::name).join(", ")),
        hint: "name one of them",
    })?;
    let explanation = explain(kind, thresholds);
    console.heading(kind.name())?;
    console.item("reason", "why it matters", explanation.reason)?;
    console.item("rule", "how it is found", &explanation.rule)?;
    console.item("limits", "what it can't see", &explanation.limits)?;
    Ok(console.line("\nPrint the thresholds, with their units and reasons: stormglass storms --show-thresholds")?)
}
