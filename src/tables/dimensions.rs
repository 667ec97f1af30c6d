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

/// A column of a dimension table: its name, its type, and what it means.
pub type DimensionColumn = (&'static str, DimensionType, &'static str);

/// What a column of a dimension table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DimensionType {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
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
        ("caller_key", DimensionType::Whole, "caller_key of its requests"),
        ("user_name", DimensionType::Text, "user.username; null where the log has none"),
        ("user_agent", DimensionType::Text, "userAgent; null where the log has none"),
        ("client_type", DimensionType::Text, "kubelet, kube-proxy, cni, prometheus, monitoring, …, unknown"),
        ("client", DimensionType::Text, "the client within the type, such as calico-node"),
        (
            "confidence",
            DimensionType::Text,
            "high: identity and user agent agree; medium: identity alone; low: a claim",
        ),
        ("evidence", DimensionType::Text, "what that rests on, in words"),
        ("rule", DimensionType::Text, "the catalogue's rule; null if none matched"),
        ("claimed_client", DimensionType::Text, "whom the user agent claims to be, against its identity"),
        ("is_mismatch", DimensionType::Flag, "whether identity and user agent contradict each other"),
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
        ("api_group", DimensionType::Text, "the API group; empty for the core group"),
        ("resource", DimensionType::Text, "the resource"),
        ("object_count_low", DimensionType::Whole, "objects, at least; null where unknown"),
        ("object_count_high", DimensionType::Whole, "objects, at most; null where unknown"),
        ("count_basis", DimensionType::Text, "what the count rests on"),
        ("object_low_bytes", DimensionType::Whole, "JSON bytes of an object, at least"),
        ("object_high_bytes", DimensionType::Whole, "JSON bytes of an object, at most"),
        ("bytes_basis", DimensionType::Text, "what the size rests on"),
        (
            "collection_low_bytes",
            DimensionType::Whole,
            "JSON bytes of the whole collection, at least; null where unknown",
        ),
        (
            "collection_high_bytes",
            DimensionType::Whole,
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
        ("shape", DimensionType::Text, "the shape of a LIST, as list_shapes writes it"),
        ("response_low_bytes", DimensionType::Whole, "bytes of the response, at least; null where unknown"),
        ("response_high_bytes", DimensionType::Whole, "bytes of the response, at most; null where unknown"),
        ("held_low_bytes", DimensionType::Whole, "bytes that the server holds while it is in flight, at least"),
        ("held_high_bytes", DimensionType::Whole, "bytes that the server holds while it is in flight, at most"),
        ("slack_low_bytes", DimensionType::Whole, "bytes of garbage that come once for all of them, at least"),
        ("slack_high_bytes", DimensionType::Whole, "bytes of garbage that come once for all of them, at most"),
        ("cost_basis", DimensionType::Text, "what the estimate rests on"),
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
    /// Whether such requests pass by API Priority and Fairness: long-running ones other than watches.
    pub is_outside: bool,
    /// Seats that such a request holds, at least.
    pub low_seats: i64,
    /// Seats that such a request holds, at most.
    pub high_seats: i64,
}

impl DimensionRow for FlowRow {
    const TABLE: &'static str = "flows";
    const COLUMNS: &'static [DimensionColumn] = &[
        ("flow_key", DimensionType::Whole, "flow_key of the requests"),
        ("flow_schema", DimensionType::Text, "the FlowSchema that has them, by the configuration given"),
        ("priority_level", DimensionType::Text, "its priority level"),
        (
            "flow_distinguisher",
            DimensionType::Text,
            "what tells the flow from others of the FlowSchema; null where nothing does, or there are no queues to deal",
        ),
        ("is_exempt", DimensionType::Flag, "whether the priority level lets everything through"),
        (
            "is_outside",
            DimensionType::Flag,
            "whether such requests pass by API Priority and Fairness: long-running ones other than watches",
        ),
        ("low_seats", DimensionType::Whole, "seats that such a request holds, at least"),
        ("high_seats", DimensionType::Whole, "seats that such a request holds, at most"),
    ];
}

/// What the server itself says of a request, in its access log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerdictRow {
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

impl DimensionRow for VerdictRow {
    const TABLE: &'static str = "verdicts";
    const COLUMNS: &'static [DimensionColumn] = &[
        ("audit_key", DimensionType::Whole, "audit_key of the request"),
        ("audit_id", DimensionType::Text, "the audit ID"),
        ("flow_schema", DimensionType::Text, "the FlowSchema, as the server says; null where the request passed by"),
        ("priority_level", DimensionType::Text, "the priority level, as the server says"),
        ("initial_seats", DimensionType::Whole, "seats while it runs, as the server says"),
        ("max_seats", DimensionType::Whole, "seats that it holds until after its end, as the server says"),
        ("wait_micros", DimensionType::Whole, "how long it waited, in microseconds; null where the wait was short"),
    ];
}

/// The dimension tables by name, with their columns.
pub(super) const DIMENSIONS: [(&str, &[DimensionColumn]); 5] = [
    (ClientRow::TABLE, ClientRow::COLUMNS),
    (ResourceRow::TABLE, ResourceRow::COLUMNS),
    (ListCostRow::TABLE, ListCostRow::COLUMNS),
    (FlowRow::TABLE, FlowRow::COLUMNS),
    (VerdictRow::TABLE, VerdictRow::COLUMNS),
];

/// The schema of a dimension table.
pub(super) fn schema(columns: &[DimensionColumn]) -> SchemaRef {
    let fields = columns.iter().map(|(name, kind, _)| Field::new(*name, data_type(*kind), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The columns of each dimension table, for people.
pub fn dimension_columns() -> Vec<(&'static str, Vec<ColumnInfo>)> {
    let info =
        |(name, kind, about): &DimensionColumn| ColumnInfo { name, data_type: data_type(*kind).to_string(), about };
    DIMENSIONS.iter().map(|(table, columns)| (*table, columns.iter().map(info).collect())).collect()
}

const fn data_type(kind: DimensionType) -> DataType {
    match kind {
        DimensionType::Text => DataType::Utf8View,
        DimensionType::Whole => DataType::Int64,
        DimensionType::Flag => DataType::Boolean,
    }
}
