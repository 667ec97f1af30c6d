//! From what the user named to the files to read, each once, in the order in which they were written: their events tell it,
//! and their names only where those don't.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::compression::{Compression, Content, Input};
use super::names::{apiserver, set_order, without_compression};
use super::servers::{Unnamed, tell_apart};
use super::times::Opening;
use super::{LogFile, Skipped};

/// Why the reading can't even begin.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing was named.
    #[error("no logs were given")]
    NothingGiven,
    /// A path that isn't there.
    #[error("no such file or directory: {0}")]
    Missing(String),
    /// A pattern that matches nothing.
    #[error("no file matches the pattern {0}")]
    NoMatch(String),
    /// A pattern that is none.
    #[error("{0} is not a valid pattern")]
    BadPattern(String, #[source] glob::PatternError),
    /// A directory without any audit log.
    #[error("no audit log was found in the directory {0}")]
    EmptyDirectory(String),
    /// A file or directory that can't be read.
    #[error("can't read {0}")]
    Unreadable(String, #[source] io::Error),
}

/// The files to read.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// In the order in which to read them: by apiserver, then by the time of their first events.
    pub files: Vec<Arc<LogFile>>,
    /// What was found but won't be read.
    pub skipped: Vec<Skipped>,
    /// The names of files that are taken as logs of different apiservers though nobody said so: they are of the same time
    /// but share no events. Each apiserver is then called as its file.
    pub told_apart: Vec<Arc<str>>,
}

/// Finds the files that `inputs` name: paths, directories, globs, `-` for standard input, each perhaps as `NAME=PATH`
/// with the name of the apiserver that wrote it.
///
/// A directory is searched to its depths for files whose content looks like audit logs. Files of the same content are
/// read once.
///
/// # Errors
/// When an input names nothing, before anything is read.
pub fn discover(inputs: &[String]) -> Result<Discovered, SourceError> {
    if inputs.is_empty() {
        return Err(SourceError::NothingGiven);
    }
    let mut found = Found::default();
    for input in inputs {
        found.input(input)?;
    }
    Ok(found.in_order())
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    skipped: Vec<Skipped>,
}

struct Candidate {
    file: LogFile,
    /// Whether the apiserver was given, and not told from the path.
    is_given: bool,
    head: Head,
}

/// What the first bytes of a file tell.
#[derive(Default)]
struct Head {
    /// `None` for what can be read only once, such as a pipe.
    compression: Option<Compression>,
    /// A hash of the first [`HEAD_BYTES`] of its decompressed content; `None` when that is empty or can't be looked at.
    fingerprint: Option<u64>,
    /// Whether those bytes name the audit API.
    names_audit: bool,
    /// Bytes of its decompressed content, where that is known without reading it all.
    content_bytes: Option<u64>,
    /// What its first events tell.
    opening: Opening,
}

/// Enough that two logs that begin with the same so many bytes are copies: every event has its own ID.
const HEAD_BYTES: u64 = 64 << 10;

impl Found {
    fn input(&mut self, input: &str) -> Result<(), SourceError> {
        let (given, path) = split_name(input);
        if path == "-" {
            self.stdin(given);
            return Ok(());
        }
        let path_exists = Path::new(path).try_exists().unwrap_or(false);
        if path_exists {
            return self.path(Path::new(path), given);
        }
        if !path.contains(['*', '?', '[']) {
            return Err(SourceError::Missing(path.to_owned()));
        }
        let paths = glob::glob(path).map_err(|source| SourceError::BadPattern(path.to_owned(), source))?;
        let mut paths: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
        if paths.is_empty() {
            return Err(SourceError::NoMatch(path.to_owned()));
        }
        paths.sort();
        paths.iter().try_for_each(|path| self.path(path, given))
    }

    fn stdin(&mut self, given: Option<&str>) {
        let file = LogFile {
            path: None,
            name: "<stdin>".into(),
            apiserver: given.map(Into::into),
            disk_bytes: None,
            compression: None,
            begins_at: None,
        };
        self.candidates.push(Candidate { file, is_given: given.is_some(), head: Head::default() });
    }

