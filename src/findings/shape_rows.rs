//! Rows of the queries that look for other shapes than LISTs and watches that come too often, as episodes that are judged
//! like all others.

use super::episode::{Episode, Pattern, row, texts};
use crate::audit::Micros;
use crate::tables::TypedRow;

/// A row that has the columns every episode has, and some of its own, which are fields of [`Episode`] too.
macro_rules! episode_row {
    ($(#[$about:meta])* $name:ident of $query:literal { $($(#[$how:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        row! {
            $(#[$about])*
            $name of $query {
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
                request_count: u64,
                #[serde(deserialize_with = "texts")]
                evidence_audit_ids: Vec<String>,
                #[serde(deserialize_with = "texts")]
                evidence_places: Vec<String>,
                $($(#[$how])* $field: $kind),*
            }
        }

        impl From<$name> for Episode {
            fn from(row: $name) -> Self {
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
                    $($field: row.$field,)*
                    ..Self::default()
                }
            }
        }
    };
}

episode_row! {
    /// A row of the query `watch_pileups`.
    WatchPileup of "watch_pileups" {
        apiserver: Option<String>,
        open_count: u64,
        open_watch_count: u64,
        needed_watch_count: u64,
        peak_at: Option<Micros>,
    }
}

episode_row! {
    /// A row of the query `collection_deletes`. A deletecollection counts as a LIST: it lists the collection before it
    /// deletes.
    CollectionDelete of "collection_deletes" {
        apiserver: Option<String>,
        scope: Option<String>,
        list_count: u64,
        cluster_list_count: u64,
        open_count: u64,
        unknown_cost_count: u64,
        max_duration_secs: Option<f64>,
        peak_concurrency: Option<u64>,
        peak_at: Option<Micros>,
        held_low_bytes: Option<u64>,
        held_high_bytes: Option<u64>,
    }
}

episode_row! {
    /// A row of the query `request_loops`.
    RequestLoop of "request_loops" {
        #[serde(deserialize_with = "texts")]
        other_resources: Vec<String>,
        unauthenticated_count: u64,
        forbidden_count: u64,
        conflict_count: u64,
        object_count: Option<u64>,
    }
}
