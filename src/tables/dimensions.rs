//! The dimension tables: what we believe about clients, resources, LISTs and flows, apart from what the log says.
//!
//! They are made from rows of queries by the stages that judge, and joined in SQL. Until they are made they are empty.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::Serialize;

use super::ColumnInfo;

/// A row of a dimension table.
pub trait DimensionRow: Serialize {
    /// The table.
    const TABLE: &'static str;
    /// Its columns.
    const COLUMNS: &'static [DimensionColumn];
}

/// A column of a dimension table.
#[derive(Clone, Copy, Debug)]
pub struct DimensionColumn {
    name: &'static str,
    data_type: DimensionType,
    about: &'static str,
}

impl DimensionColumn {
    /// A column, and what it means.
    pub const fn new(name: &'static str, data_type: DimensionType, about: &'static str) -> Self {
        Self { name, data_type, about }
    }
}

/// The type of a column of a dimension table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DimensionType {
    /// Text.
    Utf8,
    /// A whole number.
    Int64,
    /// Yes or no.
    Boolean,
}

/// Who a client is: one row for each user and user agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientRow {
    /// `caller_key` of its requests.
    pub caller_key: i64,
    /// `user.username`; `None` where the log has none.
    pub user_name: Option<String>,
    /// `userAgent`; `None` where the log has none.
    pub user_agent: Option<String>,
    /// The type, such as `cni`.
    pub client_type: String,
    /// The client, such as `calico-node`.
    pub client: String,
    /// `high`, `medium` or `low`.
    pub confidence: String,
    /// What that rests on, in words.
    pub evidence: String,
    /// The catalogue's rule; `None` if none matched.
    pub rule: Option<String>,
    /// The client that the user agent claims to be, against its identity.
    pub claimed_client: Option<String>,
    /// Whether identity and user agent contradict each other.
    pub is_mismatch: bool,
}

impl DimensionRow for ClientRow {
    const TABLE: &'static str = "clients";
    const COLUMNS: &'static [DimensionColumn] = &[
        DimensionColumn::new("caller_key", DimensionType::Int64, "caller_key of its requests"),
        DimensionColumn::new("user_name", DimensionType::Utf8, "user.username; null where the log has none"),
        DimensionColumn::new("user_agent", DimensionType::Utf8, "userAgent; null where the log has none"),
        DimensionColumn::new(
            "client_type",
            DimensionType::Utf8,
            "kubelet, kube-proxy, cni, prometheus, monitoring, …, unknown",
        ),
        DimensionColumn::new("client", DimensionType::Utf8, "the client within the type, such as calico-node"),
        DimensionColumn::new(
            "confidence",
            DimensionType::Utf8,
            "high: identity and user agent agree; medium: identity alone; low: a claim",
        ),
        DimensionColumn::new("evidence", DimensionType::Utf8, "what that rests on, in words"),
        DimensionColumn::new("rule", DimensionType::Utf8, "the catalogue's rule; null if none matched"),
        DimensionColumn::new(
            "claimed_client",
            DimensionType::Utf8,
            "whom the user agent claims to be, against its identity",
        ),
        DimensionColumn::new(
            "is_mismatch",
            DimensionType::Boolean,
            "whether identity and user agent contradict each other",
        ),
    ];
}

/// How big a resource is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResourceRow {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource.
    pub resource: String,
    /// Objects, at least; `None` where unknown.
    pub object_count_low: Option<i64>,
    /// Objects, at most; `None` where unknown.
    pub object_count_high: Option<i64>,
    /// What the count rests on.
    pub count_basis: String,
    /// JSON bytes of an object, at least.
    pub object_low_bytes: Option<i64>,
    /// JSON bytes of an object, at most.
    pub object_high_bytes: Option<i64>,
    /// What the size rests on.
    pub bytes_basis: String,
    /// JSON bytes of the whole collection, at least.
    pub collection_low_bytes: Option<i64>,
    /// JSON bytes of the whole collection, at most.
    pub collection_high_bytes: Option<i64>,
}

