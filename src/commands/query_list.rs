//! What `query` can be asked: the queries, their SQL, and the columns of the tables.

use anyhow::Result;

use super::report::{show, write_text};
use crate::console::Console;
use crate::report::page::{Page, Table};
use crate::tables::{QuerySet, dimension_columns, request_columns};

/// Lists the queries meant for people, or, with `all`, those that only reports use as well.
pub(super) fn list_queries(queries: &QuerySet, all: bool, console: Console) -> Result<()> {
    let rows = queries.iter().filter(|query| all || !query.is_internal()).map(|query| {
        let params = query.params.iter().map(|param| format!("{}={}", param.name, param.default));
        let params = params.collect::<Vec<_>>().join(" ");
        vec![query.name.clone(), query.about.clone(), params]
    });
    show_rows("Queries", ["query", "what it shows", "parameters"], rows.collect(), console)
}

/// Lists the columns of the table `requests`, and of the tables that can be joined to it.
pub(super) fn show_columns(console: Console) -> Result<()> {
    let of_requests = request_columns().into_iter().map(|column| (column.name.to_owned(), column));
    let of_dimensions = dimension_columns().into_iter().flat_map(|(table, columns)| {
        columns.into_iter().map(move |column| (format!("{table}.{}", column.name), column))
    });
    let columns = of_requests.chain(of_dimensions);
    let rows = columns.map(|(name, column)| vec![name, column.data_type, column.about.to_owned()]);
    show_rows("Columns", ["column", "type", "what it means"], rows.collect(), console)
}

/// Prints the SQL of a query, with its header.
pub(super) fn show_sql(queries: &QuerySet, name: &str, console: Console) -> Result<()> {
    write_text(&queries.find(name)?.sql, None, console)
}

fn show_rows(kind: &'static str, columns: [&str; 3], rows: Vec<Vec<String>>, console: Console) -> Result<()> {
    let columns = columns.map(|name| (name, false));
    show(&Page::of_table(kind, Table::under_heading("", &columns, rows)), console)
}
