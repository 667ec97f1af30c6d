//! Reads FlowSchemas and priority levels from files and folders.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::errors::Advice;
use crate::analysis::Change;
use crate::apf::{Config, Manifest, Problem, validate};
use crate::source::open_beside;

/// The objects of several files, with all that is wrong with them and all that there is to know.
pub(super) fn read_manifests(paths: &[PathBuf]) -> Result<Manifest> {
    let mut all = Manifest::default();
    for path in paths {
        let text = match path.to_str() {
            Some("-") => io::read_to_string(io::stdin()),
            _ => open_beside(path).and_then(io::read_to_string),
        };
        let read = Manifest::read(&text.with_context(|| format!("can't read {}", path.display()))?, path.to_str());
        all.config.flow_schemas.extend(read.config.flow_schemas);
        all.config.priority_levels.extend(read.config.priority_levels);
        all.problems.extend(read.problems);
        all.notes.extend(read.notes);
    }
    Ok(all)
}

/// The objects, if nothing is wrong with them; `source` says where they are from, as in "the files of --config".
pub(super) fn validate_manifests(read: Manifest, source: &str) -> Result<Config> {
    let problems: Vec<Problem> = read.problems.into_iter().chain(validate(&read.config)).collect();
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        bail!("invalid objects in {source}:\n  {}", lines.join("\n  "));
    }
    if read.config.flow_schemas.is_empty() && read.config.priority_levels.is_empty() {
        bail!("{source} has no FlowSchema and no PriorityLevelConfiguration");
    }
    Ok(read.config)
}

/// Reads a candidate: a directory, or files joined by commas.
pub(super) fn read_change(text: &str) -> Result<Change> {
    let path = Path::new(text);
    let files: Vec<PathBuf> =
        if path.is_dir() { manifests_in(path)? } else { text.split(',').map(PathBuf::from).collect() };
    if files.is_empty() {
        return Err(Advice {
            message: format!("directory {text} has no FlowSchema and no PriorityLevelConfiguration"),
            hint: "name a directory of manifests in YAML or JSON, or the files".into(),
        }
        .into());
    }
    let config = validate_manifests(read_manifests(&files)?, text)?;
    let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
    let name = name.filter(|_| files.len() == 1 || path.is_dir());
    let name = name.map_or_else(|| text.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Change { name, config })
}

/// Reads the candidates.
pub(super) fn read_changes(candidates: &[String]) -> Result<Vec<Change>> {
    let read = |text: &String| read_change(text).with_context(|| format!("in --candidate {text}"));
    let mut changes = candidates.iter().map(read).collect::<Result<Vec<Change>>>()?;
    let names: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
    for (change, text) in changes.iter_mut().zip(candidates) {
        // Where two are called the same, their paths tell them apart.
        if names.iter().filter(|name| **name == change.name).count() > 1 {
            change.name.clone_from(text);
        }
    }
    Ok(changes)
}

/// What was named, as manifests and logs: YAML, and JSON that has a word of the API group near its beginning, are
/// manifests, and a folder with such files stands for them. What can be read only once, standard input or a pipe, is a
/// manifest unless there is another, since then it must be a log.
pub(super) fn sort_inputs(inputs: &[String]) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let (mut manifests, mut logs, mut read_once) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        let path = Path::new(input);
        let inside = if path.is_dir() { manifests_in(path)? } else { Vec::new() };
        if !inside.is_empty() {
            manifests.extend(inside);
        } else if input == "-" || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            read_once.push(input.clone());
        } else if is_yaml(path) || path.is_file() && is_of_group(path) {
            manifests.push(path.to_owned());
        } else {
            logs.push(input.clone());
        }
    }
    if manifests.is_empty() {
        manifests.extend(read_once.into_iter().map(PathBuf::from));
    } else {
        logs.extend(read_once);
    }
    if manifests.is_empty() {
        let missing = logs.iter().find(|log| !log.contains(['*', '?', '[', '=']) && !Path::new(log).exists());
        let message = match missing {
            Some(missing) => format!("no such file or directory: {missing}"),
            None => format!("no manifest given, only logs: {}", logs.join(", ")),
        };
        let hint = "name a file of FlowSchemas and priority levels, in YAML or JSON".into();
        return Err(Advice { message, hint }.into());
    }
    Ok((manifests, logs))
}

/// The manifests in a folder.
fn manifests_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("can't read {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(doing)? {
        let path = entry.with_context(doing)?.path();
        let is_candidate = is_yaml(&path) || path.extension() == Some(OsStr::new("json"));
        if is_candidate && path.is_file() && is_of_group(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Whether a file's beginning speaks of FlowSchemas or priority levels, and not of audit events.
fn is_of_group(path: &Path) -> bool {
    /// So much of a file tells.
    const LOOKED_AT: u64 = 64 << 10;
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
    let holds = |word: &[u8]| memchr::memmem::find(&start, word).is_some();
    read.is_ok() && holds(b"flowcontrol.apiserver.k8s.io") && !holds(b"audit.k8s.io")
}

pub(super) fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