impl DimensionRow for ResourceRow {
    const TABLE: &'static str = "resources";
    const COLUMNS: &'static [DimensionColumn] = &[
        DimensionColumn::new("api_group", DimensionType::Utf8, "the API group; empty for the core group"),
        DimensionColumn::new("resource", DimensionType::Utf8, "the resource"),
        DimensionColumn::new("object_count_low", DimensionType::Int64, "objects, at least; null where unknown"),
        DimensionColumn::new("object_count_high", DimensionType::Int64, "objects, at most; null where unknown"),
        DimensionColumn::new("count_basis", DimensionType::Utf8, "what the count rests on"),
        DimensionColumn::new("object_low_bytes", DimensionType::Int64, "JSON bytes of an object, at least"),
        DimensionColumn::new("object_high_bytes", DimensionType::Int64, "JSON bytes of an object, at most"),
        DimensionColumn::new("bytes_basis", DimensionType::Utf8, "what the size rests on"),
        DimensionColumn::new(
            "collection_low_bytes",
            DimensionType::Int64,
            "JSON bytes of the whole collection, at least; null where unknown",
        ),
        DimensionColumn::new(
            "collection_high_bytes",
            DimensionType::Int64,
            "JSON bytes of the whole collection, at most; null where unknown",
        ),
    ];
}

/// What a LIST of one shape costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListCostRow {
    /// The shape, as the query `list_shapes` has it.
    pub shape: String,
    /// Bytes of the response, at least; `None` where unknown.
    pub response_low_bytes: Option<i64>,
    /// Bytes of the response, at most; `None` where unknown.
    pub response_high_bytes: Option<i64>,
    /// Bytes that the server holds while it is in flight, at least; `None` where unknown.
    pub held_low_bytes: Option<i64>,
    /// Bytes that the server holds while it is in flight, at most; `None` where unknown.
    pub held_high_bytes: Option<i64>,
    /// Bytes of garbage that come once, however many such LISTs are in flight, at least; `None` where unknown.
    pub slack_low_bytes: Option<i64>,
    /// Bytes of garbage that come once, however many such LISTs are in flight, at most; `None` where unknown.
    pub slack_high_bytes: Option<i64>,
    /// What the estimate rests on.
    pub cost_basis: String,
}

impl DimensionRow for ListCostRow {
    const TABLE: &'static str = "list_costs";
    const COLUMNS: &'static [DimensionColumn] = &[
        DimensionColumn::new("shape", DimensionType::Utf8, "the shape of a LIST, as list_shapes writes it"),
        DimensionColumn::new(
            "response_low_bytes",
            DimensionType::Int64,
            "bytes of the response, at least; null where unknown",
        ),
        DimensionColumn::new(
            "response_high_bytes",
            DimensionType::Int64,
            "bytes of the response, at most; null where unknown",
        ),
        DimensionColumn::new(
            "held_low_bytes",
            DimensionType::Int64,
            "bytes that the server holds while it is in flight, at least",
        ),
        DimensionColumn::new(
            "held_high_bytes",
            DimensionType::Int64,
            "bytes that the server holds while it is in flight, at most",
        ),
        DimensionColumn::new(
            "slack_low_bytes",
            DimensionType::Int64,
            "bytes of garbage that come once for all of them, at least",
        ),
        DimensionColumn::new(
            "slack_high_bytes",
            DimensionType::Int64,
            "bytes of garbage that come once for all of them, at most",
        ),
        DimensionColumn::new("cost_basis", DimensionType::Utf8, "what the estimate rests on"),
    ];
}

/// Where requests that are alike to API Priority and Fairness go, and what each of them costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowRow {
    /// `flow_key` of the requests.
    pub flow_key: i64,
    /// The FlowSchema that has them.
    pub flow_schema: String,
    /// Its priority level.
    pub priority_level: String,
    /// What tells the flow from others of the FlowSchema; `None` where nothing does, or the level has no queues to deal.
    pub flow_distinguisher: Option<String>,
    /// Whether the level lets everything through.
    pub is_exempt: bool,
    /// Whether such requests bypass API Priority and Fairness: long-running ones other than watches.
    pub is_outside: bool,
    /// Seats that such a request holds, at least.
    pub low_seats: i64,
    /// Seats that such a request holds, at most.
    pub high_seats: i64,
}

