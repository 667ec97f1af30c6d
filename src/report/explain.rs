//! The report of `apf explain`: who goes by which FlowSchema, and what that takes of the server's seats.

use serde::Serialize;

use super::page::{Page, Part, Section, Table};
use super::{WithWords, about, between, bullets_section, or_dash, table_section};
use crate::analysis::ServerFacts;
use crate::analysis::explain::{
    Agreement, ClientUse, ExplainNote, ExplainReport, LevelLoad, LevelRejections, LevelUse, SchemaUse,
};
use crate::apf::ConfigOrigin;
use crate::tables::TypedRow;
use crate::units::{self, Zone};

impl ServerFacts {
    /// All of it in a line.
    pub(super) fn line(&self) -> String {
        let version = self.version.map_or_else(|| "of unknown version".to_owned(), |version| version.to_string());
        let (seats, configuration) = (self.server_concurrency, origin_words(self.configuration));
        format!("Kubernetes {version}, {seats} seats on each apiserver; {configuration}")
    }
}

/// Where a configuration comes from.
const fn origin_words(origin: ConfigOrigin) -> &'static str {
    match origin {
        ConfigOrigin::Default => "FlowSchemas and priority levels of a new cluster, as none were given with --config",
        ConfigOrigin::Read => "FlowSchemas and priority levels as given with --config",
        ConfigOrigin::ReadOverDefault => {
            "the objects given with --config, completed with those of a new cluster that every server has"
        }
    }
}

#[derive(Serialize)]
struct Words {
    summary: Vec<String>,
    notes: Vec<String>,
}

impl ExplainReport {
    /// The report for JSON.
    pub fn with_words(&self) -> impl Serialize {
        let notes = self.notes.iter().map(note).collect();
        WithWords { report: self, words: Words { summary: summary(&self.priority_levels, &self.held_back), notes } }
    }

    /// The report as a page.
    pub fn page(&self, _zone: &Zone) -> Page {
        let mut of_clients = vec![Part::Table(clients(&self.clients))];
        if self.omitted_clients > 0 {
            of_clients.push(Part::Text(format!(
                "{}; see --top",
                match self.omitted_clients {
                    1 => "1 more row is not shown".to_owned(),
                    more => format!("{more} more rows are not shown"),
                }
            )));
        }
        let mut sections = vec![
            bullets_section("Rejected and waiting", &summary(&self.priority_levels, &self.held_back)),
            levels(&self.priority_levels),
            schemas(&self.flow_schemas),
            Section::of("Clients", of_clients),
        ];
        sections.extend(self.agreement.as_ref().map(Agreement::section));
        let notes: Vec<String> = self.notes.iter().map(note).collect();
        sections.push(bullets_section("What these numbers are based on", &notes));
        Page::of("Priority and Fairness: who uses what", vec![self.server.line()], sections)
    }
}

/// Where requests were rejected or waited, in sentences, the worst first.
fn summary(levels: &[LevelUse], clients: &[ClientUse]) -> Vec<String> {
    let of_level = |level: &LevelUse| level.load.clone().map(|load| (load, level.rejections.clone()));
    let mut loads: Vec<(LevelLoad, Vec<LevelRejections>)> = levels.iter().filter_map(of_level).collect();
    loads.retain(|(load, _)| load.rejected_count + load.waited_count > 0);
    loads.sort_by_key(|(load, _)| std::cmp::Reverse((load.rejected_count, load.waited_count)));
    if loads.is_empty() {
        return vec!["no request was rejected or waited, as far as the log shows".to_owned()];
    }
    loads.iter().map(|(load, rejections)| level_summary(load, rejections, clients)).collect()
}

