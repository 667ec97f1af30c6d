//! What the tests share: where others' logs lie, and answers as plain rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use stormglass::commands::{Settings, prepare};
use stormglass::requests::{Tally, Window};
use stormglass::source::discover;
use stormglass::tables::{Database, Format, Logs, Params, QuerySet};

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
    let logs = Logs::new(discover(inputs).unwrap().files, Window::default(), false);
    let (rows, tally) = ask_logs(&logs, sql, &Params::new());
    (serde_json::Deserializer::from_slice(&rows).into_iter().map(Result::unwrap).collect(), tally)
}

/// The answer as JSON lines. `sql` may be a query's name.
pub(crate) fn ask_logs(logs: &Arc<Logs>, sql: &str, params: &Params) -> (Vec<u8>, Tally) {
    let queries = QuerySet::load(None).unwrap();
    let is_named = queries.get(sql).is_some();
    let database = Database::new(logs, queries, 1 << 30).unwrap();
    let mut lines = Vec::new();
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(async {
        let needs = if is_named { database.needs(&[sql]) } else { database.needs_of_sql(sql).unwrap() };
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        prepare(&database, &needs, &[], &Settings::default()).await.unwrap();
        let answer = if is_named { database.query(sql, params).await } else { database.sql("test", sql, params).await };
        answer.unwrap().write(Format::Ndjson, &mut lines).await.unwrap();
    });
    (lines, logs.tally().unwrap())
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
