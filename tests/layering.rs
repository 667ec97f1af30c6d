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
    rust_files("src")
}

/// The files of Rust in a folder of the project and below.
fn rust_files(folder: &str) -> Vec<PathBuf> {
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
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
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

/// The command line is tested through the program, everything else through the library.
#[test]
fn only_tests_of_the_command_line_run_the_program() {
    // Put together, as this file would name it otherwise.
    let program = [["CARGO_BIN", "_EXE"].concat(), ["crate::", "cli"].concat()];
    let naming: Vec<String> = rust_files("tests")
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            program.iter().any(|name| text.contains(name))
        })
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("cli") && name != "docs.rs")
        .collect();
    assert!(naming.is_empty(), "{naming:?} run the program");
}

/// Stages whose results are data, for which `report` has the words.
const WORDLESS: [&str; 3] = ["candidates", "findings", "simulation"];

/// Macros, attributes and methods whose text no user reads unless the program is broken, or it is an error's.
const EXCUSED: [&str; 9] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "error",
    "expect",
    "must_use",
    "unreachable",
];

#[test]
fn only_reports_have_sentences() {
    let mut broken = Vec::new();
    for path in source_files().iter().filter(|path| WORDLESS.contains(&stage(path).as_str()) && !is_test(path)) {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for literal in literals(code).into_iter().filter(|literal| is_prose(&literal.text) && !literal.is_excused) {
            broken.push(format!("{}: {:?}", path.display(), literal.text));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn literals_are_found_with_what_excuses_them() {
    let code = r####"
        // "In a comment there are words."
        let a = ('"', '\'', "three words \" here", r#"raw "words" are found"#);
        assert!(f("is said in an assertion"), "and beside a call");
        #[expect(clippy::x, reason = "a reason for a lint")]
        fn f<'a>(text: &'a str) { g(text, "not excused any more") }
        #[error("an error {0} is said")]
    "####;
    let found: Vec<_> = literals(code).into_iter().map(|literal| (literal.text, literal.is_excused)).collect();
    let expected = [
        ("three words \\\" here", false),
        ("raw \"words\" are found", false),
        ("is said in an assertion", true),
        ("and beside a call", true),
        ("a reason for a lint", true),
        ("not excused any more", false),
        ("an error {0} is said", true),
    ];
    assert_eq!(found, expected.map(|(text, is_excused)| (text.to_owned(), is_excused)));
    assert!(is_prose("{} of {count} requests are late") && !is_prose("list-loop") && !is_prose("user_name, verb"));
}

/// Whether a file has tests alone: those that a `mod` under `#[cfg(test)]` names.
fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs" || name == "cases.rs")
}

/// Whether text has three words or more, beside what is put into it.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &&str| !word.starts_with('{') && word.contains(|c: char| c.is_alphabetic());
    text.split_whitespace().filter(is_word).count() >= 3
}

/// Text between quotes.
struct Literal {
    text: String,
    /// Whether it is within the parentheses of something [`EXCUSED`], or the value of an attribute that is.
    is_excused: bool,
}

/// All string literals of code. Those of comments and characters aren't any.
fn literals(code: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    // For each bracket that is open, whether what opened it is excused.
    let mut open: Vec<bool> = Vec::new();
    let mut at = 0;
    while let Some(next) = code[at..].chars().next() {
        let (rest, before) = (&code[at..], &code[..at]);
        let mut length = next.len_utf8();
        if rest.starts_with("//") {
            length = rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            length = rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if next == '\'' {
            length = character(rest);
        } else if let Some((begin, end)) = string(rest, before) {
            length = rest[begin..].find(&end).map_or(rest.len(), |found| begin + found + end.len());
            if end == "\"" {
                length = begin + escaped(&rest[begin..]) + 1;
            }
            let text = rest[begin..length - end.len()].to_owned();
            found.push(Literal { text, is_excused: open.contains(&true) || is_excused(before) });
        } else if "([{".contains(next) {
            open.push(next == '(' && is_excused(before));
        } else if ")]}".contains(next) {
            open.pop();
        }
        at += length;
    }
    found
}

/// Whether code ends in the name of something excused, such as `assert!` before its parenthesis.
fn is_excused(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '!', '=']);
    let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |place| place + 1);
    EXCUSED.contains(&&before[start..])
}

/// The length of a character literal, or of the quote that begins a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest[1..].char_indices();
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((after, escaped))) => {
            let after = 1 + after + escaped.len_utf8();
            rest[after..].find('\'').map_or(rest.len(), |end| after + end + 1)
        }
        (Some(_), Some((end, '\''))) => end + 2,
        _ => 1,
    }
}

/// Where the text of a string literal begins, and what ends it; `None` if there is no string here.
fn string(rest: &str, before: &str) -> Option<(usize, String)> {
    if rest.starts_with('"') {
        return Some((1, "\"".to_owned()));
    }
    let is_within_a_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let hashes = rest.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let is_raw = !is_within_a_word && rest[1 + hashes..].starts_with('"');
    is_raw.then(|| (hashes + 2, format!("\"{}", "#".repeat(hashes))))
}

/// How long text is up to the first quote that no backslash escapes.
fn escaped(text: &str) -> usize {
    let mut is_escaped = false;
    for (place, c) in text.char_indices() {
        if c == '"' && !is_escaped {
            return place;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}
