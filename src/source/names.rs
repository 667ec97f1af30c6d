//! What a log file's name tells: which apiserver wrote it, and where it stands in its rotated set.
//!
//! kube-apiserver rotates with lumberjack (`audit-2026-07-23T18-32-12.123.log`, the time of rotation in UTC), hosts with
//! logrotate (`audit.log.1`, `audit.log-20190102-1546444805`); either may append `.gz` or `.zst`.

use std::path::{Component, Path};

/// A file's place in its rotated set: the same `base`, then older ones first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SetOrder {
    base: String,
    age: Age,
}

/// In the order of the time of writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// Rotated away at this time, as its digits say.
    At(String),
    /// `.N`: the higher the number, the older, so kept negative.
    Numbered(i64),
    /// Still being written.
    Current,
}

/// Reads a file name's place in its rotated set.
pub(super) fn set_order(file_name: &str) -> SetOrder {
    let name = without_compression(file_name);
    let (base, age) = lumberjack(name)
        .or_else(|| numbered(name))
        .or_else(|| dated(name))
        .unwrap_or_else(|| (name.to_owned(), Age::Current));
    SetOrder { base, age }
}

/// What the files of a rotated set have in common.
pub(super) fn set_base(file_name: &str) -> String {
    set_order(file_name).base
}

/// A set's name without what says that it is a log.
pub(super) fn stem(base: &str) -> &str {
    [".log", ".json", ".jsonl", ".ndjson", ".txt"].iter().find_map(|suffix| base.strip_suffix(suffix)).unwrap_or(base)
}

/// A name without its `.gz` or `.zst`.
pub(super) fn without_compression(file_name: &str) -> &str {
    [".gz", ".zst", ".zstd"].iter().find_map(|suffix| file_name.strip_suffix(suffix)).unwrap_or(file_name)
}

/// `<base>-2006-01-02T15-04-05.000<ext>`
fn lumberjack(name: &str) -> Option<(String, Age)> {
    const LENGTH: usize = "-2006-01-02T15-04-05.000".len();
    let bytes = name.as_bytes();
    let at = bytes.windows(LENGTH).position(|window| {
        window.iter().enumerate().all(|(at, byte)| match at {
            0 | 5 | 8 | 14 | 17 => *byte == b'-',
            11 => *byte == b'T',
            20 => *byte == b'.',
            _ => byte.is_ascii_digit(),
        })
    })?;
    let (base, time) = name.split_at(at);
    let (time, extension) = time.split_at(LENGTH);
    Some((format!("{base}{extension}"), Age::At(only_digits(time))))
}

/// `<name>.N`
fn numbered(name: &str) -> Option<(String, Age)> {
    let (base, number) = name.rsplit_once('.')?;
    let number: i64 = number.parse().ok().filter(|_| number.len() <= 6)?;
    Some((base.to_owned(), Age::Numbered(-number)))
}

/// `<name>-YYYYMMDD`, perhaps with `-<epoch>`
fn dated(name: &str) -> Option<(String, Age)> {
    let at = name.match_indices('-').map(|(at, _)| at).find(|at| {
        let date = name[at + 1..].split('-').next().unwrap_or_default();
        date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())
    })?;
    Some((name[..at].to_owned(), Age::At(only_digits(&name[at..]))))
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Directories that say where logs are kept, not whose they are.
const GENERIC: [&str; 13] = [
    "audit",
    "audit_logs",
    "audit-logs",
    "kube-apiserver",
    "kube-audit",
    "kubernetes",
    "log",
    "logs",
    "server",
    "apiserver",
    "var",
    "tmp",
    "pods",
];

/// OpenShift's other servers that audit: a request passed on to one of them is logged there once more.
const OTHER_SERVERS: [&str; 4] = ["openshift-apiserver", "oauth-apiserver", "oauth-server", "etcd"];

/// The apiserver that wrote the file at `path`, as its name or its nearest telling directory says.
///
/// `NODE-audit.log` (as `oc adm must-gather` names them) is of `NODE`; else the directory gives its name.
pub(super) fn apiserver(path: &Path) -> Option<String> {
    let file_name = path.file_name()?.to_string_lossy();
    let directories: Vec<_> = path
        .parent()?
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        })
        .collect();
    let other_server = directories.iter().rev().find(|name| OTHER_SERVERS.contains(&name.as_ref()));
    let node = node_prefix(&file_name).map(ToOwned::to_owned).or_else(|| {
        directories
            .iter()
            .rev()
            .find(|name| !GENERIC.contains(&name.as_ref()) && !OTHER_SERVERS.contains(&name.as_ref()))
            .map(|name| name.clone().into_owned())
    });
    match (other_server, node) {
        (Some(server), Some(node)) => Some(format!("{server}/{node}")),
        (Some(server), None) => Some(server.clone().into_owned()),
        (None, node) => node,
    }
}

/// `master-0` of `master-0-audit-2026-07-23T18-32-12.123.log.gz`; a component's name before `-audit` is no node.
fn node_prefix(file_name: &str) -> Option<&str> {
    let at = file_name.find("-audit").or_else(|| file_name.find("_audit"))?;
    let prefix = &file_name[..at];
    (!prefix.is_empty() && !GENERIC.contains(&prefix)).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort_by_key(|name| set_order(name));
        names
    }

    #[test]
    fn rotated_sets_are_read_from_the_oldest_to_the_current() {
        let by_lumberjack = [
            "audit-2026-07-22T18-32-12.123.log.gz",
            "audit-2026-07-23T01-00-00.000.log.gz",
            "audit-2026-07-23T18-32-12.123.log",
            "audit.log",
        ];
        let by_number = ["audit.log.10.gz", "audit.log.9.gz", "audit.log.1", "audit.log"];
        let by_date = [
            "kube-apiserver-audit.log-20190102-1546444805.gz",
            "kube-apiserver-audit.log-20190102-1546448405.gz",
            "kube-apiserver-audit.log-20190103",
            "kube-apiserver-audit.log",
        ];
        for expected in [&by_lumberjack, &by_number, &by_date] {
            let mut shuffled = *expected;
            shuffled.reverse();
            assert_eq!(sorted(&shuffled), expected);
        }
    }

    #[test]
    fn the_apiserver_is_told_by_file_or_directory() {
        for (path, expected) in [
            ("audit.log", None),
            ("/var/log/kubernetes/audit/audit.log", None),
            ("cluster-a/audit.log", Some("cluster-a")),
            ("logs/master-1/kube-apiserver/audit-2026-07-23T18-32-12.123.log.gz", Some("master-1")),
            ("must-gather/audit_logs/kube-apiserver/master-0-audit.log.gz", Some("master-0")),
            ("must-gather/audit_logs/openshift-apiserver/master-0-audit.log.gz", Some("openshift-apiserver/master-0")),
            ("x/kube-apiserver-audit.log", Some("x")),
        ] {
            assert_eq!(apiserver(Path::new(path)).as_deref(), expected, "{path}");
        }
    }
}
