//! The files that arguments name beside the logs. A directory of logs may hold them too, and that they are not read as logs is
//! then nothing to report.

use std::path::{Path, PathBuf};

use crate::cli::{ClientArgs, FindingArgs, FlowArgs, SizeArgs};

/// Arguments that may name such files.
pub(super) trait NamesFiles {
    /// The files, or directories of them.
    fn files(&self) -> Vec<PathBuf>;
}

impl NamesFiles for ClientArgs {
    fn files(&self) -> Vec<PathBuf> {
        self.clients.iter().cloned().collect()
    }
}

impl NamesFiles for FindingArgs {
    fn files(&self) -> Vec<PathBuf> {
        self.thresholds.iter().cloned().collect()
    }
}

impl NamesFiles for FlowArgs {
    fn files(&self) -> Vec<PathBuf> {
        self.config.iter().chain(&self.httplog).cloned().collect()
    }
}

impl NamesFiles for SizeArgs {
    /// Both readings of `FILE@TIME`: a name may contain an `@`.
    fn files(&self) -> Vec<PathBuf> {
        let dated = self.metrics.iter().filter_map(|text| text.rsplit_once('@')).map(|(path, _)| PathBuf::from(path));
        self.metrics.iter().map(PathBuf::from).chain(dated).collect()
    }
}

/// Candidates as typed: each a directory, or files joined by commas.
pub(super) struct Candidates<'c>(pub(super) &'c [String]);

impl NamesFiles for Candidates<'_> {
    fn files(&self) -> Vec<PathBuf> {
        self.0.iter().flat_map(|text| text.split(',')).map(PathBuf::from).collect()
    }
}

impl NamesFiles for Option<PathBuf> {
    fn files(&self) -> Vec<PathBuf> {
        self.iter().cloned().collect()
    }
}

/// All files that these arguments name.
pub(super) fn side_files(args: &[&dyn NamesFiles]) -> Vec<PathBuf> {
    args.iter().flat_map(|args| args.files()).collect()
}

/// Whether a file is one of these, or in a directory that is.
pub(super) fn is_side_file(file: &str, side_files: &[PathBuf]) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let Some(file) = real(Path::new(file)) else { return false };
    side_files.iter().filter_map(|side| real(side)).any(|side| file.starts_with(side))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_however_they_are_named() {
        let sizes = SizeArgs { metrics: vec!["src/lib.rs@2026-01-01T00:00:00Z".to_owned()], ..SizeArgs::default() };
        let candidates = ["src/units".to_owned()];
        let known = side_files(&[&sizes, &Some(PathBuf::from("./src/main.rs"))]);
        assert!(is_side_file("src/lib.rs", &known) && is_side_file("src/../src/main.rs", &known));
        assert!(!is_side_file("src/console.rs", &known) && !is_side_file("src/nothing.rs", &known));
        assert!(is_side_file("src/units/mod.rs", &side_files(&[&Candidates(&candidates)])));
    }
}
