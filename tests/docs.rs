//! The documentation is true: its commands run, its links lead somewhere, its lists are complete, its excerpts are real.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use stormglass::apf::lint::RULES;
use stormglass::findings::Kind;
use stormglass::tables::QuerySet;

use crate::support::project;

/// What a reader puts their own file for, and the sample that stands in for it.
const PLACEHOLDERS: [(&str, &str); 12] = [
    ("/var/log/kubernetes/audit/", "sample-logs/python-oom"),
    ("audit.log", "sample-logs/quiet/audit.log.gz"),
    ("audit*.log.gz", "sample-logs/quiet/audit*.log.gz"),
    ("a.log", "sample-logs/hard-cap/before-1.log.gz"),
    ("b.log", "sample-logs/hard-cap/after-1.log.gz"),
    ("before.log", "sample-logs/hard-cap/before-1.log.gz"),
    ("after.log", "sample-logs/hard-cap/after-1.log.gz"),
    ("live.yaml", "tests/manifests/good-limiter.yaml"),
    ("limiter.yaml", "sample-logs/hard-cap/candidates/hard-cap.yaml"),
    ("clients.yaml", "own/clients.yaml"),
    ("metrics.txt", "own/metrics.txt"),
    ("kube-apiserver.log", "own/kube-apiserver.log"),
];

/// Stand-ins that are no samples of the project.
const OWN_FILES: [(&str, &str); 3] = [
    (
        "own/clients.yaml",
        "- client: billing-exporter\n  type: operator\n  accounts: [\"billing:*\"]\n  agents: [\"exporter/*\"]\n  \
         source: our own\n",
    ),
    (
        "own/metrics.txt",
        "apiserver_resource_objects{group=\"\",resource=\"pods\"} 3000\n\
         apiserver_resource_size_estimate_bytes{group=\"\",resource=\"pods\"} 1.5e+07\n",
    ),
    (
        "own/kube-apiserver.log",
        "I1124 09:15:46.669035    1360 httplog.go:134] \"HTTP\" verb=\"LIST\" URI=\"/api/v1/nodes\" latency=\"3.41s\" \
         userAgent=\"a\" audit-ID=\"eee20139\" srcIP=\"127.1.0.58:37071\" apf_pl=\"limit-lists\" \
         apf_fs=\"cluster-lists\" apf_iseats=1 apf_fseats=0 apf_additionalLatency=\"0s\" resp=200\n",
    ),
];

/// A command line of a page.
#[derive(Debug, PartialEq)]
struct CommandLine {
    /// The arguments of `stormglass`.
    args: Vec<String>,
    /// The file that is its standard input.
    input: Option<String>,
}

