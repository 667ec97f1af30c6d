//! Which moment an incident is about, and what lists held just before it.

use serde::Serialize;

use super::ListPressure;
use crate::audit::Micros;
use crate::findings::finding::as_instant;
use crate::findings::{Bytes, Finding, Kind, Severity, WordFinding};

/// A moment to look at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// What it is.
    pub kind: MomentKind,
    /// When: of an end, the last sign of life before it.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// When the server was heard of again; `None` if it didn't end.
    #[serde(serialize_with = "crate::findings::finding::as_maybe_instant")]
    pub back_at: Option<Micros>,
    /// The apiserver; `None` where the logs name none.
    pub apiserver: Option<String>,
    /// What speaks for an end, in words; empty for other moments.
    pub reason: String,
    /// What lists held in the last two minutes before, at the worst instant; `None` where none was in flight.
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
    /// When.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// Lists in flight.
    pub inflight: u64,
    /// Those of them of unknown size, which the bytes leave out.
    pub unknown: u64,
    /// What the others held; `None` where there are no others.
    pub estimated_bytes: Option<Bytes>,
}

impl Moment {
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

    /// The middle of the estimate; 0 where nothing is known.
    pub fn middle(&self) -> u64 {
        self.estimated_bytes.map_or(0, Bytes::middle)
    }

    /// What was held, in words.
    pub fn words(&self) -> String {
        match (self.estimated_bytes, self.unknown) {
            (None, _) => "unknown".to_owned(),
            (Some(bytes), 0) => bytes.words(),
            (Some(Bytes { low, .. }), _) => Bytes { low, high: None }.words(),
        }
    }
}

/// Garbage of lists is collected within minutes, so what lists held before that killed nobody.
pub(super) const FINAL_MICROS: Micros = 120_000_000;
/// An end so near to the time that was asked for is what was meant, as one may have read it off a graph.
const NEAR_MICROS: Micros = 60_000_000;

/// The moments that the logs offer, the worst first: ends of apiservers, by what lists held before; without any, the moment
/// when lists held most. If a time was asked for, that comes first, or the end next to it.
pub fn moments(
    findings: &[Finding],
    words: WordFinding,
    pressure: &[ListPressure],
    asked: Option<Micros>,
) -> Vec<Moment> {
    let mut found: Vec<Moment> = findings.iter().filter_map(|finding| end(finding, words, pressure)).collect();
    let rank = |moment: &Moment| {
        let held = moment.final_peak.map_or(0, |peak| peak.middle());
        (moment.kind == MomentKind::Death, held, moment.at)
    };
    found.sort_by_key(|moment| std::cmp::Reverse(rank(moment)));
    match asked {
        None if found.is_empty() => found.extend(highest(pressure)),
        None => {}
        Some(at) => {
            let distance = |place: &usize| ((found[*place].at - at).abs(), *place);
            match (0..found.len()).min_by_key(distance).filter(|place| (found[*place].at - at).abs() <= NEAR_MICROS) {
                Some(place) => found[..=place].rotate_right(1),
                None => found.insert(0, asked_for(at, pressure)),
            }
        }
    }
    found
}

fn end(finding: &Finding, words: WordFinding, pressure: &[ListPressure]) -> Option<Moment> {
    let kind = match (finding.kind, finding.severity) {
        (Kind::ApiserverRestart, Severity::Critical) => MomentKind::Death,
        (Kind::ApiserverRestart, Severity::Warning) => MomentKind::PossibleDeath,
        _ => return None,
    };
    Some(Moment {
        kind,
        at: finding.started_at,
        back_at: Some(finding.ended_at),
        apiserver: finding.apiserver.clone(),
        reason: words(finding).severity_reason,
        final_peak: final_peak(pressure, &finding.apiserver, finding.started_at),
    })
}

/// The moment when lists held most, on the server where that was.
fn highest(pressure: &[ListPressure]) -> Option<Moment> {
    let (apiserver, peak) = peaks(pressure).max_by_key(|(_, peak)| (peak.middle(), peak.inflight))?;
    Some(Moment {
        kind: MomentKind::Peak,
        at: peak.at,
        back_at: None,
        apiserver: apiserver.clone(),
        reason: String::new(),
        final_peak: Some(peak),
    })
}

fn asked_for(at: Micros, pressure: &[ListPressure]) -> Moment {
    let before = peaks(pressure).filter(|(_, peak)| (at - FINAL_MICROS..=at).contains(&peak.at));
    let worst = before.max_by_key(|(_, peak)| (peak.middle(), peak.inflight));
    let somewhere = || pressure.first().and_then(|row| row.apiserver.clone());
    Moment {
        kind: MomentKind::Asked,
        at,
        back_at: None,
        apiserver: worst.map_or_else(somewhere, |(apiserver, _)| apiserver.clone()),
        reason: String::new(),
        final_peak: worst.map(|(_, peak)| peak),
    }
}

/// What lists held at the worst instant of the two minutes before `at`, on one server.
fn final_peak(pressure: &[ListPressure], apiserver: &Option<String>, at: Micros) -> Option<PressurePeak> {
    let before =
        peaks(pressure).filter(|(server, peak)| *server == apiserver && (at - FINAL_MICROS..=at).contains(&peak.at));
    before.map(|(_, peak)| peak).max_by_key(|peak| (peak.middle(), peak.inflight))
}

/// A peak before the last one, and which type of client had most of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EarlierPeak {
    /// When, and what was held.
    pub peak: PressurePeak,
    /// The type of client that held most then.
    pub client_type: String,
}

/// The highest peak of the server before the last two minutes, if it was far above the last one.
pub(super) fn earlier_peak(pressure: &[ListPressure], moment: &Moment) -> Option<EarlierPeak> {
    let last = moment.final_peak.map_or(0, |peak| peak.middle());
    let earlier = |(server, peak): &(&Option<String>, PressurePeak)| {
        **server == moment.apiserver && peak.at < moment.at - FINAL_MICROS && peak.middle() / 3 > last / 2
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
        let peak = PressurePeak { at: rows[0].peak_at, inflight, unknown, estimated_bytes };
        (&rows[0].apiserver, peak)
    })
}
