//! Which moment an incident is about, and what lists held just before it.

use serde::Serialize;

use super::thresholds::micros;
use super::{IncidentThresholds, ListPressure, MemoryFall};
use crate::audit::Micros;
use crate::findings::Bytes;
use crate::findings::finding::as_instant;

/// A moment to look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// What makes it worth looking at.
    pub kind: MomentKind,
    /// When: of an end, the last sign of life before it.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// When the server was back; `None` if it didn't end.
    #[serde(serialize_with = "crate::findings::finding::as_maybe_instant")]
    pub back_at: Option<Micros>,
    /// The apiserver; `None` where the logs name none.
    pub apiserver: Option<String>,
    /// The finding that shows the end, by its index in the report; `None` for moments without an end, and where only a
    /// silence of the log and measured memory show it.
    pub finding: Option<usize>,
    /// The fall of measured memory that goes with the end; `None` where none was measured.
    pub memory_fall: Option<MemoryFall>,
    /// What lists held in the run-up, at the worst instant; `None` where none was in flight.
    pub final_peak: Option<PressurePeak>,
}

/// What makes a moment worth looking at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MomentKind {
    /// An apiserver was killed.
    Death,
    /// An apiserver was killed, or a piece of the log is missing.
    PossibleDeath,
    /// Nothing ended; lists held most then.
    Peak,
    /// Someone asked for it.
    Asked,
}

/// What lists held at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PressurePeak {
    /// The instant.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// Lists in flight.
    pub inflight: u64,
    /// Lists in flight of unknown size, which the bytes leave out.
    pub unknown: u64,
    /// What the lists of known size held; `None` where there are none.
    pub estimated_bytes: Option<Bytes>,
    /// What the estimate says without measured memory, which allows less; `None` where it allows that much.
    pub uncapped_bytes: Option<Bytes>,
}

impl Moment {
    /// A moment without an end.
    pub const fn without_end(kind: MomentKind, at: Micros) -> Self {
        Self { kind, at, back_at: None, apiserver: None, finding: None, memory_fall: None, final_peak: None }
    }

    /// Whether an apiserver ended then, for sure or perhaps.
    pub const fn is_end(&self) -> bool {
        matches!(self.kind, MomentKind::Death | MomentKind::PossibleDeath)
    }

    /// For how long the server was away, to the second that clocks show; `None` if it didn't come back.
    pub fn away_micros(&self) -> Option<Micros> {
        Some(seconds(self.back_at?) - seconds(self.at))
    }
}

/// The whole second that an instant is in.
fn seconds(at: Micros) -> Micros {
    at.div_euclid(1_000_000) * 1_000_000
}

impl PressurePeak {
    /// How long before a moment it was, to the second that clocks show.
    pub fn micros_before(&self, at: Micros) -> Micros {
        seconds(at) - seconds(self.at)
    }

    /// Whether the estimate says how much most of the lists held.
    pub fn is_known(&self) -> bool {
        2 * self.unknown <= self.inflight && self.estimated_bytes.is_some_and(|bytes| !bytes.is_unknown())
    }

    /// The middle of the estimate; 0 where nothing is known.
    pub fn middle(&self) -> u64 {
        self.estimated_bytes.map_or(0, Bytes::middle)
    }
}

/// What lists held, over time and near the moments.
#[derive(Clone, Copy, Debug)]
pub struct PeakSources<'s> {
    /// Rows of `list_pressure` for all of the time.
    pub whole: &'s [ListPressure],
    /// Rows of `list_pressure` for the run-ups of ends and of the time asked for; their buckets end there.
    pub run_ups: &'s [ListPressure],
}

/// The moments that the logs offer, the worst first: ends of apiservers, by what lists held before; without any, the moment
/// when lists held most. If a time was asked for, that comes first, or the end next to it.
pub fn find_moments(
    ends: Vec<Moment>,
    pressure: &PeakSources<'_>,
    asked: Option<Micros>,
    thresholds: &IncidentThresholds,
) -> Vec<Moment> {
    let mut found = ends;
    for end in &mut found {
        let before = run_up_peaks(pressure.run_ups, end.at, thresholds);
        let own = before.filter(|(server, _)| **server == end.apiserver).map(|(_, peak)| peak);
        end.final_peak = own.max_by_key(|peak| (peak.middle(), peak.inflight));
    }
    let says_bytes = found.iter().filter_map(|end| end.final_peak).all(|peak| peak.is_known());
    let rank = |moment: &Moment| {
        let held = moment.final_peak.map_or(0, |peak| if says_bytes { peak.middle() } else { peak.inflight });
        (moment.kind == MomentKind::Death, held, moment.at)
    };
    found.sort_by_key(|moment| std::cmp::Reverse(rank(moment)));
    match asked {
        None if found.is_empty() => found.extend(busiest_moment(pressure.whole)),
        None => {}
        Some(at) => {
            let distance = |index: &usize| ((found[*index].at - at).abs(), *index);
            let near = micros(thresholds.asked_near_secs);
            match (0..found.len()).min_by_key(distance).filter(|index| (found[*index].at - at).abs() <= near) {
                Some(index) => found[..=index].rotate_right(1),
                None => found.insert(0, moment_asked_for(at, pressure, thresholds)),
            }
        }
    }
    found
}

/// The moment when lists held most, on the server where that was.
fn busiest_moment(pressure: &[ListPressure]) -> Option<Moment> {
    let (apiserver, peak) = peaks(pressure).max_by_key(|(_, peak)| (peak.middle(), peak.inflight))?;
    Some(Moment {
        apiserver: apiserver.clone(),
        final_peak: Some(peak),
        ..Moment::without_end(MomentKind::Peak, peak.at)
    })
}

