//! What a finding is and holds, as data; the report words it.

use serde::{Serialize, Serializer};

use super::ClientProfile;
use super::context::Context;
use super::culprit::Culprit;
use super::episode::Episode;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};
use crate::audit::Micros;
use crate::units;

/// The kinds of findings, each named for the bad pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An apiserver started, and perhaps one died before.
    ApiserverRestart,
    /// Everybody lists at once after an apiserver has started.
    RestartHerd,
    /// Many lists in flight at once.
    ListPileup,
    /// Many instances of one client list at once.
    RelistHerd,
    /// One instance lists again and again.
    ListLoop,
    /// Failed lists are tried again at once.
    RetryLoop,
    /// A big collection is returned whole.
    UnpaginatedList,
    /// Pages upon pages.
    PageStorm,
    /// Watches that end long before their time.
    WatchChurn,
    /// The API's own description, read again and again.
    DiscoveryLoop,
    /// Far more watches open than needed, and ever more.
    WatchPileup,
    /// deletecollections that run long, or several at a time.
    DeletePileup,
    /// Single objects, read at a rate that a watch would spare.
    GetFlood,
    /// Writes that fail again and again.
    WriteLoop,
    /// Requests that are refused again and again.
    RefusalLoop,
    /// An apiserver rejects requests with 429.
    Rejections,
}

impl Kind {
    /// All kinds, in order.
    pub const ALL: [Self; 16] = [
        Self::ApiserverRestart,
        Self::RestartHerd,
        Self::ListPileup,
        Self::RelistHerd,
        Self::ListLoop,
        Self::RetryLoop,
        Self::UnpaginatedList,
        Self::PageStorm,
        Self::WatchChurn,
        Self::DiscoveryLoop,
        Self::WatchPileup,
        Self::DeletePileup,
        Self::GetFlood,
        Self::WriteLoop,
        Self::RefusalLoop,
        Self::Rejections,
    ];

    /// The kind's name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiserverRestart => "apiserver-restart",
            Self::RestartHerd => "restart-herd",
            Self::ListPileup => "list-pileup",
            Self::RelistHerd => "relist-herd",
            Self::ListLoop => "list-loop",
            Self::RetryLoop => "retry-loop",
            Self::UnpaginatedList => "unpaginated-list",
            Self::PageStorm => "page-storm",
            Self::WatchChurn => "watch-churn",
            Self::DiscoveryLoop => "discovery-loop",
            Self::WatchPileup => "watch-pileup",
            Self::DeletePileup => "delete-pileup",
            Self::GetFlood => "get-flood",
            Self::WriteLoop => "write-loop",
            Self::RefusalLoop => "refusal-loop",
            Self::Rejections => "rejections",
        }
    }

    /// Whether its requests read collections, which the server holds in memory meanwhile.
    pub const fn holds_collections(self) -> bool {
        !matches!(
            self,
            Self::WatchChurn
                | Self::DiscoveryLoop
                | Self::Rejections
                | Self::WatchPileup
                | Self::GetFlood
                | Self::WriteLoop
                | Self::RefusalLoop
        )
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What made a client's instances act at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// They had been cut off for so long that their watches could not go on where they had ended (410).
    WatchesExpired,
}

