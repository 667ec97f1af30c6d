//! From where on something is a storm: the embedded thresholds, and those that a file replaces.
//!
//! They are the only source of judgement: the rules read them, the detection queries get them as parameters
//! ([`Thresholds::query_params`]), and the explanations quote them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::capacity::CapacityThresholds;
use super::incident::IncidentThresholds;

const EMBEDDED: &str = include_str!("thresholds.yaml");

macro_rules! sections {
    ($($(#[$about:meta])* $section:ident: $name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {
        /// All thresholds. `thresholds.yaml` gives the meaning, unit and reason of each.
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Thresholds {
            $($(#[$about])* pub $section: $name,)*
            /// What `incident` judges by.
            pub incident: IncidentThresholds,
            /// What `capacity` judges by.
            pub capacity: CapacityThresholds,
        }

        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $(pub $field: $kind),*
            }
        )*
    };
}

sections! {
    /// The memory that LISTs hold at once, for all kinds of findings.
    held: Held { warning_bytes: u64, critical_bytes: u64, rough_ratio: u64 }
    /// How many LISTs are in flight for how long, for all kinds of findings.
    in_flight: InFlight { warning_mean: f64, min_secs: f64, small_bytes: f64, min_lists_at_end: u64 }
    /// What the server is taken to be set to.
    server: Server { request_timeout_secs: f64, timed_out_secs: f64 }
    /// How near in time a storm and the end of a server belong together.
    server_end: ServerEnd { before_secs: f64, after_peak_secs: f64 }
    /// Reads of a client that come much thicker than it is used to.
    burst: Burst {
        window_secs: f64,
        min_reads: u64,
        min_factor: f64,
        min_deviations: f64,
        min_windows: u64,
        after_start_secs: f64,
    }
    /// The part of a client's reads that is a storm, where it also reads on a quiet day.
    busy: Busy { edge_secs: f64, min_reads: u64, ratio: f64, min_silent_secs: f64 }
    /// What belongs together.
    grouping: Grouping { episode_gap_secs: f64, resources_apart_secs: f64, watches_apart_secs: f64 }
    /// When a remedy is given.
    remedies: Remedies { min_node_agent_instances: u64 }
    /// Many instances of one client list one resource within a short time.
    relist_herd: RelistHerd {
        min_instances: u64,
        unknown_warning_lists: u64,
        unknown_warning_list_secs: f64,
        failed_share: f64,
        at_once_secs: f64,
        cut_off_secs: f64,
        max_pause_secs: f64,
        max_expired_secs: f64,
        max_expired_lists: f64,
    }
    /// All clients list at once after an apiserver has started.
    restart_herd: RestartHerd { min_instances: u64, before_secs: f64, within_secs: f64, after_secs: f64 }
    /// One instance repeats the same LIST.
    list_loop: ListLoop {
        min_lists: u64,
        min_instance_lists: u64,
        min_run_lists: u64,
        max_period_secs: f64,
        max_pause_secs: f64,
        warning_bytes_per_sec: f64,
        critical_bytes_per_sec: f64,
        unknown_warning_rps: f64,
        unknown_warning_mean: f64,
    }
    /// LISTs fail and are tried again at once.
    retry_loop: RetryLoop { min_tries: u64, min_run_tries: u64, warning_tries: u64, warning_timed_out: u64 }
    /// A whole collection in one response.
    unpaginated_list: UnpaginatedList {
        min_lists: u64,
        max_pause_secs: f64,
        warning_response_bytes: u64,
        long_secs: f64,
    }
    /// Chains of pages, one after the other.
    page_storm: PageStorm { min_pages: u64, min_chains: u64, warning_rps: f64, warning_gone: u64 }
    /// Watches that end long before their time.
    watch_churn: WatchChurn {
        min_reopened: u64,
        min_instances: u64,
        warning_reopened: u64,
        short_secs: f64,
        short_share: f64,
        relist_secs: f64,
        min_instance_watches: f64,
        min_watches: u64,
        warning_rps: f64,
        warning_before_list: u64,
        warning_cut_ratio: f64,
    }
    /// LISTs in flight together.
    list_pileup: ListPileup {
        min_concurrency: u64,
        min_bytes: u64,
        min_list_bytes: u64,
        max_pause_secs: f64,
        warning_unknown_concurrency: u64,
    }
    /// The API's own description, read again and again.
    discovery_loop: DiscoveryLoop { min_reads: u64, max_period_secs: f64, warning_rps: f64 }
    /// Watches of one resource that pile up on an instance.
    watch_pileup: WatchPileup {
        min_surplus_watches: u64,
        min_watches_per_target: f64,
        min_growth_minutes: u64,
        min_log_secs: f64,
        warning_open_watches: u64,
    }
    /// deletecollections that run long, or several at a time.
    delete_pileup: DeletePileup { min_concurrency: u64, min_secs: f64, long_secs: f64, warning_secs: f64 }
    /// Requests that an instance repeats by the minute.
    repeats: Repeats { min_minute_requests: u64 }
    /// GETs of single objects.
    get_flood: GetFlood { min_minute_gets: u64, min_secs: f64, warning_rps: f64 }
    /// Writes that fail.
    write_loop: WriteLoop { min_minute_failures: u64, failing_share: f64, min_secs: f64, warning_rps: f64 }
    /// Requests that are refused.
    refusal_loop: RefusalLoop { min_minute_refusals: u64, min_refusals: u64, min_secs: f64, min_rps: f64, warning_rps: f64 }
    /// An apiserver rejects requests with 429.
    rejections: Rejections {
        min_rejected: u64,
        min_secs: f64,
        warning_rejected: u64,
        warning_bystander_rejected: u64,
        busiest_share: f64,
    }
    /// Starts of an apiserver.
    apiserver_restart: ApiserverRestart {
        min_startup_requests: u64,
        min_own_resources: u64,
        min_own_gets: u64,
        min_reopened: u64,
        min_reopening_clients: u64,
        reopening_secs: f64,
        max_pause_secs: f64,
        min_silence_secs: f64,
        long_silence_secs: f64,
        first_end_secs: f64,
        slow_start_secs: f64,
        min_open_watches: u64,
        min_open_lists: u64,
        log_begins_secs: f64,
    }
}

/// Why thresholds can't be used: what is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ThresholdsError(String);

impl Default for Thresholds {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Thresholds {
    /// The built-in thresholds.
    pub fn embedded() -> Self {
        match Self::with("{}") {
            Ok(thresholds) => thresholds,
            Err(error) => unreachable!("the embedded thresholds are broken: {error}"),
        }
    }

    /// The built-in thresholds, single values of which `text`, in YAML, replaces.
    ///
    /// # Errors
    /// When it is no YAML, names a threshold that there isn't, or gives one a value of the wrong kind.
    pub fn with(text: &str) -> Result<Self, ThresholdsError> {
        let mut values = parse(EMBEDDED)?;
        replace(&mut values, parse(text)?);
        serde_json::from_value(values).map_err(|error| ThresholdsError(error.to_string()))
    }

    /// The values of the detection queries' parameters, by name and without the `$`, as text that fits any number type.
    pub fn query_params(&self) -> BTreeMap<&'static str, String> {
        let Self { server, burst, busy, grouping, list_loop, retry_loop, watch_churn, list_pileup, .. } = self;
        let (herd, pileup) = (&self.relist_herd, &self.watch_pileup);
        let starts = &self.apiserver_restart;
        BTreeMap::from([
            ("max_open_secs", server.request_timeout_secs.to_string()),
            ("timed_out_secs", server.timed_out_secs.to_string()),
            ("window_secs", burst.window_secs.to_string()),
            ("min_burst_count", burst.min_reads.to_string()),
            ("min_burst_factor", burst.min_factor.to_string()),
            ("min_burst_deviations", burst.min_deviations.to_string()),
            ("min_window_count", burst.min_windows.to_string()),
            ("after_start_secs", burst.after_start_secs.to_string()),
            ("episode_gap_secs", grouping.episode_gap_secs.to_string()),
            ("max_period_secs", list_loop.max_period_secs.to_string()),
            ("at_once_again_secs", list_loop.max_pause_secs.to_string()),
            ("min_loop_count", list_loop.min_run_lists.to_string()),
            ("min_instance_count", list_loop.min_instance_lists.to_string()),
            ("edge_secs", busy.edge_secs.to_string()),
            ("min_busy_count", busy.min_reads.to_string()),
            ("busy_ratio", busy.ratio.to_string()),
            ("min_silent_secs", busy.min_silent_secs.to_string()),
            ("long_list_secs", self.unpaginated_list.long_secs.to_string()),
            ("min_retry_count", retry_loop.min_run_tries.to_string()),
            ("full_list_gap_secs", self.unpaginated_list.max_pause_secs.to_string()),
            ("short_watch_secs", watch_churn.short_secs.to_string()),
            ("short_watch_share", watch_churn.short_share.to_string()),
            ("relist_secs", watch_churn.relist_secs.to_string()),
            ("min_pileup_count", list_pileup.min_concurrency.to_string()),
            ("min_pileup_bytes", list_pileup.min_bytes.to_string()),
            ("min_weighty_bytes", list_pileup.min_list_bytes.to_string()),
            ("pileup_gap_secs", list_pileup.max_pause_secs.to_string()),
            ("max_discovery_secs", self.discovery_loop.max_period_secs.to_string()),
            ("at_once_secs", herd.at_once_secs.to_string()),
            ("cut_off_secs", herd.cut_off_secs.to_string()),
            ("expired_gap_secs", herd.max_pause_secs.to_string()),
            ("min_surplus_count", pileup.min_surplus_watches.to_string()),
            ("watches_per_target", pileup.min_watches_per_target.to_string()),
            ("min_growth_minutes", pileup.min_growth_minutes.to_string()),
            ("min_watch_log_secs", pileup.min_log_secs.to_string()),
            ("min_repeat_count", self.repeats.min_minute_requests.to_string()),
            ("min_get_count", self.get_flood.min_minute_gets.to_string()),
            ("failing_share", self.write_loop.failing_share.to_string()),
            ("min_failed_write_count", self.write_loop.min_minute_failures.to_string()),
            ("min_refused_count", self.refusal_loop.min_minute_refusals.to_string()),
            ("restart_gap_secs", starts.max_pause_secs.to_string()),
            ("min_restart_resource_count", starts.min_own_resources.to_string()),
            ("min_startup_count", starts.min_startup_requests.to_string()),
            ("min_reopened_count", starts.min_reopened.to_string()),
            ("long_silence_secs", starts.long_silence_secs.to_string()),
            ("min_own_get_count", starts.min_own_gets.to_string()),
            ("min_silence_secs", starts.min_silence_secs.to_string()),
            ("first_end_secs", starts.first_end_secs.to_string()),
            ("reopening_secs", starts.reopening_secs.to_string()),
        ])
    }

    /// Those of [`Self::query_params`] that differ from the built-in ones, which are the queries' own defaults. Only these need
    /// to be handed to a database: a query of the user's keeps its defaults in all else.
    pub fn replaced_query_params(&self) -> BTreeMap<&'static str, String> {
        let built_in = Self::embedded().query_params();
        self.query_params().into_iter().filter(|(param, value)| built_in[param] != *value).collect()
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

    /// The queries that look for storms: all of their parameters are thresholds.
    const DETECTION_QUERIES: [&str; 21] = [
        "baselines",
        "bursts",
        "busy_reads",
        "client_reads",
        "collection_deletes",
        "crowded_watches",
        "discovery_loops",
        "episodes",
        "expired_lists",
        "full_lists",
        "loops",
        "pages",
        "pileups",
        "read_windows",
        "rejections",
        "repeated_requests",
        "request_loops",
        "restarts",
        "run_reads",
        "short_watches",
        "watch_pileups",
    ];

    /// Else `storms` and `query` would judge by different figures.
    #[test]
    fn the_defaults_of_the_queries_are_the_built_in_thresholds() {
        let queries = crate::tables::QuerySet::load(None).unwrap();
        let params = Thresholds::embedded().query_params();
        for query in queries.iter() {
            for param in &query.params {
                match params.get(param.name.as_str()) {
                    // When the log begins is no threshold.
                    None if param.name == "origin_micros" => {}
                    Some(value) => assert_eq!(*value, param.default, "${} of {}", param.name, query.name),
                    None => {
                        assert!(!DETECTION_QUERIES.contains(&query.name.as_str()), "${} of {}", param.name, query.name)
                    }
                }
            }
        }
        for param in params.keys() {
            let mut named = queries.iter().flat_map(|query| &query.params);
            assert!(named.any(|other| other.name == *param), "no query has ${param}");
        }
    }

    #[test]
    fn only_replaced_values_go_to_the_queries() {
        assert!(Thresholds::embedded().replaced_query_params().is_empty());
        let thresholds = Thresholds::with("list_pileup: {min_concurrency: 7}\nheld: {warning_bytes: 1}\n").unwrap();
        assert_eq!(thresholds.replaced_query_params(), BTreeMap::from([("min_pileup_count", "7".to_owned())]));
    }

    #[test]
    fn what_is_no_threshold_is_refused() {
        let error = Thresholds::with("list_loop: {min_list: 7}").unwrap_err().to_string();
        assert!(error.contains("min_list"), "{error}");
        assert!(Thresholds::with("list_loop: {min_lists: many}").is_err());
        assert!(Thresholds::with("a: [").is_err());
    }
}
