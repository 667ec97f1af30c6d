//! `apf propose`: candidates against the logs' storms, as a report or as manifests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::ask::{Asked, Asking};
use super::super::errors::Advice;
use super::super::settings::read_settings;
use super::super::show_blocks;
use crate::analysis;
use crate::analysis::propose::ProposeReport;
use crate::cli::{ProposeArgs, ProposeFormat};
use crate::console::Console;
use crate::report::{json, kustomization, manifest_files};

pub(super) fn run(args: &ProposeArgs, console: Console) -> Result<()> {
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let asked =
        Asked::open(&args.inputs, &args.logs, Asking { settings: settings.into(), ..Asking::default() }, console)?;
    let proposed = asked.answer(analysis::propose(&asked.session, &args.into()))?;
    if let Some(folder) = &args.out {
        write(folder, &proposed, args.force)?;
    }
    show(&proposed, args, console)?;
    asked.report_unreadable()
}

fn show(proposed: &ProposeReport, args: &ProposeArgs, console: Console) -> Result<()> {
    match args.format {
        ProposeFormat::Json => console.line(&json(proposed)?)?,
        ProposeFormat::Table => show_blocks(proposed.blocks(args.out.as_deref()), console)?,
        ProposeFormat::Yaml => {
            let manifests = manifest_files(proposed);
            let texts: Vec<&str> = manifests.iter().map(|manifest| manifest.text.trim_end()).collect();
            if texts.is_empty() {
                console.note("there is no candidate, so there are no manifests; --format table shows why");
            } else {
                console.line(&texts.join("\n---\n"))?;
            }
        }
    }
    Ok(())
}

/// Writes the manifests, one file each, and a kustomization of them.
fn write(folder: &Path, proposed: &ProposeReport, force: bool) -> Result<()> {
    let manifests = manifest_files(proposed);
    if manifests.is_empty() {
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
            hint: "name another folder, or overwrite it with --force",
        }
        .into());
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).with_context(doing)?;
    }
    Ok(())
}
