//! `apf lint`: what is wrong with FlowSchemas and priority levels, and, with logs, what they would match.

use anyhow::{Result, bail};

use super::super::ask::{Asked, Asking};
use super::super::manifests::{names, read_manifests, sort_inputs};
use super::super::report::{check_format, show, write};
use super::super::settings::read_settings;
use super::super::side_files::side_files;
use crate::analysis;
use crate::apf::Manifest;
use crate::apf::lint::{LintSeverity, RULES};
use crate::cli::LintArgs;
use crate::console::Console;
use crate::report::{rule_page, rules_page};

pub(super) fn run(args: &LintArgs, console: Console) -> Result<bool> {
    if args.rules {
        return show(&rules_page(&RULES), console).map(|()| false);
    }
    if let Some(rule) = &args.explain {
        return show(&rule_page(rule), console).map(|()| false);
    }
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let (manifests, logs) = sort_inputs(&args.inputs)?;
    let change = read_manifests(&manifests)?;
    show_notes(&change, console);
    if change.config.flow_schemas.is_empty() && change.config.priority_levels.is_empty() && change.problems.is_empty() {
        bail!("{} has no FlowSchema and no PriorityLevelConfiguration", names(&manifests));
    }
    let report = if logs.is_empty() {
        let report = analysis::lint(&change, &settings)?;
        write(&report, |_| report.page(), &args.output, console)?;
        report
    } else {
        let asking = Asking {
            settings: settings.into(),
            zone: args.output.timezone.clone(),
            side_files: side_files(&[&args.clients, &args.sizes, &args.flows]),
            ..Asking::default()
        };
        let asked = Asked::open(&logs, &args.logs, asking, console)?;
        let report = asked.answer(analysis::lint_with_logs(&asked.session, &change))?;
        write(&report, |_| report.page(), &args.output, console)?;
        asked.report_unreadable()?;
        report
    };
    Ok(args.fail_on.is_some_and(|bound| report.worst() >= Some(LintSeverity::from(bound))))
}

/// Prints the notes on reading the manifests. Text that isn't a manifest has one note for each line.
fn show_notes(read: &Manifest, console: Console) {
    const SHOWN: usize = 10;
    read.notes.iter().take(SHOWN).for_each(|note| console.note(&note.to_string()));
    let more = read.notes.len().saturating_sub(SHOWN);
    if more > 0 {
        console.note(&format!("{more} more objects were skipped"));
    }
}
