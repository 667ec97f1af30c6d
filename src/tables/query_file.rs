//! Query files: one question each, with a header that says what its answer is.
//!
//! ```sql
//! -- slow_lists: LISTs that take long, by client and resource.
//! -- grain:  user_agent, resource, list_kind
//! -- reads:  lists
//! -- params: $min_count count = 5, fewest LISTs a row needs
//! -- for:    reports
//! -- kept:   because several queries read it.
//! -- why:    a mean hides the few that time out.
//! select …
//! ```
//!
//! A query that is `kept` is read once and its rows stay in memory; without that line each query that reads it reads the
//! logs again. `for` says who reads a query that isn't meant for people: `reports`, or `other queries`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::error::{TablesError, similar};

macro_rules! embedded {
    ($($name:ident),* $(,)?) => {
        &[$((stringify!($name), include_str!(concat!("../../queries/", stringify!($name), ".sql")))),*]
    };
}

/// The queries that come with the program.
const EMBEDDED: &[(&str, &str)] = embedded![
    apf_waits,
    apiserver_loads,
    arrivals,
    baselines,
    bursts,
    busy_reads,
    classified_requests,
    client_activity,
    client_flows,
    client_lists,
    client_loads,
    client_periods,
    client_reads,
    client_totals,
    clocks,
    codes_by_client,
    collection_deletes,
    collection_reads,
    controller_rates,
    coverage,
    crowded_watches,
    cut_off_reads,
    discovery,
    discovery_loops,
    episode_clients,
    episode_instances,
    episode_peaks,
    episode_reads,
    episodes,
    expired_lists,
    flow_counts,
    flow_loads,
    flow_periods,
    flow_requests,
    full_lists,
    harmed_clients,
    identities,
    impersonations,
    inflight,
    inventory,
    latency_by_resource,
    latency_by_scope,
    latency_over_time,
    level_hours,
    level_loads,
    level_peaks,
    level_rejections,
    list_kinds_by_client,
    list_loads,
    list_pressure,
    list_reads,
    list_shapes,
    list_urls,
    lists,
    lists_by_user,
    loops,
    object_growth,
    open_requests,
    pages,
    pileups,
    polls,
    presence,
    pressure_at,
    read_windows,
    rejected,
    rejections,
    repeated_requests,
    request_loops,
    request_mix,
    resource_evidence,
    resource_sizes,
    restarts,
    returns,
    run_reads,
    schema_loads,
    sensitive_requests,
    server_activity,
    short_watches,
    signs_of_life,
    slow_lists,
    source_addresses,
    top_clients,
    unpaginated_lists,
    verdict_checks,
    watch_counts,
    watch_fanouts,
    watch_pileups,
    watches,
    webhook_failures,
    whole_lists,
    writers,
];

/// A query and what its header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFile {
    /// Its name: the file's, and the view's.
    pub name: String,
    /// What one reads in its answer, in a sentence.
    pub about: String,
    /// What one row is.
    pub grain: String,
    /// The tables and views it reads.
    pub reads: Vec<String>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Who reads it, if it isn't meant for people: `reports` or `other queries`; else empty.
    pub read_by: String,
    /// Why its rows are kept in memory, once read, while other queries read them; empty if they aren't.
    pub kept: String,
    /// What is easy to get wrong.
    pub why: String,
    /// The whole file, header and all.
    pub sql: String,
}

/// A parameter of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name, without the `$`.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its value unless one is given.
    pub default: String,
    /// What it means.
    pub about: String,
}

/// Why a query file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum QueryFileError {
    /// The header lacks a part.
    #[error("query {name}: the header has no `-- {part}` line")]
    MissingPart {
        /// The query.
        name: String,
        /// The part.
        part: String,
    },
    /// A parameter's line is not of the form that is asked for.
    #[error("query {name}: `{line}` is not of the form `$name unit = default, meaning`")]
    BadParam {
        /// The query.
        name: String,
        /// The line.
        line: String,
    },
    /// The directory of further queries can't be read.
    #[error("can't read {path}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl QueryFile {
    /// Reads the query `name` from its text.
    ///
    /// # Errors
    /// When its header isn't as it should be.
    pub fn parse(name: &str, sql: &str) -> Result<Self, QueryFileError> {
        let parts = header_parts(sql);
        let part = |key: &str| parts.iter().find(|(part, _)| part == key).map(|(_, lines)| lines);
        let required = |key: &str| {
            let missing = || QueryFileError::MissingPart { name: name.to_owned(), part: format!("{key}:") };
            part(key).map(|lines| lines.join(" ")).filter(|text| !text.is_empty()).ok_or_else(missing)
        };
        let params = part("params").map_or(&[] as &[String], Vec::as_slice);
        Ok(Self {
            name: name.to_owned(),
            about: required(name)?,
            grain: required("grain")?,
            reads: required("reads")?.split(',').map(|read| read.trim().to_owned()).collect(),
            params: params.iter().map(|line| Param::parse(name, line)).collect::<Result<_, _>>()?,
            read_by: part("for").map(|lines| lines.join(" ")).unwrap_or_default(),
            kept: part("kept").map(|lines| lines.join(" ")).unwrap_or_default(),
            why: required("why")?,
            sql: sql.to_owned(),
        })
    }

    /// Whether only other queries or reports read it, so that lists of queries for people leave it out.
    pub const fn is_internal(&self) -> bool {
        !self.read_by.is_empty()
    }
}

