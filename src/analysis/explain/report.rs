//! What `explain` answers: the use of each priority level, FlowSchema and client.

use serde::{Deserialize, Serialize};

use super::{Agreement, ExplainNote};
use crate::analysis::ServerFacts;
use crate::tables::TypedRow;

/// The answer of [`explain`](super::explain).
#[derive(Clone, Debug, Serialize)]
pub struct ExplainReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What is assumed of the server.
    pub server: ServerFacts,
    /// All clients of which requests waited or were rejected.
    #[serde(skip)]
    pub held_back: Vec<ClientUse>,
    /// The priority levels, those that took most first.
    pub priority_levels: Vec<LevelUse>,
    /// The FlowSchemas that had requests, those that took most first.
    pub flow_schemas: Vec<SchemaUse>,
    /// The clients by FlowSchema, those that took most first.
    pub clients: Vec<ClientUse>,
    /// Rows of clients left out, being more than asked for.
    pub omitted_clients: usize,
    /// How far our reading agrees with the server's own word; `None` where its log wasn't given.
    pub agreement: Option<Agreement>,
    /// What the numbers are based on, and what the log cannot tell.
    #[serde(rename = "note_codes")]
    pub notes: Vec<ExplainNote>,
}

/// A priority level and what it was used for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LevelUse {
    /// Its name.
    pub priority_level: String,
    /// Whether it lets everything through.
    pub is_exempt: bool,
    /// Its share of one apiserver's seats; `None` where only the server's own log names the level, as the next four.
    pub nominal_seats: Option<u32>,
    /// What it keeps of them in any case.
    pub min_seats: Option<u32>,
    /// What it never exceeds, all that it may borrow included; nothing limits an exempt level.
    pub max_seats: Option<u32>,
    /// Its seats while the server is idle; `None` if the division has no solution.
    pub idle_seats: Option<u32>,
    /// The most seats of one request, as the level has it, or as the version has it for all.
    pub max_seats_per_request: Option<u32>,
    /// Clients that use it.
    pub client_count: usize,
    /// What went through it; `None` if nothing did.
    pub load: Option<LevelLoad>,
    /// What each apiserver rejected of it, those that rejected most first; empty where none did.
    pub rejections: Vec<LevelRejections>,
    /// The most seats in use at once on one apiserver, as (low, high); `None` where nothing was in use. The high one is no
    /// higher than the level can have, but where the low one already is.
    pub peak_seats: Option<(u64, u64)>,
    /// The apiserver of that; `None` where it has no name.
    pub peak_apiserver: Option<String>,
}

/// A row of the query `level_loads`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LevelLoad {
    /// The priority level.
    pub priority_level: String,
    /// Requests.
    pub request_count: u64,
    /// Lists among them.
    pub list_count: u64,
    /// Seats times seconds, at least; `None` where no request has both ends in the log.
    pub low_seat_secs: Option<f64>,
    /// Seats times seconds, at most.
    pub high_seat_secs: Option<f64>,
    /// Requests that no time is known of in which they held seats.
    pub endless_count: u64,
    /// Requests rejected.
    pub rejected_count: u64,
    /// Requests that waited.
    pub waited_count: u64,
    /// How long all of those waited.
    pub total_wait_secs: Option<f64>,
    /// The longest wait.
    pub max_wait_secs: Option<f64>,
}

impl TypedRow for LevelLoad {
    const QUERY: &'static str = "level_loads";
}

/// A row of the query `level_rejections`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRejections {
    /// The apiserver; `None` where it has no name.
    pub apiserver: Option<String>,
    /// The priority level.
    pub priority_level: String,
    /// Requests.
    pub request_count: u64,
    /// Those of them that were rejected.
    pub rejected_count: u64,
}

impl TypedRow for LevelRejections {
    const QUERY: &'static str = "level_rejections";
}

/// A row of the query `level_peaks`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct LevelPeak {
    /// The apiserver; `None` where it has no name.
    pub apiserver: Option<String>,
    /// The priority level.
    pub priority_level: String,
    /// The most seats in use at once, at least.
    pub peak_low_seats: u64,
    /// The most seats in use at once, at most.
    pub peak_high_seats: u64,
}

impl TypedRow for LevelPeak {
    const QUERY: &'static str = "level_peaks";
}

/// A row of the query `schema_loads`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SchemaUse {
    /// The FlowSchema.
    pub flow_schema: String,
    /// Its priority level.
    pub priority_level: String,
    /// Clients.
    pub client_count: u64,
    /// Distinct flow distinguishers; 0 if the FlowSchema has no distinguisher method or its level no queues.
    pub distinguisher_count: u64,
    /// Requests.
    pub request_count: u64,
    /// Lists among them.
    pub list_count: u64,
    /// Seats times seconds, at least; `None` where no request has both ends in the log.
    pub low_seat_secs: Option<f64>,
    /// Seats times seconds, at most.
    pub high_seat_secs: Option<f64>,
    /// Requests rejected.
    pub rejected_count: u64,
    /// Requests that waited.
    pub waited_count: u64,
    /// The longest wait.
    pub max_wait_secs: Option<f64>,
}

impl TypedRow for SchemaUse {
    const QUERY: &'static str = "schema_loads";
}

/// A row of the query `client_flows`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientUse {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// The FlowSchema.
    pub flow_schema: String,
    /// Its priority level.
    pub priority_level: String,
    /// Whether that level lets everything through.
    pub is_exempt: bool,
    /// Flows.
    pub flow_count: u64,
    /// What tells the flow from others; `None` where the client has several here.
    pub flow_distinguisher: Option<String>,
    /// Requests.
    pub request_count: u64,
    /// Lists among them.
    pub list_count: u64,
    /// Seats of a list, at least; `None` without lists.
    pub low_list_seats: Option<u64>,
    /// Seats of a list, at most; `None` without lists.
    pub high_list_seats: Option<u64>,
    /// Seats times seconds, at least; `None` where no request has both ends in the log.
    pub low_seat_secs: Option<f64>,
    /// Seats times seconds, at most.
    pub high_seat_secs: Option<f64>,
    /// Requests rejected.
    pub rejected_count: u64,
    /// Requests that waited.
    pub waited_count: u64,
    /// The longest wait.
    pub max_wait_secs: Option<f64>,
}

impl TypedRow for ClientUse {
    const QUERY: &'static str = "client_flows";
}
