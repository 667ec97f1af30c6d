//! `apf propose`: candidates against the logs' storms, as a report or as manifests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::ask::{Asked, Asking};
use super::super::errors::Advice;
use super::super::report::{format, write_as, write_text};
use super::super::settings::{read_settings, read_thresholds};
use super::super::side_files::side_files;
use crate::analysis;
use crate::analysis::propose::ProposeReport;
use crate::cli::{FormatName, ProposeArgs};
use crate::console::Console;
use crate::report::{kustomization, manifest_files};

pub(super) fn run(args: &ProposeArgs, console: Console) -> Result<()> {
    format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let asking = Asking {
        settings: settings.into(),
        thresholds: read_thresholds(&args.findings)?,
        zone: args.output.timezone.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows, &args.findings]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let proposed = asked.answer(analysis::propose(&asked.session, &args.into()))?;
    if let Some(folder) = &args.manifests {
        write(folder, &proposed, args.force, console)?;
    }
    show(&proposed, args, console)?;
    asked.report_unreadable()
}

/// Writes the report, or the manifests alone.
fn show(proposed: &ProposeReport, args: &ProposeArgs, console: Console) -> Result<()> {
    if let Some(format) = format(&args.output)?.of_report() {
        return write_as(proposed, |zone| proposed.page(zone), format, &args.output, console);
    }
    let manifests = manifest_files(proposed);
    let texts: Vec<&str> = manifests.iter().map(|manifest| manifest.text.trim_end()).collect();
    if texts.is_empty() {
        console.note("there is no candidate, so there are no manifests; --format table shows why");
        return Ok(());
    }
    write_text(&texts.join("\n---\n"), args.output.output.as_deref(), console)
}

/// Writes the manifests, one file each, and a kustomization of them.
fn write(folder: &Path, proposed: &ProposeReport, force: bool, console: Console) -> Result<()> {
    let manifests = manifest_files(proposed);
    if manifests.is_empty() {
        console.note(&format!("no candidate was found; nothing was written to {}", folder.display()));
        return Ok(());
    }
    let doing = || format!("can't write to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    let kustomization = kustomization(&manifests);
    let files = manifests.iter().map(|manifest| (manifest.file.as_str(), manifest.text.as_str()));
    let files: Vec<(&str, &str)> = files.chain([("kustomization.yaml", kustomization.as_str())]).collect();
    if let Some((name, _)) = files.iter().find(|(name, _)| !force && folder.join(name).exists()) {
        return Err(Advice {
            message: format!("{} already exists", folder.join(name).display()),
            hint: "name another directory, or overwrite it with --force".into(),
        }
        .into());
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).with_context(doing)?;
    }
    console.note(&format!("manifests written to {}", folder.display()));
    Ok(())
}
