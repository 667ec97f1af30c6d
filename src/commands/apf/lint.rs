//! `apf lint`: what is wrong with FlowSchemas and priority levels, and, with logs, what they would match.

use anyhow::{Result, bail};

use super::super::ask::{Asked, Asking};
use super::super::errors::Advice;
use super::super::manifests::{names, read_manifests, sort_inputs};
use super::super::report::{check_format, show, write};
use super::super::settings::read_settings;
use crate::analysis;
use crate::apf::Manifest;
use crate::apf::lint::{LintSeverity, RULES, explain};
use crate::cli::LintArgs;
use crate::console::Console;
use crate::report::{rule_page, rules_page};

pub(super) fn run(args: &LintArgs, console: Console) -> Result<bool> {
    if args.rules {
        return show(&rules_page(&RULES), console).map(|()| false);
    }
    if let Some(name) = &args.explain {
        let rule = explain(name).ok_or_else(|| Advice {
            message: format!("there is no rule named {name}"),
            hint: "list the rules with: stormglass apf lint --rules",
        })?;
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
        let asked = Asked::open(&logs, &args.logs, Asking { settings: settings.into(), ..Asking::default() }, console)?;
        let report = asked.answer(analysis::lint_with_logs(&asked.session, &change))?;
        write(&report, |_| report.page(), &args.output, console)?;
        asked.report_unreadable()?;
        report
    };
    Ok(args.fail_on.is_some_and(|bound| report.worst() >= Some(LintSeverity::from(bound))))
}

/// What there is to know about how the manifests were read; a text that is no manifest has a note for every line.
fn show_notes(read: &Manifest, console: Console) {
    const SHOWN: usize = 10;
    read.notes.iter().take(SHOWN).for_each(|note| console.note(&note.to_string()));
    let more = read.notes.len().saturating_sub(SHOWN);
    if more > 0 {
        console.note(&format!("{more} more objects were skipped"));
    }
}
