//! From where on something is a storm: the embedded thresholds, and those that a file replaces.

use serde::Deserialize;
use serde_json::Value;

use super::capacity::CapacityThresholds;
use super::incident::IncidentThresholds;

const EMBEDDED: &str = include_str!("thresholds.yaml");

/// All thresholds. What each means, its unit and its reason stand in `thresholds.yaml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    pub(super) held: Held,
    pub(super) server_end: ServerEnd,
    pub(super) relist_herd: RelistHerd,
    pub(super) restart_herd: RestartHerd,
    pub(super) list_loop: ListLoop,
    pub(super) retry_loop: RetryLoop,
    pub(super) unpaginated_list: UnpaginatedList,
    pub(super) page_storm: PageStorm,
    pub(super) watch_churn: WatchChurn,
    pub(super) list_pileup: ListPileup,
    pub(super) discovery_loop: DiscoveryLoop,
    pub(super) apiserver_restart: ApiserverRestart,
    /// What `incident` judges by.
    pub incident: IncidentThresholds,
    /// What `capacity` judges by.
    pub capacity: CapacityThresholds,
}

macro_rules! thresholds {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        $(
            #[derive(Clone, Debug, PartialEq, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                $(pub(super) $field: $kind),*
            }
        )*
    };
}

thresholds! {
    Held { warning_bytes: u64, critical_bytes: u64 }
    ServerEnd { before_secs: f64, after_peak_secs: f64 }
    RelistHerd { min_instances: u64, unknown_warning_lists: u64, failed_share: f64 }
    RestartHerd { min_instances: u64, within_secs: f64 }
    ListLoop {
        min_lists: u64,
        min_instance_lists: f64,
        warning_bytes_per_sec: f64,
        critical_bytes_per_sec: f64,
        unknown_warning_rps: f64,
    }
    RetryLoop { min_tries: u64, warning_tries: u64, warning_timed_out: u64 }
    UnpaginatedList { min_lists: u64, warning_response_bytes: u64 }
    PageStorm { min_pages: u64, min_chains: u64, warning_rps: f64, warning_gone: u64 }
    WatchChurn {
        min_reopened: u64,
        min_instances: u64,
        warning_reopened: u64,
        min_instance_watches: f64,
        min_watches: u64,
        warning_rps: f64,
        warning_before_list: u64,
    }
    ListPileup { min_concurrency: u64, warning_unknown_concurrency: u64 }
    DiscoveryLoop { min_reads: u64, warning_rps: f64 }
    ApiserverRestart {
        min_startup_requests: u64,
        min_own_resources: u64,
        min_open_watches: u64,
        min_open_lists: u64,
        log_begins_secs: f64,
    }
}

/// Why thresholds can't be used: what is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ThresholdsError(String);

impl Thresholds {
    /// The thresholds that come along.
    pub fn embedded() -> Self {
        match Self::with("{}") {
            Ok(thresholds) => thresholds,
            Err(error) => unreachable!("the embedded thresholds are broken: {error}"),
        }
    }

    /// The thresholds that come along, single values of which `text`, in YAML, replaces.
    ///
    /// # Errors
    /// When it is no YAML, names a threshold that there isn't, or gives one a value of the wrong kind.
    pub fn with(text: &str) -> Result<Self, ThresholdsError> {
        let mut values = parse(EMBEDDED)?;
        replace(&mut values, parse(text)?);
        serde_json::from_value(values).map_err(|error| ThresholdsError(error.to_string()))
    }

    /// The embedded file, to read, or to copy and change.
    pub const fn text() -> &'static str {
        EMBEDDED
    }
}

fn parse(text: &str) -> Result<Value, ThresholdsError> {
    serde_saphyr::from_str(text).map_err(|error| ThresholdsError(error.to_string()))
}

fn replace(values: &mut Value, others: Value) {
    match (values, others) {
        (Value::Object(values), Value::Object(others)) => {
            for (key, other) in others {
                replace(values.entry(key).or_insert(Value::Null), other);
            }
        }
        (_, Value::Null) => {}
        (value, other) => *value = other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_replaces_single_values() {
        let thresholds = Thresholds::with("list_loop: {min_lists: 7}\n").unwrap();
        assert_eq!(thresholds.list_loop.min_lists, 7);
        assert_eq!(thresholds.held, Thresholds::embedded().held);
    }

    #[test]
    fn what_is_no_threshold_is_refused() {
        let error = Thresholds::with("list_loop: {min_list: 7}").unwrap_err().to_string();
        assert!(error.contains("min_list"), "{error}");
        assert!(Thresholds::with("list_loop: {min_lists: many}").is_err());
        assert!(Thresholds::with("a: [").is_err());
    }
}
