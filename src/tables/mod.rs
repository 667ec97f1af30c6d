//! From requests to answers: the `requests` table, SQL over it, and the queries that come with the program.
//!
//! Only this stage knows Arrow and DataFusion. A [`Database`] plans SQL over [`Logs`]; its [`QueryResult`] streams.

mod any_value;
mod arrivals;
mod columns;
mod compact;
mod database;
mod dimensions;
mod error;
mod flow_digests;
mod keys;
mod log_scan;
mod logs;
mod most_at_once;
mod output;
mod params;
mod query_file;
mod requests_table;
mod row;
mod row_filter;
mod rows;
mod scan_columns;
mod shared_scan;
mod typed_rows;

pub use arrivals::{Arrival, Arrivals};
pub use database::Database;
pub use dimensions::{
    ApiserverDecisionRow, ClientRow, DimensionColumn, DimensionRow, DimensionType, FlowRow, ListCostRow, ResourceRow,
    dimension_columns,
};
pub use error::TablesError;
pub use keys::audit_key;
pub use logs::Logs;
pub use output::{Cell, Format, QueryResult, TextTable};
pub use params::{ParamValue, Params};
pub use query_file::{Param, QueryFile, QueryFileError, QuerySet};
pub use rows::RequestRows;
pub use typed_rows::TypedRow;

/// A column of `requests`, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: &'static str,
    /// Its SQL type.
    pub data_type: String,
    /// What it means.
    pub about: &'static str,
}

/// The columns of `requests`, in order.
pub fn request_columns() -> Vec<ColumnInfo> {
    let schema = columns::schema();
    columns::COLUMNS
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| ColumnInfo {
            name: column.name,
            data_type: field.data_type().to_string(),
            about: column.about,
        })
        .collect()
}
