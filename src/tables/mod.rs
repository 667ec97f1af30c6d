//! From requests to answers: the `requests` table, SQL over it, and the queries that come with the program.
//!
//! Only this stage knows Arrow and DataFusion. A [`Database`] plans SQL over [`Logs`]; its [`Answer`] streams.

mod any_value;
mod arrivals;
mod columns;
mod database;
mod dimensions;
mod flow_digests;
mod keys;
mod most_at_once;
mod output;
mod query_file;
mod requests_table;
mod row;
mod row_filter;
mod rows;
mod wants;

pub use arrivals::{Arrival, Arrivals};
pub use database::{Answer, Database, TablesError, TypedRow};
pub use dimensions::{
    ClientRow, DimensionColumn, DimensionRow, DimensionType, FlowRow, ListCostRow, ResourceRow, VerdictRow,
    dimension_columns,
};
pub use keys::audit_key;
pub use output::{Cell, Format, TextTable};
pub use query_file::{Param, QueryFile, QueryFileError, QuerySet};
pub use requests_table::Logs;
pub use rows::RequestRows;

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