/// A storm, or an apiserver's restart. Its JSON carries codes; the report adds the words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The pattern that it shows.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// What makes it that bad.
    #[serde(rename = "severity_reason_code")]
    pub severity_reason: SeverityReason,
    /// What brought it about, as far as the log shows; `None` where it doesn't.
    pub cause: Option<Cause>,
    /// Its first request's receipt.
    #[serde(serialize_with = "as_instant")]
    pub started_at: Micros,
    /// The end of its last list, or the receipt of its last watch.
    #[serde(serialize_with = "as_instant")]
    pub ended_at: Micros,
    /// Of a restart, the first request that the new process is seen to serve; `None` for storms.
    #[serde(serialize_with = "as_maybe_instant")]
    pub back_at: Option<Micros>,
    /// Of a restart, the last request that the server marked as served while it was starting: it was ready soon after. `None`
    /// for storms, and where it marked none, as before Kubernetes 1.32 or so.
    #[serde(serialize_with = "as_maybe_instant")]
    pub ready_at: Option<Micros>,
    /// Whose it is.
    #[serde(flatten)]
    pub culprit: Culprit,
    /// How far the client's name can be trusted: high, medium or low; `None` for many.
    pub client_confidence: Option<&'static str>,
    /// Users, at most 5.
    pub user_names: Vec<String>,
    /// How many users there are.
    pub user_name_count: u64,
    /// Users that its client impersonates, at most 5, those with most requests in the whole log first; empty for most.
    pub impersonated_user_names: Vec<String>,
    /// User agents, at most 5.
    pub user_agents: Vec<String>,
    /// Distinct pods, nodes or addresses.
    pub instances: u64,
    /// Those with the most requests.
    pub worst_instances: Vec<Instance>,
    /// The server, or the one that had the peak; `None` where the log names none.
    pub apiserver: Option<String>,
    /// The resource; of several, the one that costs most. `None` where it is of none.
    pub resource: Option<String>,
    /// The resource's API group, empty for the core group; `None` where it is of none.
    pub api_group: Option<String>,
    /// Further resources, by falling cost.
    pub other_resources: Vec<String>,
    /// `cluster` or `namespace`.
    pub scope: Option<String>,
    /// Kinds of lists in it.
    pub list_kinds: Vec<String>,
    /// Its requests: what its kind counts, such as LISTs, watches or pages. LISTs include watch-lists.
    pub requests: u64,
    /// Those of them that are watch-lists: watches that begin with the collection.
    pub watch_lists: u64,
    /// Requests per second over its span, without what the log leaves out of it.
    pub rate_rps: f64,
    /// What is usual of the client: the median over windows of the whole log, in requests per second; `None` where the
    /// kind has no use for it.
    pub baseline_rps: Option<f64>,
    /// Lists in flight at once, at most; of a watch-pileup the watches open at once, of a delete-pileup the deletecollections
    /// in flight. `None` where it holds none.
    pub peak_concurrency: Option<u64>,
    /// When that was.
    #[serde(serialize_with = "as_maybe_instant")]
    pub peak_at: Option<Micros>,
    /// How long its LISTs were in flight, all of them together, in seconds; waiting in a queue counts. `None` where it holds
    /// none.
    pub list_secs: Option<f64>,
    /// Its LISTs in flight, on average over its span.
    pub mean_concurrency: Option<f64>,
    /// What the server held for them at the peak; `None` where the size is unknown.
    pub estimated_bytes: Option<Bytes>,
    /// Its share of the highest estimate of all findings, from 0 to 1, by the high ends; `None` where its own size is
    /// unknown, or that of most LISTs of the findings.
    pub peak_share: Option<f64>,
    /// The clients it is made of, if they are several, by falling cost.
    pub clients: Vec<Share>,
    /// Its strongest requests.
    pub evidence: Vec<Evidence>,
    /// The name of the query that shows it.
    pub query: &'static str,
    /// What the log leaves open about it.
    #[serde(rename = "unknown_codes")]
    pub unknowns: Vec<Unknown>,
    /// What to do at the client, what helps most first.
    #[serde(rename = "remedy_codes")]
    pub remedies: Vec<Remedy>,
}

/// An estimate of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// At least.
    pub low: u64,
    /// At most; `None` where nothing bounds it.
    pub high: Option<u64>,
}

impl Bytes {
    /// The middle of it; the low end where nothing bounds it.
    pub fn middle(self) -> u64 {
        self.low / 2 + self.high.unwrap_or(self.low) / 2
    }

    /// Whether it says too little to judge by: nothing bounds it, or its ends are a decade apart, beyond a bound that is
    /// small anyway. An estimate that errs by a factor of ten tells neither what is harmless nor what kills.
    pub fn is_unknown(self) -> bool {
        /// Bytes below which it doesn't matter how much they are.
        const SMALL_BYTES: u64 = 1_000_000;
        self.high.is_none_or(|high| high > SMALL_BYTES && high / 10 >= self.low)
    }
}

/// An instance of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The pod, node or address.
    pub name: String,
    /// Its requests.
    pub requests: u64,
}

/// One client's part in a finding of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Its type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// The resource.
    pub resource: Option<String>,
    /// Its instances.
    pub instances: u64,
    /// Its requests.
    pub requests: u64,
    /// Its lists in flight at the peak.
    pub peak_concurrency: u64,
    /// What they held.
    pub estimated_bytes: Option<Bytes>,
    /// How long its lists were in flight, all of them together, in seconds.
    pub list_secs: f64,
}

/// A request that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The audit ID.
    pub audit_id: String,
    /// The file.
    pub file: String,
    /// The line in the file, from 1; 0 where unknown.
    pub line: u64,
}

impl Finding {
    /// Whether it is about clients, and not about a server's end.
    pub fn is_storm(&self) -> bool {
        self.kind != Kind::ApiserverRestart
    }

