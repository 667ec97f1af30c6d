//! `clients`: the clients in logs, with their type and how it was determined.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::report::{check_format, show};
use super::rows::{answer_named, given_limit};
use super::settings::{catalogue, read_settings};
use super::side_files::side_files;
use crate::cli::{ClientsArgs, FlowArgs, SizeArgs};
use crate::clients::Catalogue;
use crate::console::Console;
use crate::report::page::{Page, Part, Section, Table};

pub(super) fn run(args: &ClientsArgs, console: Console) -> Result<()> {
    if let Some(path) = &args.check {
        return check(path, console);
    }
    if args.rules {
        return rules(&catalogue(&args.clients)?, console);
    }
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &SizeArgs::default(), &FlowArgs::default(), console)?;
    let output = (&args.output, given_limit(args.limit));
    answer_named("inventory", (&args.inputs, &args.logs), (settings, side_files(&[&args.clients])), output, console)
}

/// Checks a file of rules, and reports each mistake with its line.
///
/// # Errors
/// When there is any.
fn check(path: &Path, console: Console) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let lines = |lines: Vec<Part>| Page::of("Catalogue of clients", Vec::new(), vec![Section::of("", lines)]);
    match Catalogue::parse(&text) {
        Ok(catalogue) => {
            let fine = format!("{}: {} rules, no mistakes", path.display(), catalogue.rules().len());
            show(&lines(vec![Part::Text(fine)]), console)
        }
        Err(error) => {
            let problems = error.problems().iter().map(|problem| {
                let (line, column) = (problem.line, problem.column);
                Part::Text(format!("{}:{line}:{column}: {}", path.display(), problem.message))
            });
            show(&lines(problems.collect()), console)?;
            bail!("invalid client catalogue {}", path.display());
        }
    }
}

fn rules(catalogue: &Catalogue, console: Console) -> Result<()> {
    let rows = catalogue.rules().iter().map(|rule| {
        let identity: Vec<&str> =
            rule.users.iter().chain(&rule.accounts).chain(&rule.groups).map(String::as_str).collect();
        [
            rule.client_type.name().to_owned(),
            rule.client.clone().unwrap_or_else(|| "(as its identity)".to_owned()),
            identity.join(", "),
            rule.agents.join(", "),
            rule.source.clone(),
            format!("{} {}", rule.origin.name(), rule.line),
        ]
        .to_vec()
    });
    let columns = ["type", "client", "identity", "user agent", "source", "line"].map(|name| (name, false));
    show(&Page::of_table("Rules of the catalogue", Table::under_heading("", &columns, rows.collect())), console)
}