impl DimensionRow for FlowRow {
    const TABLE: &'static str = "flows";
    const COLUMNS: &'static [DimensionColumn] = &[
        DimensionColumn::new("flow_key", DimensionType::Int64, "flow_key of the requests"),
        DimensionColumn::new(
            "flow_schema",
            DimensionType::Utf8,
            "the FlowSchema that has them, by the configuration given",
        ),
        DimensionColumn::new("priority_level", DimensionType::Utf8, "its priority level"),
        DimensionColumn::new(
            "flow_distinguisher",
            DimensionType::Utf8,
            "what tells the flow from others of the FlowSchema; null where nothing does, or there are no queues to deal",
        ),
        DimensionColumn::new("is_exempt", DimensionType::Boolean, "whether the priority level lets everything through"),
        DimensionColumn::new(
            "is_outside",
            DimensionType::Boolean,
            "whether such requests bypass API Priority and Fairness: long-running ones other than watches",
        ),
        DimensionColumn::new("low_seats", DimensionType::Int64, "seats that such a request holds, at least"),
        DimensionColumn::new("high_seats", DimensionType::Int64, "seats that such a request holds, at most"),
    ];
}

/// What API Priority and Fairness decided for a request, as the apiserver says in its access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiserverDecisionRow {
    /// `audit_key` of the request.
    pub audit_key: i64,
    /// The audit ID.
    pub audit_id: String,
    /// The FlowSchema; `None` where the request passed by API Priority and Fairness.
    pub flow_schema: Option<String>,
    /// The priority level.
    pub priority_level: Option<String>,
    /// Seats while it runs.
    pub initial_seats: Option<i64>,
    /// Seats that it holds, until after its end.
    pub max_seats: Option<i64>,
    /// How long it waited, in microseconds; `None` where the wait was short.
    pub wait_micros: Option<i64>,
}

impl DimensionRow for ApiserverDecisionRow {
    const TABLE: &'static str = "verdicts";
    const COLUMNS: &'static [DimensionColumn] = &[
        DimensionColumn::new("audit_key", DimensionType::Int64, "audit_key of the request"),
        DimensionColumn::new("audit_id", DimensionType::Utf8, "the audit ID"),
        DimensionColumn::new(
            "flow_schema",
            DimensionType::Utf8,
            "the FlowSchema, as the server says; null where the request passed by",
        ),
        DimensionColumn::new("priority_level", DimensionType::Utf8, "the priority level, as the server says"),
        DimensionColumn::new("initial_seats", DimensionType::Int64, "seats while it runs, as the server says"),
        DimensionColumn::new(
            "max_seats",
            DimensionType::Int64,
            "seats that it holds until after its end, as the server says",
        ),
        DimensionColumn::new(
            "wait_micros",
            DimensionType::Int64,
            "how long it waited, in microseconds; null where the wait was short",
        ),
    ];
}

/// The dimension tables by name, with their columns.
pub(super) const DIMENSIONS: [(&str, &[DimensionColumn]); 5] = [
    (ClientRow::TABLE, ClientRow::COLUMNS),
    (ResourceRow::TABLE, ResourceRow::COLUMNS),
    (ListCostRow::TABLE, ListCostRow::COLUMNS),
    (FlowRow::TABLE, FlowRow::COLUMNS),
    (ApiserverDecisionRow::TABLE, ApiserverDecisionRow::COLUMNS),
];

/// The schema of a dimension table.
pub(super) fn schema(columns: &[DimensionColumn]) -> SchemaRef {
    let fields = columns.iter().map(|column| Field::new(column.name, column.data_type.arrow_type(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The columns of each dimension table, for people.
pub fn dimension_columns() -> Vec<(&'static str, Vec<ColumnInfo>)> {
    let info = |column: &DimensionColumn| ColumnInfo {
        name: column.name,
        data_type: column.data_type.arrow_type().to_string(),
        about: column.about,
    };
    DIMENSIONS.iter().map(|(table, columns)| (*table, columns.iter().map(info).collect())).collect()
}

impl DimensionType {
    const fn arrow_type(self) -> DataType {
        match self {
            Self::Utf8 => DataType::Utf8View,
            Self::Int64 => DataType::Int64,
            Self::Boolean => DataType::Boolean,
        }
    }
}