fn note(note: &ExplainNote) -> String {
    match note {
        ExplainNote::ConfigurationNotGiven => {
            "most clusters have FlowSchemas of their own: give them with --config, from kubectl get \
             flowschemas,prioritylevelconfigurations -o yaml"
                .to_owned()
        }
        ExplainNote::LevelsNotConfigured { priority_levels } => format!(
            "the server's log names priority levels that the configuration lacks, so give it with --config: {}",
            priority_levels.join(", ")
        ),
        ExplainNote::DanglingFlowSchema { flow_schema, priority_level } => {
            format!("FlowSchema {flow_schema} is skipped, because its priority level {priority_level} does not exist")
        }
        ExplainNote::UsersWithoutGroups { count } => format!(
            "{}, though every server gives each user some; where a FlowSchema matches by group, their requests count as \
             catch-all here",
            match count {
                1 => "1 user has no groups in the log".to_owned(),
                count => format!("{} users have no groups in the log", units::count(*count)),
            }
        ),
        ExplainNote::ServerVersionUnknown { assumed } => {
            format!("the server's version is unknown; seats are counted as in {assumed}; give the version with --kube-version")
        }
        ExplainNote::ServerVersionContradicted { version } => format!(
            "the server calls itself {version}, but reads LISTs from etcd, so it emulates an older version or has \
             ConsistentListFromCache turned off; seats are counted as in {version}, see --kube-version and --metrics"
        ),
        ExplainNote::SizesNotGiven => {
            "the seats of a LIST depend on object counts, which no audit log has: the ranges are wide unless you give sizes with \
             --metrics or --resource"
                .to_owned()
        }
        ExplainNote::EndlessRequests { count } => format!(
            "requests that have no end in the log, and watches whose start it does not show, add no seat-seconds ({})",
            units::count(*count)
        ),
        ExplainNote::ShortWaitsNotLogged => {
            "waits are logged for requests over 0.5 s, and never for watches, so watches count only towards the upper bound of each \
             range"
                .to_owned()
        }
        ExplainNote::ServerConcurrencyAssumed { seats } => format!(
            "{seats} seats are the default of --max-requests-inflight plus --max-mutating-requests-inflight; give the server's with \
             --server-concurrency"
        ),
        ExplainNote::WatchersAveraged => {
            "a write also holds seats while the watches of its resource are notified; their number is taken as the average of \
             those open, without watches of a single object"
                .to_owned()
        }
        ExplainNote::BeyondLimits { levels } => {
            let levels = levels.iter().map(|level| {
                let (seats, max) = (units::count(level.seats), units::count(level.max_seats));
                format!("{} {seats} of {max}", level.priority_level)
            });
            format!(
                "more seats are in use than a level can have: {}; --config or --server-concurrency isn't that of this server, or \
                 requests waited without the log saying so",
                levels.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// Which of several apiservers rejected; empty where there is only one.
fn rejected_where(rejections: &[LevelRejections]) -> String {
    if rejections.len() < 2 {
        return String::new();
    }
    let (rejecting, others): (Vec<_>, Vec<_>) = rejections.iter().partition(|row| row.rejected_count > 0);
    let name = |row: &LevelRejections| row.apiserver.clone().unwrap_or_else(|| "an unnamed apiserver".to_owned());
    let each = rejecting.iter().map(|row| {
        format!("{} of {} on {}", units::count(row.rejected_count), units::count(row.request_count), name(row))
    });
    let none: Vec<_> = others.iter().map(|row| name(row)).collect();
    let none = if none.is_empty() { String::new() } else { format!(", none on {}", none.join(", ")) };
    format!(" ({}{none})", each.collect::<Vec<_>>().join(", "))
}

fn level_summary(load: &LevelLoad, rejections: &[LevelRejections], clients: &[ClientUse]) -> String {
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
        "{}: {} rejected{}, {} waited{longest}: {}{more}",
        load.priority_level,
        units::count(load.rejected_count),
        rejected_where(rejections),
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
            ("LISTs", true),
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
            ("LISTs", true),
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
            ("LISTs", true),
            ("seats per LIST", true),
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
