//! The report of `apf explain`: who goes by which FlowSchema, and what that takes of the server's seats.

use serde::{Deserialize, Serialize};

use super::page::{Page, Part, Section, Table};
use super::{Agreement, about, between, bullets_section, or_dash, table_section};
use crate::tables::TypedRow;
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct ExplainReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// Where requests were rejected or waited, in sentences, the worst first; one that says so where none did.
    pub summary: Vec<String>,
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
    /// What the numbers rest on, and what the log cannot tell.
    pub notes: Vec<String>,
}

/// What a server was taken to be.
#[derive(Clone, Debug, Serialize)]
pub struct ServerFacts {
    /// Kubernetes' version, such as `1.34`; `None` where nothing tells.
    pub version: Option<String>,
    /// Seats of one apiserver.
    pub server_concurrency: u32,
    /// Where its FlowSchemas and priority levels come from, in words.
    pub configuration: String,
}

impl ServerFacts {
    /// All of it in a line.
    pub(super) fn line(&self) -> String {
        let version = self.version.as_deref().unwrap_or("of an unknown version");
        let (seats, configuration) = (self.server_concurrency, &self.configuration);
        format!("Kubernetes {version}, {seats} seats on each apiserver; {configuration}")
    }
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
    /// What it has while nobody asks for anything; `None` where that can't be solved.
    pub idle_seats: Option<u32>,
    /// The most seats of one request, as the level has it, or as the version has it for all.
    pub max_seats_per_request: Option<u32>,
    /// Clients that use it.
    pub client_count: usize,
    /// What went through it; `None` if nothing did.
    pub load: Option<LevelLoad>,
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
    const COLUMNS: &'static [&'static str] = &[
        "priority_level",
        "request_count",
        "list_count",
        "low_seat_secs",
        "high_seat_secs",
        "endless_count",
        "rejected_count",
        "waited_count",
        "total_wait_secs",
        "max_wait_secs",
    ];
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
    const COLUMNS: &'static [&'static str] = &["apiserver", "priority_level", "peak_low_seats", "peak_high_seats"];
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
    /// Flows that are told apart where there are queues to deal; 0 where nothing tells them apart.
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
    const COLUMNS: &'static [&'static str] = &[
        "flow_schema",
        "priority_level",
        "client_count",
        "distinguisher_count",
        "request_count",
        "list_count",
        "low_seat_secs",
        "high_seat_secs",
        "rejected_count",
        "waited_count",
        "max_wait_secs",
    ];
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
    const COLUMNS: &'static [&'static str] = &[
        "client_type",
        "client",
        "flow_schema",
        "priority_level",
        "is_exempt",
        "flow_count",
        "flow_distinguisher",
        "request_count",
        "list_count",
        "low_list_seats",
        "high_list_seats",
        "low_seat_secs",
        "high_seat_secs",
        "rejected_count",
        "waited_count",
        "max_wait_secs",
    ];
}

impl ExplainReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let mut of_clients = vec![Part::Table(clients(&self.clients))];
        if self.omitted_clients > 0 {
            of_clients.push(Part::Text(format!("{} more rows are not shown; see --top", self.omitted_clients)));
        }
        let mut sections = vec![
            bullets_section("Rejected and waiting", &self.summary),
            levels(&self.priority_levels),
            schemas(&self.flow_schemas),
            Section::of("Clients", of_clients),
        ];
        sections.extend(self.agreement.as_ref().map(Agreement::section));
        let notes: Vec<String> = self.notes.iter().map(|note| zone.in_sentence(note)).collect();
        sections.push(bullets_section("What these numbers rest on", &notes));
        Page::of("Priority and Fairness: who uses what", vec![self.server.line()], sections)
    }
}

/// Where requests were rejected or waited, in sentences, the worst first.
pub fn summary(levels: &[LevelUse], clients: &[ClientUse]) -> Vec<String> {
    let mut loads: Vec<&LevelLoad> = levels.iter().filter_map(|level| level.load.as_ref()).collect();
    loads.retain(|load| load.rejected_count + load.waited_count > 0);
    loads.sort_by_key(|load| std::cmp::Reverse((load.rejected_count, load.waited_count)));
    if loads.is_empty() {
        return vec!["none, as far as the log shows".to_owned()];
    }
    loads.into_iter().map(|load| level_summary(load, clients)).collect()
}

