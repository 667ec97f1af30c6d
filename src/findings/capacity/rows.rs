//! What the queries measured of a period and the one before.

use super::super::episode::{instant_text, row};
use crate::audit::Micros;
use crate::tables::TypedRow;

row! {
    /// A row of the query `client_periods`.
    ClientPeriod of "client_periods" {
        client_type: String,
        client: String,
        is_this: bool,
        request_count: u64,
        list_count: u64,
        watch_count: u64,
        watch_list_count: u64,
        write_count: u64,
        rejected_count: u64,
        error_count: u64,
        object_took_count: u64,
        namespace_took_count: u64,
        cluster_took_count: u64,
        object_late_count: u64,
        namespace_late_count: u64,
        cluster_late_count: u64,
        low_seat_secs: Option<f64>,
        high_seat_secs: Option<f64>,
    }
}

row! {
    /// A row of the query `client_lists`.
    ClientLists of "client_lists" {
        client_type: String,
        client: String,
        is_this: bool,
        instance_count: u64,
        list_count: u64,
        whole_list_count: u64,
        response_low_bytes: Option<u64>,
        response_high_bytes: Option<u64>,
        peak_list_count: Option<u64>,
        peak_low_bytes: Option<u64>,
        peak_high_bytes: Option<u64>,
    }
}

row! {
    /// A row of the query `level_hours`.
    LevelHour of "level_hours" {
        apiserver: Option<String>,
        #[serde(with = "instant_text")]
        bucket_at: Micros,
        priority_level: String,
        request_count: u64,
        mean_low_seats: f64,
        mean_high_seats: f64,
        waited_count: u64,
        total_wait_secs: f64,
        rejected_count: u64,
    }
}

row! {
    /// A row of the query `flow_periods`.
    FlowPeriod of "flow_periods" {
        flow_key: i64,
        is_this: bool,
        created_count: u64,
        deleted_count: u64,
    }
}

row! {
    /// A row of the query `clocks`.
    Clock of "clocks" {
        client_type: String,
        client: String,
        api_group: Option<String>,
        resource: Option<String>,
        list_kind: Option<String>,
        poll_count: u64,
        regular_poll_count: u64,
        period_secs: Option<f64>,
        request_count: u64,
        regular_request_count: Option<u64>,
        response_low_bytes: Option<u64>,
        response_high_bytes: Option<u64>,
    }
}