fn moment_asked_for(at: Micros, pressure: &PeakSources<'_>, thresholds: &IncidentThresholds) -> Moment {
    let peaks = run_up_peaks(pressure.run_ups, at, thresholds);
    let worst = peaks.max_by_key(|(_, peak)| (peak.middle(), peak.inflight));
    let somewhere = || pressure.whole.first().and_then(|row| row.apiserver.clone());
    Moment {
        apiserver: worst.map_or_else(somewhere, |(apiserver, _)| apiserver.clone()),
        final_peak: worst.map(|(_, peak)| peak),
        ..Moment::without_end(MomentKind::Asked, at)
    }
}

/// The peaks in the run-up to an instant, on all servers.
fn run_up_peaks<'p>(
    pressure: &'p [ListPressure],
    at: Micros,
    thresholds: &IncidentThresholds,
) -> impl Iterator<Item = (&'p Option<String>, PressurePeak)> {
    let from = at - thresholds.run_up();
    peaks(pressure).filter(move |(_, peak)| (from..=at).contains(&peak.at))
}

/// A peak before the last one, and which type of client had most of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EarlierPeak {
    /// The peak.
    pub peak: PressurePeak,
    /// The type of client that held most then.
    pub client_type: String,
}

/// The highest peak of the server before the run-up, if it was far above the last one.
pub(super) fn earlier_peak(
    pressure: &[ListPressure],
    moment: &Moment,
    thresholds: &IncidentThresholds,
) -> Option<EarlierPeak> {
    let last = moment.final_peak.map_or(0, |peak| peak.middle());
    #[expect(clippy::cast_precision_loss, reason = "estimates of bytes")]
    let is_far_above = |peak: PressurePeak| peak.middle() as f64 > thresholds.earlier_peak_ratio * last as f64;
    let earlier = |(server, peak): &(&Option<String>, PressurePeak)| {
        **server == moment.apiserver && peak.at < moment.at - thresholds.run_up() && is_far_above(*peak)
    };
    let (_, peak) = peaks(pressure).filter(earlier).max_by_key(|(_, peak)| peak.middle())?;
    let then = pressure.iter().filter(|row| row.apiserver == moment.apiserver && row.peak_at == peak.at);
    let most = then.max_by_key(|row| row.inflight_low_bytes / 2 + row.inflight_high_bytes / 2)?;
    Some(EarlierPeak { peak, client_type: most.client_type.clone() })
}

/// The worst instant of each bucket, all types of clients together.
pub(in crate::findings) fn peaks(pressure: &[ListPressure]) -> impl Iterator<Item = (&Option<String>, PressurePeak)> {
    let buckets =
        pressure.chunk_by(|one, other| (&one.apiserver, one.bucket_at) == (&other.apiserver, other.bucket_at));
    buckets.map(|rows| {
        let sum = |of: fn(&ListPressure) -> u64| rows.iter().map(of).sum::<u64>();
        let most = |of: fn(&ListPressure) -> u64| rows.iter().map(of).max().unwrap_or_default();
        let low = sum(|row| row.inflight_low_bytes) + most(|row| row.slack_low_bytes);
        let high = sum(|row| row.inflight_high_bytes) + most(|row| row.slack_high_bytes);
        let is_bounded = sum(|row| row.unbounded_count) == 0;
        let (inflight, unknown) = (sum(|row| row.inflight_count), sum(|row| row.unknown_count));
        let estimated_bytes = (inflight > unknown).then(|| Bytes { low, high: is_bounded.then_some(high) });
        let peak = PressurePeak { at: rows[0].peak_at, inflight, unknown, estimated_bytes, uncapped_bytes: None };
        (&rows[0].apiserver, peak)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Thresholds;

    const SECOND: Micros = 1_000_000;

    /// One list each, of so many bytes, at so many seconds.
    fn pressure(peaks: &[(Micros, u64)]) -> Vec<ListPressure> {
        let row = |(secs, bytes): &(Micros, u64)| ListPressure {
            bucket_at: secs * SECOND,
            peak_at: secs * SECOND,
            client_type: "operator".to_owned(),
            inflight_count: 1,
            inflight_low_bytes: *bytes,
            inflight_high_bytes: *bytes,
            ..ListPressure::default()
        };
        peaks.iter().map(row).collect()
    }

    #[test]
    fn without_an_end_the_busiest_moment_or_the_one_asked_for_is_looked_at() {
        let thresholds = Thresholds::embedded().incident;
        let rows = pressure(&[(10, 500), (300, 100), (350, 200)]);
        let find = |rows: &[ListPressure], asked| {
            find_moments(Vec::new(), &PeakSources { whole: rows, run_ups: rows }, asked, &thresholds)
        };
        let found = find(&rows, None);
        assert_eq!((found[0].kind, found[0].at), (MomentKind::Peak, 10 * SECOND));
        let asked = find(&rows, Some(400 * SECOND));
        assert_eq!((asked[0].kind, asked[0].at), (MomentKind::Asked, 400 * SECOND));
        assert_eq!(asked[0].final_peak.unwrap().at, 350 * SECOND, "the worst instant of the run-up");
        assert_eq!(find(&[], None), []);
    }

    #[test]
    fn an_earlier_peak_is_worth_mentioning_only_if_it_was_far_above_the_last_one() {
        let thresholds = Thresholds::embedded().incident;
        let earlier = |bytes| {
            let rows = pressure(&[(10, bytes), (350, 200)]);
            let sources = PeakSources { whole: &rows, run_ups: &rows };
            let moment = &find_moments(Vec::new(), &sources, Some(400 * SECOND), &thresholds)[0];
            earlier_peak(&rows, moment, &thresholds)
        };
        assert_eq!(earlier(290), None);
        assert_eq!(earlier(310).unwrap().peak.at, 10 * SECOND);
    }
}
