//! What is looked at day by day: rates, memory held, and the seats of the fullest priority level.

use std::collections::BTreeMap;

use super::trend::{Trend, TrendSubject, fit_trend};
use super::{CapacityInput, Headroom, float, fullest_level};
use crate::audit::Micros;
use crate::findings::episode::secs;
use crate::findings::peaks;

/// The trends of a period and the one before it.
pub(super) fn find_trends(input: &CapacityInput<'_>, levels: &[Headroom]) -> Vec<Trend> {
    let day = |at: Micros| input.zone.day_start(at);
    let thresholds = &input.thresholds.capacity;
    let DailyRates { requests, lists } = daily_rates(input);
    let days: Vec<Micros> = requests.keys().copied().collect();
    let of_days = |values: &ByDay| -> Vec<(Micros, f64)> {
        days.iter().map(|day| (*day, values.get(day).copied().unwrap_or_default())).collect()
    };
    let mut held = ByDay::new();
    for (_, peak) in peaks(input.pressure) {
        let highest = held.entry(day(peak.at)).or_default();
        *highest = highest.max(float(peak.middle()));
    }
    let fit = |subject: TrendSubject, values: &ByDay, limit: Option<f64>| {
        fit_trend(subject, of_days(values), limit, thresholds)
    };
    let mut trends = vec![
        fit(TrendSubject::Requests, &requests, None),
        fit(TrendSubject::Lists, &lists, None),
        fit(TrendSubject::MemoryHeld, &held, input.memory_limit.map(float)),
    ];
    if let Some(level) = fullest_level(levels) {
        let mut seats = ByDay::new();
        for bucket in input.levels.iter().filter(|bucket| bucket.priority_level == level.priority_level) {
            let highest = seats.entry(day(bucket.bucket_at)).or_default();
            *highest = highest.max(f64::midpoint(bucket.mean_low_seats, bucket.mean_high_seats));
        }
        let subject = TrendSubject::SeatsInUse { priority_level: level.priority_level.clone() };
        trends.push(fit(subject, &seats, Some(f64::from(level.nominal_seats))));
    }
    trends
}

/// A value of each day, by the start of the day.
type ByDay = BTreeMap<Micros, f64>;

/// Requests and LISTs a second of the time that the logs cover, of the days with enough buckets to stand for a whole day.
struct DailyRates {
    requests: ByDay,
    lists: ByDay,
}

/// Sums of one bucket.
#[derive(Clone, Copy, Default)]
struct BucketSum {
    requests: u64,
    lists: u64,
}

fn daily_rates(input: &CapacityInput<'_>) -> DailyRates {
    let mut days: BTreeMap<Micros, BTreeMap<Micros, BucketSum>> = BTreeMap::new();
    for row in input.activity {
        let day = days.entry(input.zone.day_start(row.bucket_at)).or_default();
        let sum = day.entry(row.bucket_at).or_default();
        sum.requests += row.request_count;
        sum.lists += row.list_count;
    }
    let fullest = days.values().map(BTreeMap::len).max().unwrap_or_default() as u64;
    let least = float(fullest) * input.thresholds.capacity.whole_day_share;
    days.retain(|_, buckets| float(buckets.len() as u64) >= least);
    let rate = |of: fn(&BucketSum) -> u64| -> ByDay {
        let mean = |buckets: &BTreeMap<Micros, BucketSum>| {
            let covered: f64 = buckets.keys().map(|at| covered_secs(input, *at)).sum();
            float(buckets.values().map(of).sum()) / covered.max(1.0)
        };
        days.iter().map(|(day, buckets)| (*day, mean(buckets))).collect()
    };
    DailyRates { requests: rate(|sum| sum.requests), lists: rate(|sum| sum.lists) }
}

/// Seconds of a bucket that lie within the logs: the first and the last one are seldom whole.
fn covered_secs(input: &CapacityInput<'_>, at: Micros) -> f64 {
    let (first, last) = input.logs;
    let before = secs((first - at).max(0));
    let after = (input.bucket_secs - secs((last - at).max(0))).max(0.0);
    (input.bucket_secs - before - after).max(0.0)
}