fn level_summary(load: &LevelLoad, clients: &[ClientUse]) -> String {
    /// Who comes after these doesn't matter much.
    const SHOWN: usize = 3;
    let of_level = clients.iter().filter(|client| client.priority_level == load.priority_level);
    let mut hit: Vec<&ClientUse> = of_level.filter(|client| client.rejected_count + client.waited_count > 0).collect();
    hit.sort_by_key(|client| std::cmp::Reverse((client.rejected_count, client.waited_count)));
    let each = hit.iter().take(SHOWN).map(|client| {
        let (rejected, waited) = (units::count(client.rejected_count), units::count(client.waited_count));
        format!("{} ({rejected} rejected, {waited} waited)", client.client)
    });
    let more = hit.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let longest = load.max_wait_secs.filter(|_| load.waited_count > 0);
    let longest = longest.map_or_else(String::new, |secs| format!(", up to {} s", super::rounded(secs)));
    format!(
        "{}: {} rejected, {} waited{longest}: {}{more}",
        load.priority_level,
        units::count(load.rejected_count),
        units::count(load.waited_count),
        each.collect::<Vec<_>>().join(", ")
    )
}

fn levels(levels: &[LevelUse]) -> Section {
    let row = |level: &LevelUse| {
        let load = level.load.clone().unwrap_or_default();
        let seats = |seats: Option<u32>| or_dash(seats.map(|seats| units::count(seats.into())));
        vec![
            level.priority_level.clone(),
            units::count(level.client_count as u64),
            units::count(load.request_count),
            units::count(load.list_count),
            seat_secs(load.low_seat_secs, load.high_seat_secs),
            or_dash(level.peak_seats.map(|(low, high)| between(low, high))),
            seats(level.nominal_seats),
            if level.is_exempt { "none".to_owned() } else { seats(level.max_seats) },
            units::count(load.waited_count),
            longest(load.waited_count, load.max_wait_secs),
            units::count(load.rejected_count),
        ]
    };
    table_section(
        "Priority levels",
        LevelLoad::QUERY,
        &[
            ("priority level", false),
            ("clients", true),
            ("requests", true),
            ("lists", true),
            ("seat-seconds", true),
            ("peak seats", true),
            ("nominal", true),
            ("max", true),
            ("waited", true),
            ("longest", true),
            ("429s", true),
        ],
        levels.iter().map(row).collect(),
    )
}

fn schemas(schemas: &[SchemaUse]) -> Section {
    let row = |schema: &SchemaUse| {
        vec![
            schema.flow_schema.clone(),
            schema.priority_level.clone(),
            units::count(schema.client_count),
            or_dash((schema.distinguisher_count > 0).then(|| units::count(schema.distinguisher_count))),
            units::count(schema.request_count),
            units::count(schema.list_count),
            seat_secs(schema.low_seat_secs, schema.high_seat_secs),
            units::count(schema.waited_count),
            longest(schema.waited_count, schema.max_wait_secs),
            units::count(schema.rejected_count),
        ]
    };
    table_section(
        "FlowSchemas",
        SchemaUse::QUERY,
        &[
            ("FlowSchema", false),
            ("priority level", false),
            ("clients", true),
            ("flows", true),
            ("requests", true),
            ("lists", true),
            ("seat-seconds", true),
            ("waited", true),
            ("longest", true),
            ("429s", true),
        ],
        schemas.iter().map(row).collect(),
    )
}

fn clients(clients: &[ClientUse]) -> Table {
    let row = |client: &ClientUse| {
        let list_seats = client.low_list_seats.zip(client.high_list_seats).map(|(low, high)| between(low, high));
        let distinguisher = client.flow_distinguisher.clone().filter(|text| !text.is_empty());
        let several = || (client.flow_count > 1).then(|| format!("{} flows", units::count(client.flow_count)));
        vec![
            client.client_type.clone(),
            client.client.clone(),
            client.flow_schema.clone(),
            if client.is_exempt { "exempt".to_owned() } else { client.priority_level.clone() },
            units::count(client.request_count),
            units::count(client.list_count),
            or_dash(list_seats),
            seat_secs(client.low_seat_secs, client.high_seat_secs),
            units::count(client.waited_count),
            units::count(client.rejected_count),
            or_dash(distinguisher.or_else(several)),
        ]
    };
    Table::under_heading(
        ClientUse::QUERY,
        &[
            ("type", false),
            ("client", false),
            ("FlowSchema", false),
            ("priority level", false),
            ("requests", true),
            ("lists", true),
            ("seats per list", true),
            ("seat-seconds", true),
            ("waited", true),
            ("429s", true),
            ("distinguisher", false),
        ],
        clients.iter().map(row).collect(),
    )
}

fn seat_secs(low: Option<f64>, high: Option<f64>) -> String {
    or_dash(low.zip(high).map(|(low, high)| about(low, high)))
}

/// The longest wait, where any was one.
fn longest(waited_count: u64, secs: Option<f64>) -> String {
    or_dash(secs.filter(|_| waited_count > 0).map(|secs| format!("{} s", super::rounded(secs))))
}
