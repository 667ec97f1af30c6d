//! The queries that come along: their headers, what they bind, and what they answer to the smallest log that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;

use stormglass::requests::Window;
use stormglass::tables::{Database, Logs, Params, QuerySet, dimension_columns, request_columns};

use stormglass::analysis::query::Question;

use crate::support::{ask_lines, project, temporary};

/// Runs a test where views that read views that read views can be planned: without optimization that takes more stack than a
/// thread of tests has.
fn with_room<F: Future<Output = ()> + 'static>(test: fn() -> F) {
    let run = move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test());
    std::thread::Builder::new().stack_size(32 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn every_query_file_comes_along() {
    let files: BTreeSet<_> = fs::read_dir(project("queries"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let names: BTreeSet<_> = QuerySet::load(None).unwrap().iter().map(|query| query.name.clone()).collect();
    assert_eq!(names, files);
}

#[test]
fn every_query_can_be_planned_and_binds_what_its_header_says() {
    with_room(queries_are_planned);
}

async fn queries_are_planned() {
    let queries = QuerySet::load(None).unwrap();
    let database = Database::new(&Logs::new(Vec::new(), Window::default(), false), queries.clone(), 1 << 30).unwrap();
    for query in queries.iter() {
        let answer = database.query(&query.name, &Params::new()).await;
        let schema = answer.unwrap_or_else(|error| unreachable!("{error}")).schema();
        let placeholders: BTreeSet<_> = query
            .sql
            .lines()
            .filter(|line| !line.starts_with("--"))
            .flat_map(|line| line.split('$').skip(1))
            .map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>())
            .collect();
        let params: BTreeSet<_> = query.params.iter().map(|param| param.name.clone()).collect();
        assert_eq!(params, placeholders, "{}", query.name);
        for column in query.grain.split(',').map(str::trim) {
            assert!(schema.field_with_name(column).is_ok(), "{}: no column {column} of its grain", query.name);
        }
        let tables: BTreeSet<_> = query.reads.iter().cloned().collect();
        let dimensions: BTreeSet<_> = dimension_columns().into_iter().map(|(table, _)| table.to_owned()).collect();
        let is_known =
            |table: &String| table == "requests" || dimensions.contains(table) || queries.get(table).is_some();
        assert!(tables.iter().all(is_known), "{}", query.name);
    }
}

/// A query that isn't for people says rightly who reads it.
#[test]
fn internal_queries_are_read_by_whom_they_say() {
    let queries = QuerySet::load(None).unwrap();
    for query in queries.iter().filter(|query| query.is_internal()) {
        let is_read = queries.iter().any(|other| other.reads.contains(&query.name));
        assert_eq!(query.read_by, if is_read { "other queries" } else { "reports" }, "{}", query.name);
    }
    assert!(queries.find("client_reads").unwrap().is_internal() && !queries.find("lists").unwrap().is_internal());
}

/// Views are bound together with the query that reads them, so a parameter's name means one thing everywhere.
#[test]
fn a_parameter_has_the_same_default_everywhere() {
    let queries = QuerySet::load(None).unwrap();
    let mut known = BTreeMap::new();
    for param in queries.iter().flat_map(|query| &query.params) {
        let default = known.entry(&param.name).or_insert(&param.default);
        assert_eq!(*default, &param.default, "${}", param.name);
    }
}

/// Columns of one name mean the same everywhere, so they have one type everywhere.
#[test]
fn a_column_has_the_same_type_everywhere() {
    with_room(columns_are_planned);
}

async fn columns_are_planned() {
    let queries = QuerySet::load(None).unwrap();
    let database = Database::new(&Logs::new(Vec::new(), Window::default(), false), queries.clone(), 1 << 30).unwrap();
    let mut types: BTreeMap<String, String> =
        request_columns().into_iter().map(|column| (column.name.to_owned(), column.data_type)).collect();
    for query in queries.iter() {
        let schema = database.query(&query.name, &Params::new()).await.unwrap().schema();
        for field in schema.fields() {
            let data_type = field.data_type().to_string();
            let known = types.entry(field.name().clone()).or_insert_with(|| data_type.clone());
            assert_eq!(*known, data_type, "{}.{}", query.name, field.name());
        }
    }
}

#[test]
fn every_case_has_its_answer() {
    let mut snapshots = insta::Settings::clone_current();
    snapshots.set_prepend_module_to_snapshot(false);
    snapshots.set_snapshot_path(project("tests/queries"));
    snapshots.set_omit_expression(true);
    for query in QuerySet::load(None).unwrap().iter() {
        let mut cases: Vec<_> = fs::read_dir(project("tests/queries").join(&query.name))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        cases.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        cases.sort();
        assert!(!cases.is_empty(), "{} has no case", query.name);
        for case in cases {
            let log = format!("apiserver-1={}", case.display());
            let (answer, tally) = ask_lines(&[log], Question::Named(query.name.clone()));
            assert_eq!(tally.unreadable_count(), 0, "{}", case.display());
            let mut answer = String::from_utf8(answer).unwrap().replace(&project("").display().to_string(), "");
            // Some that only other queries read have no order.
            if !query.sql.lines().any(|line| line.starts_with("order by")) {
                let mut lines: Vec<_> = answer.lines().collect();
                lines.sort_unstable();
                answer = lines.join("\n");
            }
            let name = format!("{}.{}", query.name, case.file_stem().unwrap().to_string_lossy());
            snapshots.bind(|| insta::assert_snapshot!(name, answer));
        }
    }
}

/// Bounds of time are looked at while the log is read; that must not change the answer.
#[test]
fn bounds_of_time_change_no_answer() {
    let sample = [project("sample-logs/operator-loop").display().to_string()];
    for bound in [
        "received_at >= '2026-11-24T09:07:00Z'",
        "received_at < '2026-11-24T09:06:30.5Z'",
        "'2026-11-24T09:07:00Z' < completed_at",
        "completed_at >= '2026-11-24T09:06:00Z' and received_at <= '2026-11-24T09:06:10Z'",
        "completed_at < '2026-11-24T09:06:00Z'",
    ] {
        let count = |filter: &str| {
            let sql = format!("select count(*) as n from requests where {filter}");
            let (rows, _) = crate::support::ask::<serde_json::Value>(&sample, &sql);
            rows[0]["n"].as_u64().unwrap()
        };
        // Wrapped, the columns are out of the scan's sight.
        let hidden =
            bound.replace("received_at", "coalesce(received_at)").replace("completed_at", "coalesce(completed_at)");
        let found = count(bound);
        assert_eq!(found, count(&hidden), "{bound}");
        assert!(found > 0, "{bound}");
    }
}

/// What conditions let through is told where rows are made; that must not change the answer either, nor must lines that
/// stand in a log twice.
#[test]
fn conditions_change_no_answer() {
    let sample = project("sample-logs/operator-loop/audit-2026-11-24T09-08-00.244.log.gz");
    let mut log = String::new();
    flate2::read::MultiGzDecoder::new(fs::File::open(sample).unwrap()).read_to_string(&mut log).unwrap();
    let half = log[..log.len() / 2].rfind('\n').unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    let logs = [temporary(&folder, "audit.log", log.clone() + &log[..half])];
    for condition in [
        "verb = 'list'",
        "verb <> 'watch' and code >= 200 and code < 300",
        "verb in ('get', 'list', 'create', 'patch', 'update')",
        "subresource not in ('status', 'log', 'exec', 'proxy')",
        "resource is null",
        "namespace is not null and 404 = code",
        "is_startup or user_name = 'system:apiserver'",
        "verb = 'watch' or code > 200 and outcome = 'complete'",
        "\"limit\" = 500",
        "starts_with(path, '/api') or starts_with(path, '/openapi/v')",
        "user_agent like 'kube%'",
        "user_agent like '%kube%' and verb = 'list'",
        "not (verb = 'list' or verb = 'watch')",
        "label_selector is null and received_at is not null and field_selector is not null",
        "outcome = 'open'",
        "user_name = 'nobody at all'",
    ] {
        let of = "count(*) as n, min(audit_id) as first, max(source_line) as last, count(started_at) as started";
        let answer = |sql: String| crate::support::ask::<serde_json::Value>(&logs, &sql).0;
        let found = answer(format!("select {of} from requests where {condition}"));
        let hidden = "select * from requests order by source_line limit 100000000";
        assert_eq!(found, answer(format!("select {of} from ({hidden}) where {condition}")), "{condition}");
    }
    let once = [temporary(&folder, "once/audit.log", log)];
    let sql = "select count(*) as n, count(distinct read_id) as ids, min(instance) as first, max(lifetime_secs) as longest \
               from client_reads";
    let (twice, tally) = crate::support::ask::<serde_json::Value>(&logs, sql);
    assert_eq!(twice, crate::support::ask::<serde_json::Value>(&once, sql).0);
    assert!(tally.duplicates > 1_000, "{}", tally.duplicates);
}
