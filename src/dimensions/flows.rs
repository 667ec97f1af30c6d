//! Fills the dimension tables `flows` and `verdicts`: where requests go in API Priority and Fairness, and what they cost.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;

use super::{ApfSettings, Dimensions, DimensionsError};
use crate::apf::{
    Circumstances, Config, ConfigOrigin, Features, LevelLimits, Matcher, NEWEST_KNOWN, ObjectStats, RequestDigest,
    WorkEstimate, compute_limits, estimate_work, live_config,
};
use crate::audit::Micros;
use crate::memory::{Range, ResourceSize};
use crate::tables::{Database, FlowRow, TypedRow};

/// The queries whose reading brings the flow keys; any of them does.
pub(super) const FLOW_QUERIES: [&str; 2] = ["flow_requests", "client_activity"];

/// What the requests of a log are to API Priority and Fairness.
#[derive(Clone, Debug)]
pub struct Flows {
    /// The server's configuration.
    pub config: Config,
    /// How that came about.
    pub origin: ConfigOrigin,
    /// What the server's version does.
    pub features: Features,
    /// The limits of the priority levels, in their order in the configuration.
    pub limits: Vec<LevelLimits>,
    /// Requests that are alike, by their `flow_key`.
    pub digests: Vec<(i64, RequestDigest)>,
    /// Where each of them goes, in the same order.
    pub rows: Vec<FlowRow>,
    /// Watches that were open.
    watches: Vec<WatchCount>,
    /// Of when those are.
    span: (Micros, Micros),
}

impl Flows {
    /// What decides where requests would go under another configuration.
    pub fn classifier<'c>(
        &'c self,
        config: &'c Config,
        limits: &[LevelLimits],
        sizes: &'c [ResourceSize],
    ) -> FlowClassifier<'c> {
        FlowClassifier::new(config, limits, self.features, sizes, (&self.watches, self.span))
    }
}

/// A row of the query `watch_counts`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct WatchCount {
    api_group: Option<String>,
    resource: Option<String>,
    namespace: Option<String>,
    open_count: u64,
    mean_open_received_at: Option<Micros>,
    watch_secs: f64,
    last_at: Option<Micros>,
}

impl TypedRow for WatchCount {
    const QUERY: &'static str = "watch_counts";
}

impl WatchCount {
    /// How many were open on average within a span of time.
    fn mean_count(&self, (first_at, last_at): (Micros, Micros)) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts, and microseconds of a log")]
        let (span, open_count) = ((last_at - first_at) as f64, self.open_count as f64);
        let open_since = self.mean_open_received_at.unwrap_or(last_at);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a log")]
        let open_micros = open_count * (last_at - open_since) as f64;
        if span > 0.0 { (self.watch_secs * 1e6 + open_micros) / span } else { open_count }
    }
}

/// Fills `flows`; the logs must have been read with their flow keys, and for `watch_counts`.
pub(super) async fn fill_flows(
    database: &Database,
    dimensions: &Dimensions,
    settings: &ApfSettings,
) -> Result<Flows, DimensionsError> {
    let digests = database.take_digests();
    let watches: Vec<WatchCount> = database.rows().await?;
    let ends = watches.iter().filter_map(|watch| watch.last_at);
    let (first_at, last_at) = dimensions.span;
    let span = (first_at, ends.fold(last_at, Micros::max));
    let version = dimensions.version;
    let (config, origin) = live_config(settings.config.as_ref(), version.unwrap_or(NEWEST_KNOWN));
    let features = settings.features(version, &dimensions.gates)?;
    let limits = compute_limits(&config.priority_levels, settings.server_concurrency, &features);
    let classifier = FlowClassifier::new(&config, &limits, features, &dimensions.known_sizes, (&watches, span));
    let rows: Vec<FlowRow> =
        digests.par_iter().filter_map(|(flow_key, digest)| classifier.row(*flow_key, digest)).collect();
    database.fill(&rows)?;
    Ok(Flows { config, origin, features, limits, digests, rows, watches, span })
}

/// All that decides where a request goes and what it costs.
pub struct FlowClassifier<'c> {
    /// Matches requests to FlowSchemas.
    pub matcher: Matcher<'c>,
    /// The most seats of a request by the level's name.
    max_seats: BTreeMap<&'c str, Option<u32>>,
    features: Features,
    sizes: BTreeMap<(&'c str, &'c str), &'c ResourceSize>,
    /// Watches open on average by group, resource and namespace; those of all namespaces have none. Of several apiservers
    /// the most.
    watches: BTreeMap<(&'c str, &'c str, &'c str), f64>,
}