    fn path(&mut self, path: &Path, given: Option<&str>) -> Result<(), SourceError> {
        if !path.is_dir() {
            return self.file(path, given);
        }
        let before = self.candidates.len();
        for entry in walkdir::WalkDir::new(path).follow_links(true).sort_by_file_name() {
            // What vanishes or can't be opened costs no other file: a log may be rotated away at this moment.
            let entry = match entry {
                Ok(entry) if entry.file_type().is_file() => entry,
                Ok(_) => continue,
                Err(error) => {
                    self.skip(error.path().unwrap_or(path), &format!("can't read it: {error}"));
                    continue;
                }
            };
            let head = match head(entry.path()) {
                Ok(head) => head,
                Err(error) => {
                    self.skip(entry.path(), &error.to_string());
                    continue;
                }
            };
            if head.names_audit || head.fingerprint.is_none() && is_log_by_name(entry.path()) {
                self.candidate(entry.path(), given, head);
            } else {
                self.skip(entry.path(), "no audit event was found at the start of the file");
            }
        }
        if self.candidates.len() == before {
            return Err(SourceError::EmptyDirectory(path.display().to_string()));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, given: Option<&str>) -> Result<(), SourceError> {
        let head = head(path)?;
        self.candidate(path, given, head);
        Ok(())
    }

    fn candidate(&mut self, path: &Path, given: Option<&str>, head: Head) {
        let file = LogFile {
            name: path.display().to_string().into(),
            apiserver: given.map(ToOwned::to_owned).or_else(|| apiserver(path)).map(Into::into),
            disk_bytes: path.metadata().ok().map(|metadata| metadata.len()),
            compression: head.compression,
            begins_at: head.opening.first_at,
            path: Some(path.to_owned()),
        };
        self.candidates.push(Candidate { file, is_given: given.is_some(), head });
    }

    fn skip(&mut self, path: &Path, why: &str) {
        self.skipped.push(Skipped { name: path.display().to_string(), why: why.to_owned() });
    }

    fn in_order(mut self) -> Discovered {
        self.candidates.sort_by_cached_key(|candidate| {
            let path = candidate.file.path.clone().unwrap_or_default();
            let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let directory = path.parent().map(Path::to_owned);
            // Of a log and its compressed copy the log comes first: the copy may be unfinished.
            let is_compressed = candidate.head.compression != Some(Compression::Plain);
            (candidate.file.apiserver.clone(), directory, set_order(&file_name), is_compressed)
        });
        let mut seen: HashMap<Option<u64>, Vec<usize>> = HashMap::new();
        let mut kept: Vec<Candidate> = Vec::new();
        for candidate in self.candidates {
            let alike = seen.entry(candidate.head.fingerprint).or_default();
            let original = alike.iter().find(|at| is_copy(&kept[**at], &candidate));
            if let Some(original) = original {
                self.skipped.push(Skipped {
                    name: candidate.file.name.to_string(),
                    why: format!("same content as {}", kept[*original].file.name),
                });
            } else {
                alike.push(kept.len());
                kept.push(candidate);
            }
        }
        let unnamed = kept.iter_mut().filter(|candidate| !candidate.is_given);
        let unnamed = unnamed.map(|candidate| Unnamed { file: &mut candidate.file, opening: &candidate.head.opening });
        let told_apart = tell_apart(unnamed.collect());
        Discovered {
            files: by_time(kept).into_iter().map(|candidate| Arc::new(candidate.file)).collect(),
            skipped: self.skipped,
            told_apart,
        }
    }
}

/// By apiserver, then by the time of the first events; a file that shows no time stays behind the one that is before it by
/// its name.
fn by_time(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut last = (None, None);
    let mut timed: Vec<_> = candidates
        .into_iter()
        .map(|candidate| {
            let apiserver = candidate.file.apiserver.clone();
            let before = last.1.filter(|_| last.0 == apiserver);
            last = (apiserver.clone(), candidate.head.opening.at.or(before));
            (last.clone(), candidate)
        })
        .collect();
    timed.sort_by(|(one, _), (other, _)| one.cmp(other));
    timed.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `NAME=PATH`, unless all of it is a path.
fn split_name(input: &str) -> (Option<&str>, &str) {
    match input.split_once('=') {
        Some((name, path)) if !name.is_empty() && !name.contains(['/', '*']) && !Path::new(input).exists() => {
            (Some(name), path)
        }
        _ => (None, input),
    }
}

/// Whether two files that begin alike are the same: one path, one length, or a log beside its own compressed copy.
fn is_copy(kept: &Candidate, other: &Candidate) -> bool {
    let (Some(kept_path), Some(other_path)) = (&kept.file.path, &other.file.path) else {
        return kept.file.path.is_none() && other.file.path.is_none();
    };
    if kept.is_given && other.is_given && kept.file.apiserver != other.file.apiserver {
        return false;
    }
    if kept_path == other_path {
        return true;
    }
    let stem = |path: &Path| {
        let name = path.file_name()?.to_string_lossy();
        Some(path.with_file_name(without_compression(&name)))
    };
    let is_same_length = kept.head.content_bytes.is_some() && kept.head.content_bytes == other.head.content_bytes;
    let is_pair = stem(kept_path) == stem(other_path);
    other.head.fingerprint.is_some() && (is_same_length || is_pair)
}

fn is_log_by_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    without_compression(&name).contains(".log")
}

/// Reads the start of a file.
fn head(path: &Path) -> Result<Head, SourceError> {
    let name = || path.display().to_string();
    let unreadable = |source| SourceError::Unreadable(name(), source);
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Ok(Head::default());
    }
    let content = Content::open(Input::File(File::open(path).map_err(unreadable)?)).map_err(unreadable)?;
    let compression = content.compression;
    let mut bytes = Vec::new();
    // Damaged compressed data is for the reader to report; here it only makes the head shorter.
    let _damaged = content.take(HEAD_BYTES).read_to_end(&mut bytes);
    let is_all = (bytes.len() as u64) < HEAD_BYTES;
    let content_bytes = match compression {
        Compression::Plain => Some(metadata.len()),
        _ if is_all => Some(bytes.len() as u64),
        Compression::Gzip => gzip_length(path),
        Compression::Zstd => None,
    };
    Ok(Head {
        compression: Some(compression),
        fingerprint: fingerprint(&bytes),
        names_audit: memchr::memmem::find(&bytes, b"audit.k8s.io/").is_some(),
        content_bytes,
        opening: Opening::of(&bytes),
    })
}

fn fingerprint(bytes: &[u8]) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    (!bytes.is_empty()).then(|| hasher.finish())
}

/// The length that a gzip file's last four bytes claim for its (last) member, modulo 2^32 (RFC 1952 §2.3.1).
fn gzip_length(path: &Path) -> Option<u64> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::End(-4)).ok()?;
    let mut length = [0; 4];
    file.read_exact(&mut length).ok()?;
    Some(u64::from(u32::from_le_bytes(length)))
}
