//! Tells apiservers apart that nobody named: logs of the same time that share no events are of different servers.
//!
//! An audit log doesn't say which apiserver wrote it. Where neither the user nor the path does, several logs in one
//! directory may be one server's, one after the other, or several servers' side by side; taken as one, a server that
//! rejects would hide among others that don't.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LogFile;
use super::names::{set_base, stem};
use super::times::{Micros, Opening, Relation, relation};

/// A file whose apiserver was not given.
pub(super) struct Unnamed<'f> {
    pub(super) file: &'f mut LogFile,
    pub(super) opening: &'f Opening,
}

/// A rotated set: the files of one directory that are called alike.
struct Set {
    name: String,
    directory: PathBuf,
    /// In the order of time; indices of the files.
    files: Vec<(Micros, usize)>,
    /// The set whose events it shares.
    shares_with: Option<usize>,
}

/// Each set is held against so many of those that begin before it.
const COMPARED_SETS: usize = 4;

/// Names the apiservers of logs that are of the same time but share no events, each after its file; the files named so.
pub(super) fn tell_apart(mut files: Vec<Unnamed<'_>>) -> Vec<Arc<str>> {
    let mut groups: BTreeMap<Option<Arc<str>>, Vec<usize>> = BTreeMap::new();
    for (index, unnamed) in files.iter().enumerate() {
        groups.entry(unnamed.file.apiserver.clone()).or_default().push(index);
    }
    let groups: Vec<(Option<Arc<str>>, Vec<Set>)> = groups
        .into_iter()
        .filter_map(|(server, group)| Some((server, sets_of_different_servers(&files, &group)?)))
        .collect();
    let names: Vec<&str> = groups.iter().flat_map(|(_, sets)| sets).map(|set| set.name.as_str()).collect();
    let is_unique = |name: &str| names.iter().filter(|other| **other == name).count() == 1;
    let mut renamed: BTreeMap<usize, Arc<str>> = BTreeMap::new();
    for (server, sets) in &groups {
        for set in sets {
            let of = set.shares_with.map_or(set, |other| &sets[other]);
            let name = match server {
                Some(server) if !is_unique(&of.name) => format!("{server}/{}", of.name),
                None if !is_unique(&of.name) => of.directory.join(&of.name).display().to_string(),
                _ => of.name.clone(),
            };
            renamed.extend(set.files.iter().map(|(_, index)| (*index, Arc::from(name.as_str()))));
        }
    }
    for (index, name) in &renamed {
        files[*index].file.apiserver = Some(Arc::clone(name));
    }
    renamed.keys().map(|index| Arc::clone(&files[*index].file.name)).collect()
}

/// The sets of a group of files with the same apiserver, if any two are of different ones after all.
fn sets_of_different_servers(files: &[Unnamed<'_>], group: &[usize]) -> Option<Vec<Set>> {
    let mut sets = rotated_sets(files, group);
    let mut is_told = false;
    for later in 1..sets.len() {
        for earlier in (later.saturating_sub(COMPARED_SETS)..later).rev() {
            match compare(files, &sets[earlier], &sets[later]) {
                Relation::Same => {
                    sets[later].shares_with = Some(sets[earlier].shares_with.unwrap_or(earlier));
                    break;
                }
                Relation::Distinct => is_told = true,
                Relation::Apart => {}
            }
        }
    }
    is_told.then_some(sets)
}

/// The rotated sets of a group, in the order in which they begin; without files of unknown time.
fn rotated_sets(files: &[Unnamed<'_>], group: &[usize]) -> Vec<Set> {
    let mut sets: BTreeMap<(PathBuf, String), Vec<(Micros, usize)>> = BTreeMap::new();
    for index in group.iter().copied() {
        let unnamed = &files[index];
        if let (Some(path), Some(at)) = (&unnamed.file.path, unnamed.opening.at) {
            let directory = path.parent().unwrap_or(Path::new("")).to_owned();
            let base = set_base(&path.file_name().unwrap_or_default().to_string_lossy());
            sets.entry((directory, base)).or_default().push((at, index));
        }
    }
    let mut sets: Vec<_> = sets
        .into_iter()
        .map(|((directory, base), mut files)| {
            files.sort_unstable();
            Set { name: stem(&base).to_owned(), directory, files, shares_with: None }
        })
        .collect();
    sets.sort_by_key(|set| set.files.first().copied());
    sets
}

/// Holds the beginning of one set against the file of another that is of that time.
fn compare(files: &[Unnamed<'_>], earlier: &Set, later: &Set) -> Relation {
    let Some((at, first)) = later.files.first() else {
        return Relation::Apart;
    };
    let beside = earlier.files.iter().rev().find(|(began, _)| began <= at);
    let path = beside.and_then(|(_, index)| files[*index].file.path.as_deref());
    // What can't be read is for the reader to report.
    path.and_then(|path| relation(path, files[*first].opening).ok()).unwrap_or(Relation::Apart)
}
