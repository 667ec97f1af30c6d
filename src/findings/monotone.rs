//! More information never makes a finding milder, unless a new upper bound rules the harm out.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::cases::{SECOND, lists, start};
use super::*;

/// A range of bytes within another one.
#[derive(Clone, Copy, Debug)]
struct Narrowing {
    /// The range before; `None` where nothing was known.
    wide: Option<Bytes>,
    narrow: Bytes,
}

/// What is known of the sizes of an episode, before and after.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    held: Narrowing,
    response: Narrowing,
}

fn narrowing() -> impl Strategy<Value = Narrowing> {
    let bytes =
        || (0_u32..38, 0_u64..1_000).prop_map(|(power, thousandths)| (1_u64 << power) * (1_000 + thousandths) / 1_000);
    ((bytes(), bytes(), bytes(), bytes()), any::<bool>(), 0_u8..4).prop_map(|((a, b, c, d), is_tight, how)| {
        let mut ends = [a, b, c, d];
        ends.sort_unstable();
        let high = if is_tight { ends[1].saturating_mul(3).min(ends[3]) } else { ends[2] };
        let narrow = Bytes { low: ends[1], high: Some(high) };
        let wide = match how {
            0 => None,
            1 => Some(Bytes { low: ends[0], high: None }),
            2 => Some(Bytes { low: 0, high: Some(ends[3]) }),
            _ => Some(Bytes { low: ends[0], high: Some(ends[3]) }),
        };
        Narrowing { wide, narrow }
    })
}

fn with_sizes(episode: &Episode, held: Option<Bytes>, response: Option<Bytes>) -> Episode {
    let count = episode.request_count;
    Episode {
        held_low_bytes: held.map(|bytes| bytes.low),
        held_high_bytes: held.and_then(|bytes| bytes.high),
        unknown_cost_count: if held.is_none() { episode.list_count } else { 0 },
        response_low_bytes: response.map(|bytes| bytes.low.saturating_mul(count)),
        response_high_bytes: response.and_then(|bytes| bytes.high).map(|high| high.saturating_mul(count)),
        largest_low_bytes: response.map(|bytes| bytes.low),
        largest_high_bytes: response.and_then(|bytes| bytes.high),
        ..episode.clone()
    }
}

fn row(episode: &Episode, held: Option<Bytes>) -> EpisodeClient {
    EpisodeClient {
        pattern: episode.pattern,
        episode: episode.episode,
        client_type: "operator".to_owned(),
        client: "ours".to_owned(),
        resource: episode.resource.clone(),
        request_count: episode.request_count,
        list_count: episode.list_count,
        peak_count: episode.peak_concurrency.unwrap_or_default(),
        peak_whole_count: episode.peak_concurrency.unwrap_or_default().min(episode.cluster_list_count),
        peak_low_bytes: held.map(|bytes| bytes.low),
        peak_high_bytes: held.and_then(|bytes| bytes.high),
        list_secs: episode.list_secs,
        ..EpisodeClient::default()
    }
}

/// The worst finding about clients; `None` if there is none.
fn severity(episode: &Episode, held: Option<Bytes>, has_end: bool) -> Option<Severity> {
    let (tally, profiles) = (Tally::default(), BTreeMap::new());
    let died = [start(episode.ended_at / SECOND + 8, 50)];
    let measured = Measured {
        tally: &tally,
        episodes: std::slice::from_ref(episode),
        clients: &[row(episode, held)],
        restarts: if has_end { &died } else { &[] },
        rejections: &[],
        profiles: &profiles,
        from: None,
    };
    let findings = judge(measured, &Thresholds::embedded());
    findings.iter().filter(|finding| finding.is_storm()).map(|finding| finding.severity).max()
}

/// Whether a new upper bound rules out one of the ways in which the episode may do harm.
fn rules_harm_out(episode: &Episode, thresholds: &Thresholds) -> bool {
    let secs = ((episode.ended_at - episode.started_at) as f64 / 1e6).max(1.0);
    let is_below = |high: Option<u64>, bar: f64, factor: f64| high.is_some_and(|high| (high as f64) * factor < bar);
    is_below(episode.held_high_bytes, thresholds.held.warning_bytes as f64, 1.0)
        || is_below(episode.response_high_bytes, thresholds.list_loop.warning_bytes_per_sec, 1.0 / secs)
        || is_below(episode.largest_high_bytes, thresholds.in_flight.small_bytes, episode.list_secs / secs)
        || is_below(episode.largest_high_bytes, thresholds.list_pileup.min_list_bytes as f64, 1.0)
}

fn episodes() -> impl Strategy<Value = Episode> {
    let patterns = prop::sample::select(vec![
        Pattern::Burst,
        Pattern::Loop,
        Pattern::Retry,
        Pattern::Full,
        Pattern::Pages,
        Pattern::Pileup,
    ]);
    (patterns, 1_u64..2_000, 1_u64..200, 1_i64..3_000, 0.0..60.0_f64, (0_u64..3, 0_u64..3, any::<bool>())).prop_map(
        |(pattern, count, instances, secs, each_secs, (failed, chains, is_narrow))| Episode {
            failed_count: failed * count / 4,
            rejected_count: failed * count / 8,
            timed_out_count: failed * count / 8,
            chain_count: 4 * chains,
            cluster_list_count: if is_narrow { 0 } else { count },
            list_secs: each_secs * count as f64,
            max_duration_secs: Some(each_secs * 12.0),
            ..lists(pattern, 0, secs, count, instances.min(count))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Sizes given, metrics given, bodies logged: each narrows ranges.
    #[test]
    fn more_information_makes_no_finding_milder(
        episode in episodes(),
        sizes in (narrowing(), narrowing()).prop_map(|(held, response)| Sizes { held, response }),
        has_end in any::<bool>(),
    ) {
        let before = with_sizes(&episode, sizes.held.wide, sizes.response.wide);
        let after = with_sizes(&episode, Some(sizes.held.narrow), Some(sizes.response.narrow));
        let (was, is) =
            (severity(&before, sizes.held.wide, has_end), severity(&after, Some(sizes.held.narrow), has_end));
        prop_assert!(
            is >= was || rules_harm_out(&after, &Thresholds::embedded()),
            "{was:?} became {is:?} with {after:#?}"
        );
    }
}
