//! Holds the source to the layout: a stage names only what stands to its left, only some files do I/O, and each file
//! opens with its reason.

use std::fs;
use std::path::{Path, PathBuf};

/// Facts that every stage may name; they name nothing to their right.
const GROUND: [&str; 3] = ["apf", "kubernetes", "units"];

/// Everything before the front door of the library, which knows nothing of looks and command lines.
const STAGES: &[&str] = &[
    "audit",
    "candidates",
    "clients",
    "dimensions",
    "findings",
    "memory",
    "requests",
    "simulation",
    "source",
    "tables",
];

/// The stages in the data's order, each with the stages it may name besides itself and [`GROUND`].
const MAY_NAME: [(&str, &[&str]); 21] = [
    ("kubernetes", &[]),
    ("units", &[]),
    ("apf", &[]),
    ("source", &[]),
    ("audit", &[]),
    ("requests", &["source", "audit"]),
    ("clients", &[]),
    ("tables", &["source", "audit", "requests"]),
    ("memory", &["tables"]),
    ("findings", &["audit", "memory", "requests", "tables"]),
    ("candidates", &["findings", "memory"]),
    ("simulation", &["memory"]),
    ("dimensions", &["audit", "clients", "memory", "tables"]),
    ("analysis", STAGES),
    (
        "report",
        &["analysis", "audit", "candidates", "clients", "findings", "memory", "requests", "simulation", "tables"],
    ),
    ("synth", &["audit"]),
    ("cli", &["analysis", "audit", "findings", "synth"]),
    ("console", &["cli", "report", "requests", "tables"]),
    (
        "commands",
        &[
            "analysis",
            "audit",
            "candidates",
            "cli",
            "clients",
            "console",
            "dimensions",
            "findings",
            "memory",
            "report",
            "requests",
            "source",
            "synth",
            "tables",
        ],
    ),
    ("lib", &[]),
    ("main", &[]),
];

/// What the ground may name of itself.
fn is_ground(stage: &str, named: &str) -> bool {
    match stage {
        "kubernetes" | "units" => false,
        "apf" => named != "apf",
        _ => GROUND.contains(&named),
    }
}

fn source_files() -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    found
}

/// The stage a file belongs to, such as `audit` for `src/audit/text.rs`.
fn stage(path: &Path) -> String {
    let path = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = path.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The code of a file without comments and without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let before_tests = text.split("#[cfg(test)]").next().unwrap();
    before_tests.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stage_names_only_what_stands_to_its_left() {
    let mut broken = Vec::new();
    for path in source_files() {
        let stage = stage(&path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == stage) else {
            broken.push(format!("{} is of no known stage", path.display()));
            continue;
        };
        for word in code(&path).split("crate::").skip(1) {
            let named: String = word.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if named != stage && !allowed.contains(&named.as_str()) && !is_ground(&stage, &named) {
                broken.push(format!("{} names {named}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Words that only some places may use.
const KEPT: [(&[&str], &[&str]); 5] = [
    (&["arrow::", "datafusion::", "parquet::"], &["tables"]),
    (&["std::fs", "File::open", "File::create"], &["source", "tables", "commands"]),
    (&["anstream::", "io::stdout()", "io::stderr()", "indicatif::"], &["console.rs"]),
    (
        &["legible(", "legible_lines("],
        &["report/terminal.rs", "report/html/", "report/markdown.rs", "console.rs", "units/"],
    ),
    (&["Instant::now", "SystemTime", "Timestamp::now", "env::var"], &[]),
];

#[test]
fn some_words_stay_where_they_belong() {
    let mut broken = Vec::new();
    for path in source_files() {
        let code = code(&path);
        for (words, places) in KEPT {
            let is_allowed = places.iter().any(|place| path.to_string_lossy().contains(&format!("src/{place}")));
            for word in words.iter().filter(|word| !is_allowed && code.contains(*word)) {
                broken.push(format!("{} uses {word}", path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_file_opens_with_its_reason() {
    let silent: Vec<_> =
        source_files().into_iter().filter(|path| !fs::read_to_string(path).unwrap().starts_with("//! ")).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

/// What a command does is to turn flags into options, call one analysis, print, and choose the exit code.
#[test]
fn commands_stay_short() {
    const MOST_LINES: usize = 150;
    let long: Vec<_> = source_files()
        .into_iter()
        .filter(|path| stage(path) == "commands")
        .filter(|path| fs::read_to_string(path).unwrap().lines().count() > MOST_LINES)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}
