//! `storms`: LIST and watch storms, who sent them, and what to do about it.

use anyhow::Result;

use super::ask::{Asked, Asking};
use super::report::{format, show, write_as, write_text};
use super::settings::{read_settings, read_thresholds};
use super::side_files::side_files;
use crate::analysis;
use crate::analysis::storms::StormReport;
use crate::cli::{FlowArgs, FormatName, StormsArgs};
use crate::console::Console;
use crate::findings::{Severity, Thresholds};
use crate::report::{StormJson, explain, explanation_page, ndjson};

/// Runs `storms`; whether a finding is as severe as `--fail-on`.
pub(super) fn run(args: &StormsArgs, console: Console) -> Result<bool> {
    if args.show_thresholds {
        return write_text(Thresholds::text(), None, console).map(|()| false);
    }
    let thresholds = read_thresholds(&args.findings)?;
    if let Some(kind) = args.explain {
        return show(&explanation_page(kind, &explain(kind, &thresholds)), console).map(|()| false);
    }
    format(&args.output)?;
    let asking = Asking {
        settings: read_settings(&args.clients, &args.sizes, &FlowArgs::default(), console)?.into(),
        thresholds,
        zone: args.output.timezone.clone(),
        queries: args.queries.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.findings]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::storms(&asked.session, &args.into()))?;
    if let Some(end) = &report.nearest_end {
        let at = args.output.timezone.second(end.at);
        console.note(&format!("no apiserver ended near the given time; the nearest end in these logs is at {at}"));
    }
    print(&report, args, console)?;
    asked.report_unreadable()?;
    Ok(args.fail_on.is_some_and(|bound| report.worst_severity >= Some(Severity::from(bound))))
}

/// Writes the report, or the findings alone, one per line.
fn print(report: &StormReport, args: &StormsArgs, console: Console) -> Result<()> {
    match format(&args.output)?.of_report() {
        Some(format) => write_as(&StormJson::from(report), |zone| report.page(zone), format, &args.output, console),
        None if report.findings.is_empty() && args.output.output.is_none() => Ok(()),
        None => write_text(&ndjson(report)?, args.output.output.as_deref(), console),
    }
}
