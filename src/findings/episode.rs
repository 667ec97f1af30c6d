//! What the queries measured: rows of `episodes`, `episode_clients` and `restarts`.

use serde::{Deserialize, Deserializer};

use crate::audit::Micros;
use crate::tables::TypedRow;

macro_rules! row {
    ($(#[$about:meta])* $name:ident of $query:literal { $($(#[$how:meta])* $field:ident: $kind:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, serde::Serialize)]
        #[expect(missing_docs, reason = "the query says what its columns mean")]
        pub struct $name {
            $($(#[$how])* pub $field: $kind),*
        }

        impl TypedRow for $name {
            const QUERY: &'static str = $query;
        }
    };
}

pub(super) use row;

/// A value of a text column that only some names are known of; others are kept apart, and judged to be nothing.
macro_rules! named {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        #[serde(from = "String", into = "&'static str")]
        pub enum $name {
            $($(#[$what])* $variant,)*
            /// One that a query of the user's may have added.
            #[default]
            Other,
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                match name.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other,
                }
            }
        }

        impl From<$name> for &'static str {
            fn from(named: $name) -> Self {
                match named {
                    $($name::$variant => $text,)*
                    $name::Other => "other",
                }
            }
        }
    };
}

named! {
    /// What stands out about the reads of an episode.
    Pattern {
        /// Reads of one client come much thicker than usual.
        Burst = "burst",
        /// So do the reads of all clients together.
        BurstOfAll = "burst-of-all",
        /// One instance repeats a LIST soon after it was answered.
        Loop = "loop",
        /// One instance repeats a LIST soon after it failed.
        Retry = "retry",
        /// Pages after the first.
        Pages = "pages",
        /// LISTs of whole collections by clients that are no informers.
        Full = "full",
        /// LISTs overlap.
        Pileup = "pileup",
        /// Watches live short.
        ShortWatches = "short-watches",
        /// Reads of the API's own description are repeated.
        Discovery = "discovery",
        /// LISTs of instances whose watches could not go on where they had ended.
        Expired = "expired",
        /// Watches of one resource pile up.
        WatchPileup = "watch-pileup",
        /// deletecollections run long, or several at a time.
        Deletions = "deletions",
        /// Single objects are read again and again.
        Gets = "gets",
        /// Writes fail again and again.
        FailingWrites = "failing-writes",
        /// Requests are refused again and again.
        Refusals = "refusals",
    }
}

named! {
    /// What the reads of an episode read.
    ReadKind {
        /// Collections.
        List = "list",
        /// Pages of collections, after the first.
        Page = "page",
        /// Changes of collections.
        Watch = "watch",
        /// The API's own description.
        Discovery = "discovery",
    }
}

row! {
    /// A row of the query `episodes`.
    Episode of "episodes" {
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
        read_kind: Option<ReadKind>,
        api_group: Option<String>,
        resource: Option<String>,
        scope: Option<String>,
        #[serde(deserialize_with = "texts")]
        list_kinds: Vec<String>,
        request_count: u64,
        list_count: u64,
        list_secs: f64,
        repeat_count: u64,
        cluster_list_count: u64,
        watch_list_count: u64,
        node_scoped_count: u64,
        selector_count: u64,
        failed_count: u64,
        rejected_count: u64,
        error_count: u64,
        gone_count: u64,
        timed_out_count: u64,
        open_count: u64,
        unknown_end_count: u64,
        before_list_count: u64,
        client_cut_count: u64,
        path_count: u64,
        chain_count: u64,
        unknown_cost_count: u64,
        median_lifetime_secs: Option<f64>,
        median_timeout_secs: Option<f64>,
        median_count: Option<u64>,
        response_low_bytes: Option<u64>,
        response_high_bytes: Option<u64>,
        largest_low_bytes: Option<u64>,
        largest_high_bytes: Option<u64>,
        max_duration_secs: Option<f64>,
        peak_concurrency: Option<u64>,
        peak_at: Option<Micros>,
        held_low_bytes: Option<u64>,
        held_high_bytes: Option<u64>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
        // What `episodes` has no columns for, and the queries of `shape_rows` do.
        #[serde(skip)]
        other_resources: Vec<String>,
        #[serde(skip)]
        unauthenticated_count: u64,
        #[serde(skip)]
        forbidden_count: u64,
        #[serde(skip)]
        conflict_count: u64,
        #[serde(skip)]
        object_count: Option<u64>,
        #[serde(skip)]
        open_watch_count: u64,
        #[serde(skip)]
        needed_watch_count: u64,
    }
}

row! {
    /// A row of the query `episode_clients`.
    EpisodeClient of "episode_clients" {
        pattern: Pattern,
        episode: u64,
        client_type: String,
        client: String,
        api_group: Option<String>,
        resource: Option<String>,
        #[serde(deserialize_with = "texts")]
        user_names: Vec<String>,
        #[serde(deserialize_with = "texts")]
        user_agents: Vec<String>,
        #[serde(deserialize_with = "texts")]
        list_kinds: Vec<String>,
        request_count: u64,
        list_count: u64,
        watch_list_count: u64,
        rejected_count: u64,
        instance_count: u64,
        peak_count: u64,
        peak_whole_count: u64,
        peak_low_bytes: Option<u64>,
        peak_high_bytes: Option<u64>,
        list_secs: f64,
    }
}

row! {
    /// A row of the query `restarts`.
    Restart of "restarts" {
        apiserver: Option<String>,
        started_at: Micros,
        last_event_at: Option<Micros>,
        back_at: Micros,
        next_event_at: Option<Micros>,
        starting_until_at: Option<Micros>,
        resource_count: u64,
        startup_count: u64,
        own_get_count: u64,
        failed_check_count: u64,
        reopened_count: u64,
        reopening_client_count: u64,
        reopened_soon_count: u64,
        own_again_count: u64,
        own_before_count: u64,
        open_watch_count: u64,
        open_list_count: u64,
        unsure_watch_count: u64,
        unsure_list_count: u64,
        cut_watch_count: u64,
        spanning_count: u64,
        ended_watch_count: u64,
        opened_watch_count: u64,
        evidence_audit_id: Option<String>,
        evidence_place: Option<String>,
    }
}

row! {
    /// A row of the query `pressure_at`.
    Pressure of "pressure_at" {
        apiserver: Option<String>,
        client_type: String,
        client: String,
        verb: String,
        api_group: Option<String>,
        resource: Option<String>,
        inflight_instance_count: u64,
        inflight_count: u64,
        open_count: u64,
        unknown_count: u64,
        inflight_low_bytes: Option<u64>,
        inflight_high_bytes: Option<u64>,
        recent_count: u64,
        recent_instance_count: u64,
        recent_low_bytes: Option<u64>,
        recent_high_bytes: Option<u64>,
    }
}

row! {
    /// A row of the query `impersonations`.
    Impersonation of "impersonations" {
        client: String,
        impersonated_user_name: String,
        request_count: u64,
    }
}

impl Episode {
    /// Whether most of it asks for whole collections: not for what one node, a selector or a namespace leaves of them.
    pub(super) fn is_of_whole_collections(&self) -> bool {
        2 * self.cluster_list_count.max(self.watch_list_count) >= self.request_count
            && 2 * (self.node_scoped_count + self.selector_count.saturating_sub(self.node_scoped_count))
                < self.request_count
    }

    /// Whether two episodes touch, with at most so many seconds between them.
    pub(super) fn touches(&self, other: &Self, gap_secs: f64) -> bool {
        secs(self.started_at - other.ended_at) <= gap_secs && secs(other.started_at - self.ended_at) <= gap_secs
    }
}

/// Microseconds in seconds.
pub(super) fn secs(micros: Micros) -> f64 {
    micros as f64 / 1e6
}

pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<Option<String>>>::deserialize(deserializer)?.into_iter().flatten().flatten().collect())
}

/// Instants that are read as microseconds and written as text.
pub(super) mod instant_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::audit::Micros;

    pub(in crate::findings) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        Micros::deserialize(deserializer)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
    pub(in crate::findings) fn serialize<S: Serializer>(at: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::units::instant(*at))
    }
}