impl<'c> FlowClassifier<'c> {
    /// A classifier for requests of which no log is at hand: it knows of no watches.
    pub fn without_logs(
        config: &'c Config,
        limits: &[LevelLimits],
        features: Features,
        sizes: &'c [ResourceSize],
    ) -> Self {
        Self::new(config, limits, features, sizes, (&[], (0, 0)))
    }

    fn new(
        config: &'c Config,
        limits: &[LevelLimits],
        features: Features,
        sizes: &'c [ResourceSize],
        (watches, span): (&'c [WatchCount], (Micros, Micros)),
    ) -> Self {
        let mut counts = BTreeMap::new();
        for watch in watches {
            let namespace = watch.namespace.as_deref().unwrap_or_default();
            let resource = watch.resource.as_deref().unwrap_or_default();
            let key = (watch.api_group.as_deref().unwrap_or_default(), resource, namespace);
            let count: &mut f64 = counts.entry(key).or_default();
            *count = count.max(watch.mean_count(span));
        }
        let levels = config.priority_levels.iter().map(|level| level.name.as_str());
        Self {
            matcher: Matcher::new(config),
            max_seats: levels.zip(limits.iter().map(|limits| limits.max_seats_per_request)).collect(),
            features,
            sizes: sizes.iter().map(|size| ((size.api_group.as_str(), size.resource.as_str()), size)).collect(),
            watches: counts,
        }
    }

    /// Where such requests go; `None` only without a `catch-all`, which every configuration has.
    fn row(&self, flow_key: i64, digest: &RequestDigest) -> Option<FlowRow> {
        let found = self.matcher.classify(&digest.attributes())?;
        let (low, high) = self.seats(digest, &found.priority_level.name);
        Some(FlowRow {
            flow_key,
            flow_schema: found.flow_schema.name.clone(),
            priority_level: found.priority_level.name.clone(),
            flow_distinguisher: found.flow_distinguisher,
            is_exempt: found.priority_level.is_exempt(),
            is_outside: digest.bypasses_apf(),
            low_seats: i64::from(low),
            high_seats: i64::from(high),
        })
    }

    /// The seats of such a request on a priority level, at least and at most.
    pub fn seats(&self, digest: &RequestDigest, priority_level: &str) -> (u32, u32) {
        let [least, most] = self.estimates(digest, priority_level);
        (least.max_seats(), most.max_seats())
    }

    /// The work of such a request on a priority level, at least and at most.
    pub fn estimates(&self, digest: &RequestDigest, priority_level: &str) -> [WorkEstimate; 2] {
        let (least, most) = self.objects(digest);
        let work = digest.work();
        let watcher_count = self.watcher_count(digest);
        let level_max_seats = self.max_seats.get(priority_level).copied().flatten();
        [least, most].map(|objects| {
            let circumstances = Circumstances { objects, watcher_count, level_max_seats };
            estimate_work(&work, &circumstances, &self.features)
        })
    }

    /// What the server may know of the resource: the least and the most. Of one whose objects nobody has counted, it may
    /// be anything.
    fn objects(&self, digest: &RequestDigest) -> (ObjectStats, ObjectStats) {
        let api_group = digest.api_group.as_deref().unwrap_or_default();
        let size = self.sizes.get(&(api_group, digest.resource.as_str()));
        let Some((size, count)) = size.and_then(|size| Some((size, size.seat_object_count?))) else {
            return (ObjectStats::NotFound, ObjectStats::Stale);
        };
        let Range { low, high } = size.stored_object_bytes;
        let least = ObjectStats::Known { count: count.low, object_bytes: Some(low.max(1)) };
        let most = count.high.map_or(ObjectStats::Stale, |count| ObjectStats::Known { count, object_bytes: high });
        (least, most)
    }

    /// Watches that a write wakes, on average.
    fn watcher_count(&self, digest: &RequestDigest) -> u32 {
        let api_group = digest.api_group.as_deref().unwrap_or_default();
        let of = |namespace| self.watches.get(&(api_group, digest.resource.as_str(), namespace)).copied();
        let within = if digest.namespace.is_empty() { None } else { of(&digest.namespace) };
        let count = of("").unwrap_or_default() + within.unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of watches, at least 0")]
        let count = count.round() as u32;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An informer opens its watch again and again: at any time it is one.
    #[test]
    fn watches_that_follow_each_other_count_once() {
        let watch = WatchCount {
            open_count: 1,
            mean_open_received_at: Some(300_000_000),
            watch_secs: 300.0,
            ..WatchCount::default()
        };
        let span = (0, 600_000_000);
        assert!((watch.mean_count(span) - 1.0).abs() < 1e-9);
        let moment = (span.0, span.0);
        assert!((watch.mean_count(moment) - 1.0).abs() < 1e-9, "of a moment, those that are open count");
    }
}
