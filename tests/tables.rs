//! SQL over logs from the outside: errors in plain words, what SQL needs, and futures that are dropped before they end.

use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use stormglass::requests::Window;
use stormglass::source::discover;
use stormglass::tables::{Database, Format, Logs, Params, QuerySet, TablesError};

use crate::support::project;

fn database(logs: &Arc<Logs>) -> Database {
    Database::new(logs, QuerySet::load(None).unwrap(), 1 << 30).unwrap()
}

fn empty() -> Database {
    database(&Logs::new(Vec::new(), Window::default(), false))
}

/// Plans SQL and runs it; its rows as CSV.
async fn run(database: &Database, sql: &str) -> Result<String, TablesError> {
    let mut rows = Vec::new();
    database.sql("--sql", sql, &Params::new()).await?.write(Format::Csv, &mut rows).await?;
    Ok(String::from_utf8(rows).unwrap())
}

fn said(error: &TablesError) -> String {
    let hint = error.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    format!("  error: {error}{hint}\n")
}

#[tokio::test]
async fn errors_in_sql_are_said_plainly() {
    let database = empty();
    let mut answers = String::new();
    for sql in [
        "select verbb from requests",
        "select requests.verbb from requests",
        "select nothing_like_it from requests",
        "select count(*) from requests where verb = \"list\"",
        "select caller_key from requests join clients on true",
        "select * from reqests",
        "select * from list_read",
        "select * from nowhere",
        "select verb code reason from requests",
        "select verb from requests where",
        "selct verb from requests",
        "select 'open from requests",
        "",
        "-- nothing but a comment",
        "select 1; select 2",
        "drop table requests",
        "create table t as select 1",
        "insert into requests select * from requests",
        "copy requests to 'requests.csv'",
        "set datafusion.execution.target_partitions = 1",
        "explain drop table requests",
        "select sume(code) from requests",
        "select sum(verb) from requests",
        "select verb + interval '1 day' from requests",
        "select lower(verb, 1, 2) from requests",
        "select verb, count(*) from requests",
        "select cast('few' as bigint)",
        "select 1 / 0",
        "select to_timestamp('yesterday')",
        "select * from requests where verb = $verb",
        "select * from requests limit 'few'",
    ] {
        let error = run(&database, sql).await.expect_err(sql);
        write!(answers, "{sql}\n{}", said(&error)).unwrap();
    }
    insta::assert_snapshot!("sql-errors", answers);
}

#[tokio::test]
async fn errors_in_names_and_parameters_are_said_plainly() {
    let database = empty();
    let mut answers = String::new();
    for (query, params) in [
        ("top_clint", Params::new()),
        ("requests", Params::new()),
        ("slow_lists", Params::new().with("max", "1")),
        ("slow_lists", Params::new().with("min_count", "few")),
        ("slow_lists", Params::new().with("min_count", 0.5)),
    ] {
        let error = database.query(query, &params).await.err().unwrap();
        write!(answers, "{query}\n{}", said(&error)).unwrap();
    }
    insta::assert_snapshot!("name-errors", answers);
}

#[tokio::test]
async fn what_only_reads_is_allowed() {
    let database = empty();
    assert_eq!(run(&database, "with lists as (select 1 as n) select n from lists").await.unwrap(), "n\n1\n");
    assert_eq!(run(&database, "select sum(value) as n from generate_series(1, 3)").await.unwrap(), "n\n6\n");
    assert!(run(&database, "describe requests").await.unwrap().contains("audit_id"));
    assert!(run(&database, "show tables").await.unwrap().contains("requests"));
    assert!(run(&database, "explain select * from requests").await.unwrap().contains("TableScan"));
}

#[test]
fn what_sql_needs_is_told_from_its_tables_alone() {
    let database = empty();
    let needs = |sql: &str| database.needs_of_sql(sql).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(needs("select count(*) from requests"), Vec::<String>::new());
    assert_eq!(needs("select 'clients' as flows from requests -- resources"), Vec::<String>::new());
    assert_eq!(needs("with clients as (select 1) select * from clients"), Vec::<String>::new());
    assert_eq!(needs("select * from Clients c join (select * from flows) f on true"), ["clients", "flows"]);
    let of_query = database.needs(&["episodes"]);
    assert!(of_query.contains("client_reads") && of_query.contains("list_costs"), "{of_query:?}");
    assert_eq!(needs("select count(*) from episodes"), of_query.into_iter().collect::<Vec<_>>());
}

/// Polls a future so often, then drops it.
async fn poll_and_drop(future: impl Future, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await.is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A query that is no longer wanted, such as at Ctrl-C, is a future that is dropped anywhere on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_future_leaves_the_database_as_it_was() {
    // Rows of a query that only picks rows come in the order of the log, of one that sorts by parts of it in another.
    const IN_ORDER: &str = "select audit_id from requests where verb = 'list'";
    const COUNTED: &str = "select verb, count(*) as n from requests group by verb order by n desc, verb";
    let files = discover(&[project("sample-logs/operator-loop").display().to_string()]).unwrap().files;
    let open = || Logs::new(files.clone(), Window::default(), false);
    let whole = database(&open());
    let expected = (run(&whole, IN_ORDER).await.unwrap(), run(&whole, COUNTED).await.unwrap());
    assert!(expected.0.lines().count() > 100, "{}", expected.0);
    for polls in [0, 1, 3, 30] {
        let logs = open();
        let database = database(&logs);
        poll_and_drop(database.keep(&["presence", "collection_reads", "identities"]), polls).await;
        poll_and_drop(run(&database, IN_ORDER), polls).await;
        poll_and_drop(run(&database, COUNTED), polls).await;
        // Dropped after it was planned, before it ran.
        drop(database.sql("--sql", COUNTED, &Params::new()).await.unwrap());
        drop(database.sql("--sql", COUNTED, &Params::new()).await.unwrap().stream().await.unwrap());
        let (in_order, counted) = tokio::join!(run(&database, IN_ORDER), run(&database, COUNTED));
        assert_eq!((in_order.unwrap(), counted.unwrap()), expected, "after {polls} polls");
        database.keep(&["presence", "collection_reads"]).await.unwrap();
        let kept = run(&database, "select sum(request_count) as n from presence").await.unwrap();
        assert_eq!(kept, run(&whole, "select count(*) as n from requests").await.unwrap(), "after {polls} polls");
        // Waits for all scans: none goes on without a reader.
        assert!(logs.tally().is_some());
    }
}