impl Param {
    fn parse(query: &str, line: &str) -> Result<Self, QueryFileError> {
        let parse = || {
            let (name, rest) = line.strip_prefix('$')?.split_once(' ')?;
            let (value, about) = rest.split_once(',')?;
            let (unit, default) = value.split_once('=')?;
            Some(Self {
                name: name.to_owned(),
                unit: unit.trim().to_owned(),
                default: default.trim().to_owned(),
                about: about.trim().to_owned(),
            })
        };
        parse().ok_or_else(|| QueryFileError::BadParam { name: query.to_owned(), line: line.to_owned() })
    }
}

/// The header's parts in order, each with its lines. A line that starts no part goes on with the one before; each
/// parameter is a line of its own.
fn header_parts(sql: &str) -> Vec<(String, Vec<String>)> {
    let mut parts: Vec<(String, Vec<String>)> = Vec::new();
    let header = sql.lines().map_while(|line| line.strip_prefix("--"));
    for line in header {
        let starts_part = line.strip_prefix(' ').and_then(|line| line.split_once(':')).filter(|(key, _)| {
            !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
        });
        match (starts_part, parts.last_mut()) {
            (Some((key, text)), _) => parts.push((key.to_owned(), vec![text.trim().to_owned()])),
            (None, Some((key, lines))) if key == "params" && !line.trim().starts_with('$') => {
                if let Some(last) = lines.last_mut() {
                    last.push(' ');
                    last.push_str(line.trim());
                }
            }
            (None, Some((_, lines))) => lines.push(line.trim().to_owned()),
            (None, None) => {}
        }
    }
    parts
}

/// All queries at hand, by name.
#[derive(Clone, Debug)]
pub struct QuerySet {
    queries: BTreeMap<String, QueryFile>,
}

impl QuerySet {
    /// The queries that come with the program, and those of `directory`, which add to them or replace them by name.
    ///
    /// # Errors
    /// When the directory can't be read, or a file's header isn't as it should be.
    pub fn load(directory: Option<&Path>) -> Result<Self, QueryFileError> {
        let mut queries = BTreeMap::new();
        for (name, sql) in EMBEDDED {
            queries.insert((*name).to_owned(), QueryFile::parse(name, sql)?);
        }
        for (name, sql) in directory.map(read_directory).transpose()?.into_iter().flatten() {
            queries.insert(name.clone(), QueryFile::parse(&name, &sql)?);
        }
        Ok(Self { queries })
    }

    /// A query by its name.
    pub fn get(&self, name: &str) -> Option<&QueryFile> {
        self.queries.get(name)
    }

    /// A query by its name.
    ///
    /// # Errors
    /// When there is none, with the names that are most like it.
    pub fn find(&self, name: &str) -> Result<&QueryFile, TablesError> {
        self.get(name).ok_or_else(|| TablesError::UnknownQuery {
            name: name.to_owned(),
            suggestions: similar(name, self.queries.keys().map(String::as_str)),
        })
    }

    /// All queries, by name.
    pub fn iter(&self) -> impl Iterator<Item = &QueryFile> {
        self.queries.values()
    }

    /// Those of the names that are queries, and the queries that they read, each after those it reads.
    pub(super) fn with_reads<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&QueryFile> {
        let mut found = Vec::new();
        for name in names {
            self.collect(name, &mut Vec::new(), &mut found);
        }
        found
    }

    /// `readers` are the queries on the way to `name`: a query that reads itself through others is found once, and planning
    /// it fails then.
    fn collect<'q>(&'q self, name: &str, readers: &mut Vec<&'q str>, found: &mut Vec<&'q QueryFile>) {
        let Some(query) = self.queries.get(name) else {
            return;
        };
        if readers.contains(&name) || found.iter().any(|other| other.name == name) {
            return;
        }
        readers.push(&query.name);
        for read in &query.reads {
            self.collect(read, readers, found);
        }
        readers.pop();
        found.push(query);
    }
}

fn read_directory(directory: &Path) -> Result<Vec<(String, String)>, QueryFileError> {
    let unreadable = |source| QueryFileError::Unreadable { path: directory.display().to_string(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "sql")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
        {
            files.push((name.to_owned(), fs::read_to_string(&path).map_err(unreadable)?));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQL: &str = "\
-- slow: what one reads here,
--         on two lines: yes.
-- grain:  user_agent
-- reads:  requests, lists
-- params: $min_count count = 5, fewest rows
--         $max_secs s = 1.5, longest,
--         with more words
-- why:    because.
select 1;
";

    #[test]
    fn a_header_is_read_in_full() {
        let query = QueryFile::parse("slow", SQL).unwrap();
        assert_eq!(query.about, "what one reads here, on two lines: yes.");
        assert_eq!(query.reads, ["requests", "lists"]);
        assert_eq!(query.params.len(), 2);
        assert_eq!(query.params[0].name, "min_count");
        assert_eq!((query.params[1].unit.as_str(), query.params[1].default.as_str()), ("s", "1.5"));
        assert_eq!(query.params[1].about, "longest, with more words");
    }

    #[test]
    fn a_header_without_a_part_is_refused() {
        let error = QueryFile::parse("slow", &SQL.replace("-- why:", "-- ")).unwrap_err();
        assert_eq!(error.to_string(), "query slow: the header has no `-- why:` line");
    }

    #[test]
    fn every_embedded_query_has_a_header() {
        assert_eq!(QuerySet::load(None).unwrap().iter().count(), EMBEDDED.len());
    }
}
