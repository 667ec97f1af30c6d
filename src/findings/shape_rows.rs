//! Rows of the queries that look for other shapes than LISTs and watches that come too often, as episodes that are judged
//! like all others.

use super::episode::{Episode, EpisodeDetail, Pattern, row, texts};
use crate::audit::Micros;
use crate::tables::TypedRow;

row! {
    /// A row of the query `watch_pileups`.
    WatchPileup of "watch_pileups" {
        pattern: Pattern,
        episode: u64,
        started_at: Micros,
        ended_at: Micros,
        client_type: Option<String>,
        client: Option<String>,
        apiserver: Option<String>,
        #[serde(deserialize_with = "texts")]
        user_names: Vec<String>,
        user_name_count: u64,
        #[serde(deserialize_with = "texts")]
        user_agents: Vec<String>,
        instance_count: u64,
        #[serde(deserialize_with = "texts")]
        worst_instances: Vec<String>,
        worst_instance_counts: Option<Vec<u64>>,
        median_instance_reads: Option<f64>,
        api_group: Option<String>,
        resource: Option<String>,
        request_count: u64,
        open_watch_count: u64,
        needed_watch_count: u64,
        without_end_count: u64,
        peak_at: Option<Micros>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
    }
}

row! {
    /// A row of the query `collection_deletes`.
    CollectionDelete of "collection_deletes" {
        pattern: Pattern,
        episode: u64,
        started_at: Micros,
        ended_at: Micros,
        client_type: Option<String>,
        client: Option<String>,
        apiserver: Option<String>,
        #[serde(deserialize_with = "texts")]
        user_names: Vec<String>,
        user_name_count: u64,
        #[serde(deserialize_with = "texts")]
        user_agents: Vec<String>,
        instance_count: u64,
        #[serde(deserialize_with = "texts")]
        worst_instances: Vec<String>,
        worst_instance_counts: Option<Vec<u64>>,
        median_instance_reads: Option<f64>,
        api_group: Option<String>,
        resource: Option<String>,
        scope: Option<String>,
        request_count: u64,
        cluster_list_count: u64,
        open_count: u64,
        unknown_cost_count: u64,
        max_duration_secs: f64,
        peak_concurrency: Option<u64>,
        peak_at: Option<Micros>,
        held_low_bytes: Option<u64>,
        held_high_bytes: Option<u64>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
    }
}

row! {
    /// A row of the query `request_loops`.
    RequestLoop of "request_loops" {
        pattern: Pattern,
        episode: u64,
        started_at: Micros,
        ended_at: Micros,
        client_type: Option<String>,
        client: Option<String>,
        #[serde(deserialize_with = "texts")]
        user_names: Vec<String>,
        user_name_count: u64,
        #[serde(deserialize_with = "texts")]
        user_agents: Vec<String>,
        instance_count: u64,
        #[serde(deserialize_with = "texts")]
        worst_instances: Vec<String>,
        worst_instance_counts: Option<Vec<u64>>,
        median_instance_reads: Option<f64>,
        api_group: Option<String>,
        resource: Option<String>,
        #[serde(deserialize_with = "texts")]
        other_resources: Vec<String>,
        #[serde(deserialize_with = "texts")]
        verbs: Vec<String>,
        request_count: u64,
        unauthenticated_count: u64,
        forbidden_count: u64,
        conflict_count: u64,
        object_count: Option<u64>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
    }
}

impl From<WatchPileup> for Episode {
    fn from(row: WatchPileup) -> Self {
        Self {
            pattern: row.pattern,
            episode: row.episode,
            started_at: row.started_at,
            ended_at: row.ended_at,
            client_type: row.client_type,
            client: row.client,
            apiserver: row.apiserver,
            user_names: row.user_names,
            user_name_count: row.user_name_count,
            user_agents: row.user_agents,
            instance_count: row.instance_count,
            worst_instances: row.worst_instances,
            worst_instance_counts: row.worst_instance_counts,
            median_instance_reads: row.median_instance_reads,
            api_group: row.api_group,
            resource: row.resource,
            request_count: row.request_count,
            open_count: row.without_end_count,
            peak_at: row.peak_at,
            evidence_audit_ids: row.evidence_audit_ids,
            evidence_places: row.evidence_places,
            detail: EpisodeDetail {
                open_watch_count: row.open_watch_count,
                needed_watch_count: row.needed_watch_count,
                ..EpisodeDetail::default()
            },
            ..Self::default()
        }
    }
}

/// A deletecollection counts as a LIST: it lists the collection before it deletes.
impl From<CollectionDelete> for Episode {
    fn from(row: CollectionDelete) -> Self {
        Self {
            pattern: row.pattern,
            episode: row.episode,
            started_at: row.started_at,
            ended_at: row.ended_at,
            client_type: row.client_type,
            client: row.client,
            apiserver: row.apiserver,
            user_names: row.user_names,
            user_name_count: row.user_name_count,
            user_agents: row.user_agents,
            instance_count: row.instance_count,
            worst_instances: row.worst_instances,
            worst_instance_counts: row.worst_instance_counts,
            median_instance_reads: row.median_instance_reads,
            api_group: row.api_group,
            resource: row.resource,
            scope: row.scope,
            request_count: row.request_count,
            list_count: row.request_count,
            cluster_list_count: row.cluster_list_count,
            open_count: row.open_count,
            unknown_cost_count: row.unknown_cost_count,
            peak_concurrency: row.peak_concurrency,
            peak_at: row.peak_at,
            held_low_bytes: row.held_low_bytes,
            held_high_bytes: row.held_high_bytes,
            evidence_audit_ids: row.evidence_audit_ids,
            evidence_places: row.evidence_places,
            detail: EpisodeDetail { max_duration_secs: row.max_duration_secs, ..EpisodeDetail::default() },
            ..Self::default()
        }
    }
}

impl From<RequestLoop> for Episode {
    fn from(row: RequestLoop) -> Self {
        Self {
            pattern: row.pattern,
            episode: row.episode,
            started_at: row.started_at,
            ended_at: row.ended_at,
            client_type: row.client_type,
            client: row.client,
            user_names: row.user_names,
            user_name_count: row.user_name_count,
            user_agents: row.user_agents,
            instance_count: row.instance_count,
            worst_instances: row.worst_instances,
            worst_instance_counts: row.worst_instance_counts,
            median_instance_reads: row.median_instance_reads,
            api_group: row.api_group,
            resource: row.resource,
            request_count: row.request_count,
            evidence_audit_ids: row.evidence_audit_ids,
            evidence_places: row.evidence_places,
            detail: EpisodeDetail {
                other_resources: row.other_resources,
                verbs: row.verbs,
                unauthenticated_count: row.unauthenticated_count,
                forbidden_count: row.forbidden_count,
                conflict_count: row.conflict_count,
                object_count: row.object_count,
                ..EpisodeDetail::default()
            },
            ..Self::default()
        }
    }
}
