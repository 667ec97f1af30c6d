//! What the tests share: where others' logs lie, and answers as plain rows.

use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stormglass::analysis::query::{Question, query};
use stormglass::analysis::{Change, LogTime, Session, SessionOptions};
use stormglass::apf::{Config, Manifest, validate};
use stormglass::audit::parse_instant;
use stormglass::dimensions::{ApiserverDecisions, DatedMetrics, Settings};
use stormglass::kubernetes::Version;
use stormglass::memory::{Server, Snapshot};
use stormglass::requests::Tally;
use stormglass::source::open_beside;
use stormglass::tables::{ApiserverDecisionRow, Format, Params};

/// The folder that the environment variable names, with a word when there is none.
pub(crate) fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        skipped(&format!("{variable} names no folder"));
    }
    folder
}

/// Says that a test skipped, in a line of its own: what a test prints with macros is hidden when it passes.
pub(crate) fn skipped(why: &str) {
    let line = format!("skipped: {why}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The files of a folder under `lab`, as one argument each.
pub(crate) fn inputs(lab: &Path, files: &[impl AsRef<Path>]) -> Vec<String> {
    files.iter().map(|file| lab.join(file).display().to_string()).collect()
}

/// The answer to a question over logs, and what reading them found.
pub(crate) fn ask<T: DeserializeOwned>(inputs: &[String], sql: &str) -> (Vec<T>, Tally) {
    let (rows, tally) = ask_lines(inputs, Question::Sql { name: "test".to_owned(), text: sql.to_owned() });
    (serde_json::Deserializer::from_slice(&rows).into_iter().map(Result::unwrap).collect(), tally)
}

/// The answer as JSON lines.
pub(crate) fn ask_lines(inputs: &[String], question: Question) -> (Vec<u8>, Tally) {
    ask_in(Format::Ndjson, inputs, question)
}

/// The answer in a format.
pub(crate) fn ask_in(format: Format, inputs: &[String], question: Question) -> (Vec<u8>, Tally) {
    let session = Session::new(SessionOptions {
        inputs: inputs.to_vec(),
        memory_bytes: Some(1 << 30),
        ..SessionOptions::default()
    });
    let session = session.unwrap();
    let mut lines = Vec::new();
    block_on(async {
        let answer = query(&session, &question, &Params::new()).await.unwrap();
        answer.write(format, &mut lines).await.unwrap();
    });
    (lines, session.tally())
}

/// Runs a future on a runtime of its own, with as much stack as a program's main thread has: without optimisation, planning
/// a query takes more than the two megabytes of a test's thread.
pub(crate) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    const STACK_BYTES: usize = 8 << 20;
    let run = || tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(future);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run).unwrap();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Logs with what is known of their cluster beside them, open for one question.
pub(crate) fn session(inputs: &[impl AsRef<Path>], settings: Settings) -> Session {
    session_within(inputs, (None, None), settings)
}

/// The same over the span from one time to another.
pub(crate) fn session_within(
    inputs: &[impl AsRef<Path>],
    (from, to): (Option<&str>, Option<&str>),
    settings: Settings,
) -> Session {
    let inputs = inputs.iter().map(|input| input.as_ref().display().to_string()).collect();
    let settings = Arc::new(settings);
    let (from, to) = (from.map(time), to.map(time));
    Session::new(SessionOptions { inputs, from, to, settings, ..SessionOptions::default() }).unwrap()
}

/// A time as people write it.
pub(crate) fn time(text: &str) -> LogTime {
    text.parse().unwrap()
}

/// Settings with sizes of resources, such as `pods=3000x5KB`.
pub(crate) fn sized(sizes: &[&str]) -> Settings {
    let given = sizes.iter().map(|size| size.parse().unwrap()).collect();
    Settings { given, ..Settings::default() }
}

/// A server of a version such as `1.34`.
pub(crate) fn server(version: &str) -> Server {
    Server { version: kubernetes(version), ..Server::default() }
}

/// A version such as `1.34`.
pub(crate) fn kubernetes(version: &str) -> Option<Version> {
    Some(version.parse().unwrap())
}

/// A file of an apiserver's metrics, taken at a time, by default when it says.
pub(crate) fn metrics(path: &Path, taken: Option<&str>) -> DatedMetrics {
    let text = io::read_to_string(open_beside(path).unwrap()).unwrap();
    let snapshot = Snapshot::read(&text).unwrap();
    let at = taken.or(snapshot.taken.as_deref()).and_then(parse_instant);
    DatedMetrics { at, snapshot }
}

/// The decisions in an apiserver's own logs.
pub(crate) fn decisions(logs: &[impl AsRef<Path>]) -> Vec<ApiserverDecisionRow> {
    let mut decisions = ApiserverDecisions::default();
    for log in logs {
        let count = decisions.read(open_beside(log.as_ref()).unwrap()).unwrap();
        assert!(count > 0, "{} has no decision", log.as_ref().display());
    }
    decisions.into_rows()
}

/// FlowSchemas and priority levels of files, right or wrong.
pub(crate) fn manifest(files: &[impl AsRef<Path>]) -> Manifest {
    let mut all = Manifest::default();
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        let read = Manifest::read(&text, file.as_ref().to_str());
        all.config.flow_schemas.extend(read.config.flow_schemas);
        all.config.priority_levels.extend(read.config.priority_levels);
        all.problems.extend(read.problems);
        all.notes.extend(read.notes);
    }
    all
}

/// FlowSchemas and priority levels of files, with which nothing is wrong.
pub(crate) fn config(files: &[impl AsRef<Path>]) -> Config {
    let read = manifest(files);
    assert!(read.problems.is_empty() && validate(&read.config).is_empty(), "{:?}", read.problems);
    read.config
}

/// The objects of a file as a candidate, which is called as the file.
pub(crate) fn change(file: impl AsRef<Path>) -> Change {
    let name = file.as_ref().file_stem().unwrap().to_string_lossy().into_owned();
    Change { name, config: config(&[file]) }
}

/// A report as whoever asks for JSON gets it.
pub(crate) fn json(report: &impl Serialize) -> Value {
    serde_json::from_str(&stormglass::report::json(report).unwrap()).unwrap()
}

/// A file under a temporary folder, with this content.
pub(crate) fn temporary(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

/// An audit event as kube-apiserver writes it, with these parts.
pub(crate) fn event(audit_id: &str, stage: &str, verb: &str, received: &str, at: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{audit_id}","stage":"{stage}","requestURI":"/api/v1/pods?limit=500\u0026resourceVersion=0","verb":"{verb}","user":{{"username":"system:node:n1","groups":["system:nodes","system:authenticated"]}},"sourceIPs":["10.0.0.1"],"userAgent":"kubelet/v1.36.2 (linux/amd64) kubernetes/8e16b12","objectRef":{{"resource":"pods","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-07-23T10:00:{received}Z","stageTimestamp":"2026-07-23T10:00:{at}Z","annotations":{{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""}}}}"#
    ) + "\n"
}