fn pages() -> Vec<PathBuf> {
    let mut pages = vec![project("README.md"), project("sample-logs/README.md"), project(".github/CONTRIBUTING.md")];
    let docs = fs::read_dir(project("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    pages.sort();
    pages
}

/// The contents of the fenced blocks in a language.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let fences = text.split("\n```").collect::<Vec<_>>();
    // Every second piece is inside of a fence, and begins with its language.
    let inside = fences.iter().skip(1).step_by(2);
    inside.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// The commands of a page that run `stormglass`, as a shell would read them: quotes, continued lines, comments. What
/// follows a pipe or a redirection to a file is left out.
fn command_lines(text: &str) -> Vec<CommandLine> {
    let mut found = Vec::new();
    for block in blocks(text, "console") {
        for command in format!("\n{block}").split("\n$ ").skip(1) {
            let words = shell_words(command);
            let args = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["stormglass", ..] => &words[1..],
                ["cargo", "run", "--release", "--", ..] => &words[4..],
                _ => continue,
            };
            let end = args.iter().position(|word| ["|", ">", "<"].contains(&word.as_str())).unwrap_or(args.len());
            let input = args.iter().position(|word| word == "<").map(|index| args[index + 1].clone());
            found.push(CommandLine { args: args[..end].to_vec(), input });
        }
    }
    found
}

fn shell_words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => word.get_or_insert_default().push(letter),
            ('"' | '\'', None) => {
                word.get_or_insert_default();
                quote = Some(letter);
            }
            ('\\', None) if letters.next_if_eq(&'\n').is_some() => words.extend(word.take()),
            ('#', None) if word.is_none() => while letters.next_if(|letter| *letter != '\n').is_some() {},
            // The command ends with its line; what follows is what it prints.
            ('\n', None) => break,
            (_, None) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// An argument with the sample in place of a placeholder, also in `NAME=PATH`.
fn with_sample(arg: &str) -> String {
    let sample = |path: &str| PLACEHOLDERS.iter().find(|(placeholder, _)| *placeholder == path).map(|(_, path)| *path);
    match arg.split_once('=') {
        Some((name, path)) => sample(path).map_or_else(|| arg.to_owned(), |sample| format!("{name}={sample}")),
        None => sample(arg).unwrap_or(arg).to_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// A folder as a reader has it who begins in the project's.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for part in ["sample-logs", "tests/manifests", "queries"] {
        copy(&project(part), &folder.path().join(part));
    }
    fs::create_dir(folder.path().join("own")).unwrap();
    for (path, content) in OWN_FILES {
        fs::write(folder.path().join(path), content).unwrap();
    }
    folder
}

/// Runs the commands of a page one after the other, as its reader would; what went wrong.
fn run_page(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let folder = workplace();
    let mut wrong = Vec::new();
    for CommandLine { args, input } in command_lines(&text) {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_stormglass"));
        command.current_dir(folder.path()).env("NO_COLOR", "1").args(args.iter().map(|arg| with_sample(arg)));
        if let Some(input) = &input {
            command.write_stdin(fs::read(folder.path().join(with_sample(input))).unwrap());
        }
        let output = command.output().unwrap();
        if !matches!(output.status.code(), Some(0 | 1)) {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            wrong.push(format!("{}: stormglass {}\n{error}", page.display(), args.join(" ")));
        }
    }
    wrong
}

/// A command that a reader copies works.
#[test]
fn the_commands_of_the_documentation_run() {
    let pages = pages();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(|| run_page(page))).collect();
        running.into_iter().flat_map(|page| page.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_are_read_as_a_shell_reads_them() {
    let text = "\n```console\n$ stormglass query a.log --sql \"\n  select 1\" \\\n  --limit 5   # a comment's\nan answer\n\
                $ cargo run --release -- storms - < b.log\n$ stormglass man 'man/' | less\n$ cargo test\n```\n";
    let args = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        command_lines(text),
        [
            CommandLine { args: args(&["query", "a.log", "--sql", "\n  select 1", "--limit", "5"]), input: None },
            CommandLine { args: args(&["storms", "-"]), input: Some("b.log".to_owned()) },
            CommandLine { args: args(&["man", "man/"]), input: None },
        ]
    );
    assert_eq!(with_sample("x=a.log"), "x=sample-logs/hard-cap/before-1.log.gz");
    assert!(pages().iter().any(|page| !command_lines(&fs::read_to_string(page).unwrap()).is_empty()));
}

/// The anchor that a heading gets where Markdown is shown.
fn anchor(heading: &str) -> String {
    let letters = heading.trim().to_lowercase();
    letters.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let has_anchor = || {
                let text = fs::read_to_string(&target).unwrap();
                text.lines().any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == wanted)
            };
            if !target.exists() || !wanted.is_empty() && !has_anchor() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// The names in backticks that begin the rows of a page's first table.
fn table_names(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(project(page)).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = table.filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    let names = cells.flat_map(|cell| cell.split(", "));
    names.map(|name| name.trim_matches(['`', ' ']).to_owned()).collect()
}

#[test]
fn every_rule_kind_and_query_is_documented() {
    let rules = RULES.iter().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(table_names("docs/apf.md"), rules);
    let kinds = Kind::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    assert_eq!(table_names("docs/storms.md"), kinds);
    let queries = QuerySet::load(None).unwrap();
    for name in table_names("docs/sql.md") {
        assert!(queries.get(&name).is_some(), "there is no query {name}");
    }
}

/// A text with its white space made alike.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Each piece of the excerpt in the README, between its ellipses, is in the report.
#[test]
fn the_report_in_the_readme_is_real() {
    let readme = fs::read_to_string(project("README.md")).unwrap();
    let excerpt = blocks(&readme, "text")[0];
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_stormglass"));
    let output = command.current_dir(project("")).args(["storms", "sample-logs/operator-loop"]).output().unwrap();
    let report = flat(&String::from_utf8(output.stdout).unwrap());
    for piece in excerpt.split("\n…") {
        assert!(report.contains(&flat(piece)), "not in the report: {piece}");
    }
}

/// The library's example is shown where people look for it, and compiled where it is documented.
#[test]
fn the_example_of_the_library_is_the_one_that_is_compiled() {
    let library = fs::read_to_string(project("src/lib.rs")).unwrap();
    let documented: String = library
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.trim_start()))
        .collect();
    let example = blocks(&documented, "")[0];
    let shown: String =
        example.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
    for page in ["README.md", "docs/architecture.md"] {
        let text = fs::read_to_string(project(page)).unwrap();
        assert_eq!(flat(blocks(&text, "rust")[0]), flat(&shown), "{page}");
    }
}
