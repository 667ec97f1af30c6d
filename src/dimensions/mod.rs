//! Fills the dimension tables: who each client is, how big each resource is, what each shape of LIST costs, and which
//! FlowSchema each request matches.

mod decisions;
mod flows;
mod settings;
mod size_basis;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserialize;

pub use decisions::ApiserverDecisions;
pub use flows::{FlowClassifier, Flows};
pub use settings::{ApfSettings, DatedMetrics, MeasuredServer, Settings, measured_server};

use flows::{FLOW_QUERIES, WatchCount, fill_flows};
use settings::{metrics_around, metrics_of};
use size_basis::{bytes_basis, cost_basis, count_basis};

use crate::apf::UnknownGate;
use crate::audit::Micros;
use crate::clients::{Classification, ClientType, Identity, name_shared_programs};
use crate::kubernetes::{ListKind, SYSTEM_APISERVER, ServiceAccount, Version};
use crate::memory::{
    ListResponse, ListShape, MemoryCost, Observed, Range, ResourceSize, Server, WholeLists, add_whole_lists,
    assume_size, estimate_memory, estimate_response, estimate_sizes, node_count, reads_lists_from_etcd,
};
use crate::tables::{
    ApiserverDecisionRow, ClientRow, Database, DimensionRow, FlowRow, ListCostRow, ResourceRow, TablesError, TypedRow,
};

/// What the dimension tables were made of.
#[derive(Debug, Default)]
pub struct Dimensions {
    /// Every user with every user agent it shows, and whom they were taken for.
    pub clients: Vec<(Caller, Classification)>,
    /// How big each resource is.
    pub sizes: Vec<ResourceSize>,
    /// How big each resource may have been to the server itself.
    pub known_sizes: Vec<ResourceSize>,
    /// What a LIST of each shape holds of memory, as far as its size is known; empty where nobody asked.
    pub held: BTreeMap<String, MemoryCost>,
    /// When the first request was received, and the last, in microseconds.
    pub span: (Micros, Micros),
    /// What the server was taken to be where memory is concerned: its version is `None`, too, where it calls itself one
    /// but behaves as another.
    pub server: Server,
    /// The server's version as given, else as its metrics have it, else as it calls itself; `None` where nothing tells.
    pub version: Option<Version>,
    /// Whether [`Dimensions::version`] is how the server calls itself, but it reads LISTs as older ones do: it emulates
    /// one, or has a gate turned off.
    pub is_version_contradicted: bool,
    /// Feature gates that decide seats, as metrics have them.
    pub gates: Vec<(String, bool)>,
    /// What the requests are to API Priority and Fairness; `None` where nobody asked.
    pub flows: Option<Arc<Flows>>,
}

impl Dimensions {
    /// What the requests are to API Priority and Fairness.
    ///
    /// # Panics
    /// When nothing that was asked for needed it.
    pub fn flows(&self) -> &Flows {
        let Some(flows) = &self.flows else { unreachable!("no query that was asked for reads flows") };
        flows
    }
}

