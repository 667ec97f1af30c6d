//! What the tests share: where others' logs lie, and answers as plain rows.

use std::future::Future;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use stormglass::analysis::query::{Question, query};
use stormglass::analysis::{Session, SessionOptions};
use stormglass::requests::Tally;
use stormglass::tables::{Format, Params};

/// The folder that the environment variable names, with a word when there is none.
#[expect(clippy::print_stderr, reason = "tests find folders outside of the project so")]
pub(crate) fn folder(variable: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(variable).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {variable} names no folder");
    }
    folder
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
    let session = Session::new(SessionOptions {
        inputs: inputs.to_vec(),
        memory_bytes: Some(1 << 30),
        ..SessionOptions::default()
    });
    let session = session.unwrap();
    let mut lines = Vec::new();
    block_on(async {
        let answer = query(&session, &question, &Params::new()).await.unwrap();
        answer.write(Format::Ndjson, &mut lines).await.unwrap();
    });
    (lines, session.tally())
}

/// Runs a future on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(future)
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
