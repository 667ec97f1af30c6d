//! `storms`: who is storming, and what to do about it.

use std::fs;

use anyhow::{Context, Result};

use super::ask::{Asked, Asking};
use super::errors::Advice;
use super::report::{format, show, write_as, write_text};
use super::settings::read_settings;
use crate::analysis;
use crate::analysis::storms::StormReport;
use crate::cli::{FlowArgs, FormatName, StormsArgs};
use crate::console::Console;
use crate::findings::{Kind, Severity, Thresholds};
use crate::report::{StormJson, explain, explanation_page, ndjson};
use crate::units;

/// Runs `storms`; whether a finding is as severe as `--fail-on`.
pub(super) fn run(args: &StormsArgs, console: Console) -> Result<bool> {
    if args.show_thresholds {
        return write_text(Thresholds::text(), None, console).map(|()| false);
    }
    let thresholds = thresholds(args)?;
    if let Some(name) = &args.explain {
        return explain_kind(name, &thresholds, console).map(|()| false);
    }
    format(&args.output)?;
    let asking = Asking {
        settings: read_settings(&args.clients, &args.sizes, &FlowArgs::default(), console)?.into(),
        thresholds,
        zone: args.output.timezone.clone(),
        queries: args.queries.clone(),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::storms(&asked.session, &args.into()))?;
    if let Some(span) = report.outside {
        let (from, to) = (units::second(span.from), units::second(span.to));
        console.warn(&format!("the time asked for is not in the logs, which go from {from} to {to}"));
    }
    print(&report, args, console)?;
    asked.report_unreadable()?;
    Ok(args.fail_on.is_some_and(|bound| report.worst_severity >= Some(Severity::from(bound))))
}

fn thresholds(args: &StormsArgs) -> Result<Thresholds> {
    let Some(path) = &args.thresholds else { return Ok(Thresholds::embedded()) };
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    Thresholds::with(&text).with_context(|| format!("in {}", path.display()))
}

/// Writes the report; the findings alone, one a line, where `format` is none of a report.
/// Writes the report, or the findings alone, one a line.
fn print(report: &StormReport, args: &StormsArgs, console: Console) -> Result<()> {
    match format(&args.output)?.of_report() {
        Some(format) => write_as(&StormJson::from(report), |zone| report.page(zone), format, &args.output, console),
        None if report.findings.is_empty() && args.output.output.is_none() => Ok(()),
        None => write_text(&ndjson(report)?, args.output.output.as_deref(), console),
    }
}

fn explain_kind(name: &str, thresholds: &Thresholds, console: Console) -> Result<()> {
    let kind = Kind::named(name).ok_or_else(|| Advice {
        message: format!("there is no kind of finding named {name}: {}", Kind::ALL.map(Kind::name).join(", ")),
        hint: "name one of them",
    })?;
    show(&explanation_page(kind, &explain(kind, thresholds)), console)
}