    /// A finding of which nothing else is known yet than its kind, the query that shows it, whose it is and its span.
    pub(super) fn new(
        (kind, query): (Kind, &'static str),
        (severity, severity_reason): (Severity, SeverityReason),
        culprit: Culprit,
        (started_at, ended_at): (Micros, Micros),
    ) -> Self {
        Self {
            kind,
            severity,
            severity_reason,
            cause: None,
            started_at,
            ended_at,
            back_at: None,
            ready_at: None,
            culprit,
            client_confidence: None,
            user_names: Vec::new(),
            user_name_count: 0,
            impersonated_user_names: Vec::new(),
            user_agents: Vec::new(),
            instances: 0,
            worst_instances: Vec::new(),
            apiserver: None,
            resource: None,
            api_group: None,
            other_resources: Vec::new(),
            scope: None,
            list_kinds: Vec::new(),
            requests: 0,
            watch_lists: 0,
            rate_rps: 0.0,
            baseline_rps: None,
            peak_concurrency: None,
            peak_at: None,
            list_secs: None,
            mean_concurrency: None,
            estimated_bytes: None,
            peak_share: None,
            clients: Vec::new(),
            evidence: Vec::new(),
            query,
            unknowns: Vec::new(),
            remedies: Vec::new(),
        }
    }

    /// A finding about an episode; what is left empty is for its kind to fill.
    pub(super) fn from_episode(
        kind: Kind,
        judgement: (Severity, SeverityReason),
        episode: &Episode,
        context: &Context<'_>,
    ) -> Self {
        let is_listing = episode.list_count > 0;
        let window_secs = context.thresholds.burst.window_secs;
        Self {
            user_names: episode.user_names.clone(),
            user_name_count: episode.user_name_count,
            user_agents: episode.user_agents.clone(),
            instances: episode.instance_count,
            worst_instances: worst_instances(episode),
            apiserver: episode.apiserver.clone(),
            resource: episode.resource.clone(),
            api_group: episode.api_group.clone(),
            scope: episode.scope.clone(),
            list_kinds: episode.list_kinds.clone(),
            requests: episode.request_count,
            watch_lists: episode.watch_list_count,
            rate_rps: context.rps(episode),
            baseline_rps: episode.median_count.map(|count| count as f64 / window_secs),
            peak_concurrency: episode.peak_concurrency.filter(|_| is_listing),
            peak_at: episode.peak_at.filter(|_| is_listing),
            list_secs: is_listing.then_some(episode.list_secs),
            mean_concurrency: is_listing.then_some(episode.list_secs / context.covered_secs(episode)),
            estimated_bytes: held_bytes(episode).filter(|_| is_listing),
            evidence: evidence(&episode.evidence_audit_ids, &episode.evidence_places),
            unknowns: unknown_sizes(episode).into_iter().collect(),
            ..Self::new((kind, "episodes"), judgement, culprit(episode), (episode.started_at, episode.ended_at))
        }
    }

    /// Adds what is known of the client.
    pub(super) fn add_profile(&mut self, profile: &ClientProfile) {
        self.client_confidence = Some(profile.confidence);
        self.impersonated_user_names = profile.impersonated_users.iter().take(5).cloned().collect();
        if !profile.shares_user_with.is_empty() {
            self.unknowns.push(Unknown::SharedUser { clients: profile.shares_user_with.clone() });
        }
    }
}

/// Whose an episode is; the query names both type and name, or neither.
fn culprit(episode: &Episode) -> Culprit {
    match (&episode.client_type, &episode.client) {
        (Some(client_type), Some(client)) => Culprit::one(client_type, client),
        _ => Culprit::Many,
    }
}

/// A resource with its group, as kubectl takes it; of the core group without.
pub fn resource_name(resource: &str, api_group: Option<&str>) -> String {
    match api_group {
        None | Some("") => resource.to_owned(),
        Some(group) => format!("{resource}.{group}"),
    }
}

/// What an episode's lists held at the peak; `None` where no size is known. What some of them held is no upper bound.
pub(super) fn held_bytes(episode: &Episode) -> Option<Bytes> {
    let high = episode.held_high_bytes.filter(|_| episode.unknown_cost_count == 0);
    Some(Bytes { low: episode.held_low_bytes?, high })
}

/// That an estimate leaves out LISTs of unknown size.
fn unknown_sizes(episode: &Episode) -> Option<Unknown> {
    let (unknown, all) = (episode.unknown_cost_count, episode.list_count);
    let is_partial = episode.held_low_bytes.is_some() && unknown > 0;
    is_partial.then_some(Unknown::SomeSizes { unknown, all })
}

fn worst_instances(episode: &Episode) -> Vec<Instance> {
    let counts = episode.worst_instance_counts.iter().flatten();
    let both = episode.worst_instances.iter().zip(counts);
    both.map(|(name, requests)| Instance { name: name.clone(), requests: *requests }).collect()
}

/// Evidence from audit IDs and places such as `file:12`.
pub(super) fn evidence(audit_ids: &[String], places: &[String]) -> Vec<Evidence> {
    let both = audit_ids.iter().zip(places);
    both.map(|(audit_id, place)| {
        let (file, line) = place.rsplit_once(':').unwrap_or((place, "0"));
        Evidence { audit_id: audit_id.clone(), file: file.to_owned(), line: line.parse().unwrap_or(0) }
    })
    .collect()
}

/// Writes an instant as RFC 3339.
///
/// # Errors
/// When the serializer fails.
pub fn as_instant<S: Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&units::instant(*at))
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
pub(super) fn as_maybe_instant<S: Serializer>(at: &Option<Micros>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(units::instant).serialize(serializer)
}