/// Why dimension tables can't be filled.
#[derive(Debug, thiserror::Error)]
pub enum DimensionsError {
    /// A query failed.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A feature gate was given that is not known.
    #[error(transparent)]
    UnknownGate(#[from] UnknownGate),
}

/// A row of the query `identities`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "IdentityRow")]
pub struct Caller {
    /// `caller_key` of its requests.
    pub caller_key: i64,
    /// What clients are told by.
    pub identity: Identity,
    /// Requests that write.
    pub write_count: u64,
    /// Requests that got a 429.
    pub rejected_count: u64,
    /// When the first was received.
    first_received_at: Option<Micros>,
    /// When the last was received.
    last_received_at: Option<Micros>,
}

/// The columns of `identities`.
#[derive(Deserialize)]
struct IdentityRow {
    caller_key: i64,
    user_name: Option<String>,
    user_groups: Option<Vec<String>>,
    user_agent: Option<String>,
    pod_name: Option<String>,
    instance_count: i64,
    request_count: i64,
    list_count: i64,
    watch_count: i64,
    full_list_count: i64,
    node_scoped_count: i64,
    reflector_count: i64,
    typed_informer_count: i64,
    write_count: u64,
    rejected_count: u64,
    first_received_at: Option<Micros>,
    last_received_at: Option<Micros>,
}

impl From<IdentityRow> for Caller {
    fn from(row: IdentityRow) -> Self {
        Self {
            caller_key: row.caller_key,
            identity: Identity {
                user_name: row.user_name,
                user_groups: row.user_groups.unwrap_or_default(),
                user_agent: row.user_agent,
                pod_name: row.pod_name,
                instance_count: row.instance_count,
                list_count: row.list_count,
                watch_count: row.watch_count,
                request_count: row.request_count,
                node_scoped_count: row.node_scoped_count,
                typed_informer_count: row.typed_informer_count,
                reflector_count: row.reflector_count,
                full_list_count: row.full_list_count,
            },
            write_count: row.write_count,
            rejected_count: row.rejected_count,
            first_received_at: row.first_received_at,
            last_received_at: row.last_received_at,
        }
    }
}

impl TypedRow for Caller {
    const QUERY: &'static str = "identities";
}

/// A row of the query `list_shapes`.
#[derive(Debug, Deserialize)]
struct Shape {
    shape: String,
    api_group: Option<String>,
    resource: Option<String>,
    list_kind: String,
    scope: Option<String>,
    limit: Option<u64>,
    is_node_scoped: Option<bool>,
    has_selector: bool,
    is_pretty: bool,
}

impl TypedRow for Shape {
    const QUERY: &'static str = "list_shapes";
}

/// Fills the dimension tables and keeps the rows of the queries in `needs`, which [`Database::needs`] gives; `also` are
/// further queries to keep from the same reading. The flows may be known from an earlier reading of the same logs.
///
/// # Errors
/// When a query fails.
pub async fn derive_dimensions(
    database: &Database,
    needs: &BTreeSet<String>,
    also: &[&str],
    (settings, known_flows): (&Settings, Option<Arc<Flows>>),
) -> Result<Dimensions, DimensionsError> {
    let needs_any = |names: &[&str]| names.iter().any(|name| needs.contains(*name));
    let reads_logs = |name: &&str| database.queries().get(name).is_some_and(|query| query.reads == ["requests"]);
    let mut keep: BTreeSet<&str> = also.iter().copied().collect();
    keep.extend(needs.iter().map(String::as_str).filter(reads_logs));
    if needs_any(&[ListCostRow::TABLE]) {
        keep.insert("collection_reads");
    }
    let needs_flows = needs_any(&[FlowRow::TABLE]);
    if needs_flows {
        keep.insert(WatchCount::QUERY);
        // One query that reads flow keys brings them all.
        if !keep.iter().any(|query| FLOW_QUERIES.contains(query)) {
            keep.insert(FLOW_QUERIES[0]);
        }
    }
    let needs_dimensions = needs_flows || needs_any(&[ClientRow::TABLE, ResourceRow::TABLE, ListCostRow::TABLE]);
    if needs_dimensions {
        keep.extend([Caller::QUERY, Observed::QUERY, WholeLists::QUERY]);
    }
    database.keep(&keep.into_iter().collect::<Vec<_>>()).await?;
    let mut dimensions = Dimensions::default();
    if needs_dimensions {
        let callers: Vec<Caller> = database.rows().await?;
        let mut observed: Vec<Observed> = database.rows().await?;
        add_whole_lists(&mut observed, database.rows().await?);
        dimensions = dimensions_from(callers, &observed, settings);
        database.fill(&dimensions.clients.iter().map(client_row).collect::<Vec<_>>())?;
        database.fill(&dimensions.sizes.iter().map(resource_row).collect::<Vec<_>>())?;
        if needs_any(&[ListCostRow::TABLE]) {
            dimensions.held = fill_list_costs(database, &dimensions, &observed).await?;
        }
    }
    if needs_flows {
        let flows = match known_flows {
            Some(flows) => flows,
            None => Arc::new(fill_flows(database, &dimensions, &settings.apf).await?),
        };
        dimensions.flows = Some(flows);
    }
    if needs_any(&[ApiserverDecisionRow::TABLE]) {
        database.fill(&settings.apf.verdicts)?;
    }
    keep_in_waves(database, needs).await?;
    Ok(dimensions)
}

/// Keeps the rows of queries, each after those that it reads, and those at the same time that don't wait for each other.
async fn keep_in_waves(database: &Database, needs: &BTreeSet<String>) -> Result<(), TablesError> {
    let is_query = |name: &&String| database.queries().get(name).is_some();
    let mut waiting: Vec<&String> = needs.iter().filter(is_query).collect();
    while !waiting.is_empty() {
        let is_ready = |name: &&String| {
            let reads = database.needs(&[name.as_str()]);
            !waiting.iter().any(|other| other != name && reads.contains(*other))
        };
        let (ready, later): (Vec<&String>, Vec<&String>) = waiting.iter().copied().partition(is_ready);
        assert!(!ready.is_empty(), "queries don't read each other in a circle: {later:?}");
        database.keep(&ready.iter().map(|name| name.as_str()).collect::<Vec<_>>()).await?;
        waiting = later;
    }
    Ok(())
}

fn dimensions_from(callers: Vec<Caller>, observed: &[Observed], settings: &Settings) -> Dimensions {
    let first_at = callers.iter().filter_map(|caller| caller.first_received_at).min().unwrap_or(0);
    let last_at = callers.iter().filter_map(|caller| caller.last_received_at).max().unwrap_or(0);
    let metrics = metrics_of(&settings.metrics, first_at, last_at);
    let MeasuredServer { server: measured, gates } = measured_server(&metrics);
    let (server, version) = server(&callers, observed, (settings.server, measured));
    let known = metrics_around(&settings.metrics, first_at, last_at);
    let known_sizes = estimate_sizes(&settings.given, &known, observed);
    let sizes = estimate_sizes(&settings.given, &metrics, observed);
    let classify = |caller: Caller| {
        let classification = settings.catalogue.classify(&caller.identity);
        (caller, classification)
    };
    let mut clients: Vec<_> = callers.into_par_iter().map(classify).collect();
    tell_namespaces_apart(&mut clients);
    name_shared_programs(clients.iter_mut().map(|(caller, client)| (&caller.identity, client)));
    Dimensions {
        clients,
        sizes,
        known_sizes,
        span: (first_at, last_at),
        server,
        version,
        is_version_contradicted: server.version != version,
        gates,
        ..Dimensions::default()
    }
}

/// A service account's name may stand in several namespaces. Of types that are named after the account, these are
/// different clients, and the namespace becomes part of the name.
fn tell_namespaces_apart(clients: &mut [(Caller, Classification)]) {
    let account = |caller: &Caller| {
        let account = ServiceAccount::parse(caller.identity.user_name.as_deref()?)?;
        Some((account.namespace.to_owned(), account.name.to_owned()))
    };
    let mut namespaces: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (caller, client) in clients.iter() {
        if let Some((namespace, name)) = account(caller).filter(|(_, name)| *name == client.client) {
            namespaces.entry(name).or_default().insert(namespace);
        }
    }
    for (caller, client) in clients.iter_mut() {
        let has_several = namespaces.get(&client.client).is_some_and(|namespaces| namespaces.len() > 1);
        if let Some((namespace, name)) = account(caller).filter(|(_, name)| has_several && *name == client.client)
            && matches!(
                client.client_type,
                ClientType::Operator | ClientType::Sdk | ClientType::Automation | ClientType::Unknown
            )
        {
            client.client = format!("{namespace}:{name}");
        }
    }
}

/// What the server is where memory is concerned, and its version: as given, else as its metrics have it, else as its own
/// client's user agent and the log show it. Where those two contradict each other, by an emulated version or a gate that
/// is off, the version tells nothing about memory.
fn server(callers: &[Caller], observed: &[Observed], (given, measured): (Server, Server)) -> (Server, Option<Version>) {
    let own = callers.iter().filter(|caller| caller.identity.user_name.as_deref() == Some(SYSTEM_APISERVER));
    let agents = own.filter_map(|caller| caller.identity.user_agent.as_deref()?.strip_prefix("kube-apiserver/v"));
    let told = given.version.or(measured.version);
    let version = told.or_else(|| agents.filter_map(Version::parse).max());
    let told_from_etcd = given.reads_lists_from_etcd.or(measured.reads_lists_from_etcd);
    let from_etcd = told_from_etcd.or_else(|| reads_lists_from_etcd(observed, version));
    let contradicts = told.is_none()
        && from_etcd == Some(true)
        && version.is_some_and(|version| version >= CONSISTENT_LISTS_FROM_CACHE);
    let server = Server {
        version: version.filter(|_| !contradicts),
        reads_lists_from_etcd: from_etcd,
        streams_encoding: given.streams_encoding.or(measured.streams_encoding),
    };
    (server, version)
}

/// Since when the most recent state is listed from the watch cache by default (`ConsistentListFromCache`).
const CONSISTENT_LISTS_FROM_CACHE: Version = Version::new(1, 31);

async fn fill_list_costs(
    database: &Database,
    dimensions: &Dimensions,
    observed: &[Observed],
) -> Result<BTreeMap<String, MemoryCost>, TablesError> {
    let nodes = node_count(observed);
    let shapes: Vec<Shape> = database.rows().await?;
    let costs: Vec<_> = shapes.iter().map(|shape| (shape, list_cost(shape, dimensions, nodes))).collect();
    let rows: Vec<_> = costs.iter().map(|(shape, (size, cost))| list_cost_row(shape, size, cost.as_ref())).collect();
    database.fill(&rows)?;
    let held = costs.into_iter().filter_map(|(shape, (_, cost))| Some((shape.shape.clone(), cost?.1)));
    Ok(held.collect())
}

/// The size of a shape's resource, and what a LIST of the shape returns and holds, where that is known.
fn list_cost(
    shape: &Shape,
    dimensions: &Dimensions,
    nodes: Option<Range>,
) -> (ResourceSize, Option<(ListResponse, MemoryCost)>) {
    let (api_group, resource) = (shape.api_group.as_deref().unwrap_or(""), shape.resource.as_deref().unwrap_or(""));
    let known = dimensions.sizes.iter().find(|size| size.api_group == api_group && size.resource == resource);
    let size = known.cloned().unwrap_or_else(|| assume_size(api_group, resource));
    let cost = ListKind::named(&shape.list_kind).and_then(|kind| {
        let list = ListShape {
            kind,
            api_group,
            resource,
            limit: shape.limit,
            is_namespaced: shape.scope.as_deref() == Some("namespace"),
            namespace_share: None,
            has_selector: shape.has_selector,
            selects_node: shape.is_node_scoped.unwrap_or(false),
            encoding: None,
            is_pretty: shape.is_pretty,
            response_bytes: None,
        };
        let response = estimate_response(&list, &size, nodes)?;
        Some((response, estimate_memory(&list, &dimensions.server, &response)))
    });
    (size, cost)
}

fn list_cost_row(shape: &Shape, size: &ResourceSize, cost: Option<&(ListResponse, MemoryCost)>) -> ListCostRow {
    let low = |range: Option<Range>| range.and_then(|range| i64::try_from(range.low).ok());
    let high = |range: Option<Range>| range.and_then(|range| i64::try_from(range.high?).ok());
    let (response, each, slack) =
        (cost.map(|cost| cost.0.bytes), cost.map(|cost| cost.1.per_list), cost.map(|cost| cost.1.shared_garbage));
    ListCostRow {
        shape: shape.shape.clone(),
        response_low_bytes: low(response),
        response_high_bytes: high(response),
        held_low_bytes: low(each),
        held_high_bytes: high(each),
        slack_low_bytes: low(slack),
        slack_high_bytes: high(slack),
        cost_basis: cost_basis(size),
    }
}

fn client_row((caller, client): &(Caller, Classification)) -> ClientRow {
    ClientRow {
        caller_key: caller.caller_key,
        user_name: caller.identity.user_name.clone(),
        user_agent: caller.identity.user_agent.clone(),
        client_type: client.client_type.name().to_owned(),
        client: client.client.clone(),
        confidence: client.confidence.name().to_owned(),
        evidence: client.evidence.clone(),
        rule: client.rule.clone(),
        claimed_client: client.claimed.clone(),
        is_mismatch: client.is_mismatch(),
    }
}

fn resource_row(size: &ResourceSize) -> ResourceRow {
    let low = |range: Option<Range>| range.and_then(|range| i64::try_from(range.low).ok());
    let high = |range: Option<Range>| range.and_then(|range| i64::try_from(range.high?).ok());
    let count = size.object_count.as_ref();
    let all = size.collection_bytes.as_ref().map(|all| all.range);
    ResourceRow {
        api_group: size.api_group.clone(),
        resource: size.resource.clone(),
        object_count_low: low(count.map(|count| count.range)),
        object_count_high: high(count.map(|count| count.range)),
        count_basis: count_basis(size),
        object_low_bytes: low(Some(size.object_bytes.range)),
        object_high_bytes: high(Some(size.object_bytes.range)),
        bytes_basis: bytes_basis(size),
        collection_low_bytes: low(all),
        collection_high_bytes: high(all),
    }
}
