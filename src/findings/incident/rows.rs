//! What the queries measured of an incident.

use serde::{Deserialize, Serialize};

use super::super::episode::{instant_text, row, texts};
use crate::audit::Micros;
use crate::tables::TypedRow;

/// The verb of a read that was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutOffVerb {
    /// A LIST, or a page of one.
    #[default]
    List,
    /// A deletion of a whole collection, which reads it first.
    Deletecollection,
    /// A watch.
    Watch,
}

impl CutOffVerb {
    /// The verb of LISTs, as queries write it.
    pub(super) const LIST: &'static str = "list";

    /// Whether it reads a whole collection into memory.
    pub const fn reads_collection(self) -> bool {
        matches!(self, Self::List | Self::Deletecollection)
    }
}

row! {
    /// A row of the query `list_loads`.
    ListLoad of "list_loads" {
        apiserver: Option<String>,
        client_type: String,
        client: String,
        verb: CutOffVerb,
        api_group: Option<String>,
        resource: Option<String>,
        list_count: u64,
        instance_count: u64,
        inflight_secs: f64,
        near_secs: f64,
        near_unknown_secs: f64,
        near_low_byte_secs: f64,
        near_high_byte_secs: f64,
        returned_count: u64,
        returned_instance_count: u64,
    }
}

row! {
    /// A row of the query `list_pressure`.
    ListPressure of "list_pressure" {
        apiserver: Option<String>,
        #[serde(with = "instant_text")]
        bucket_at: Micros,
        client_type: String,
        #[serde(with = "instant_text")]
        peak_at: Micros,
        inflight_count: u64,
        unknown_count: u64,
        unbounded_count: u64,
        inflight_low_bytes: u64,
        inflight_high_bytes: u64,
        slack_low_bytes: u64,
        slack_high_bytes: u64,
    }
}

row! {
    /// A row of the query `server_activity`.
    ServerActivity of "server_activity" {
        apiserver: Option<String>,
        #[serde(with = "instant_text")]
        bucket_at: Micros,
        request_count: u64,
        list_count: u64,
        watch_count: u64,
        watch_list_count: u64,
        rejected_count: u64,
        error_count: u64,
        took_count: u64,
        late_count: u64,
        over_1_secs_count: u64,
        mean_duration_secs: Option<f64>,
        longest_secs: Option<f64>,
    }
}

row! {
    /// A row of the query `harmed_clients`.
    HarmedClient of "harmed_clients" {
        client_type: String,
        client: String,
        request_count: u64,
        list_count: u64,
        late_count: u64,
        rejected_count: u64,
        error_count: u64,
        open_count: u64,
        longest_secs: Option<f64>,
        otherwise_request_count: u64,
        otherwise_harmed_count: u64,
    }
}

row! {
    /// A row of the query `returns`.
    ClientReturn of "returns" {
        client_type: String,
        client: String,
        #[serde(with = "instant_text")]
        first_received_at: Micros,
        first_secs: f64,
        instance_count: u64,
        request_count: u64,
        list_count: u64,
        watch_count: u64,
        rejected_count: u64,
        error_count: u64,
        peak_list_count: Option<u64>,
        response_low_bytes: Option<u64>,
        response_high_bytes: Option<u64>,
    }
}

row! {
    /// A row of the query `cut_off_reads`.
    CutOff of "cut_off_reads" {
        client_type: String,
        client: String,
        verb: CutOffVerb,
        api_group: Option<String>,
        resource: Option<String>,
        open_count: u64,
        instance_count: u64,
        #[serde(with = "instant_text")]
        first_received_at: Micros,
        #[serde(with = "instant_text")]
        last_received_at: Micros,
        held_low_bytes: Option<u64>,
        held_high_bytes: Option<u64>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
    }
}

row! {
    /// A row of the query `apiserver_loads`.
    ServerLoad of "apiserver_loads" {
        apiserver: Option<String>,
        log_secs: Option<f64>,
        request_count: u64,
        request_share: f64,
        mean_rps: Option<f64>,
        list_count: u64,
        list_share: Option<f64>,
        watch_list_count: u64,
        apf_rejected_count: u64,
        mean_open_watch_count: Option<f64>,
        open_watch_share: Option<f64>,
        client_count: u64,
    }
}
