//! When apiservers ended: what findings show, and what measured memory adds to that.

use super::thresholds::micros;
use super::{IncidentThresholds, MemoryFall, Moment, MomentKind};
use crate::audit::Micros;
use crate::findings::{Finding, Kind, Severity};
use crate::requests::Tally;

/// What shows that servers ended.
#[derive(Clone, Copy, Debug)]
pub struct EndSources<'s> {
    /// What was found in the logs.
    pub findings: &'s [Finding],
    /// What reading the logs found, silences among it.
    pub tally: &'s Tally,
    /// The falls of measured memory, of all servers.
    pub falls: &'s [MemoryFall],
}

/// The ends of apiservers, by time, without what lists held before. A fall of measured memory makes an end certain that may
/// have been a missing piece of the log, and makes an end of a silence.
pub fn find_end_moments(sources: &EndSources<'_>, thresholds: &IncidentThresholds) -> Vec<Moment> {
    let findings = sources.findings.iter().enumerate();
    let mut ends: Vec<Moment> = findings.filter_map(|(index, finding)| end_of(index, finding)).collect();
    let spare = micros(thresholds.sample_near_secs);
    for fall in sources.falls {
        let near = ends.iter_mut().filter(|end| fall.is_near(end.at, spare));
        match near.min_by_key(|end| (end.at - fall.to_at).abs()) {
            Some(end) => {
                end.memory_fall = Some(*fall);
                end.kind = MomentKind::Death;
            }
            None => ends.extend(end_in_silence(sources, fall, spare)),
        }
    }
    ends.sort_by_key(|end| end.at);
    ends
}

/// The end of an apiserver that a finding shows; `None` if it shows none.
fn end_of(index: usize, finding: &Finding) -> Option<Moment> {
    let kind = match (finding.kind, finding.severity) {
        (Kind::ApiserverRestart, Severity::Critical) => MomentKind::Death,
        (Kind::ApiserverRestart, Severity::Warning) => MomentKind::PossibleDeath,
        _ => return None,
    };
    Some(Moment {
        back_at: Some(finding.ended_at),
        apiserver: finding.apiserver.clone(),
        finding: Some(index),
        ..Moment::without_end(kind, finding.started_at)
    })
}

/// The end that a silence of a server's log may be, as measured memory fell in it.
fn end_in_silence(sources: &EndSources<'_>, fall: &MemoryFall, spare: Micros) -> Option<Moment> {
    let gaps = sources.tally.servers.iter().flat_map(|(name, server)| server.gaps.iter().map(move |gap| (name, gap)));
    let meets = gaps.filter(|(_, gap)| gap.from <= fall.to_at + spare && gap.to >= fall.from_at - spare);
    let (name, gap) = meets.max_by_key(|(_, gap)| gap.to - gap.from)?;
    Some(Moment {
        back_at: Some(gap.to),
        apiserver: name.as_deref().map(str::to_owned),
        memory_fall: Some(*fall),
        ..Moment::without_end(MomentKind::PossibleDeath, gap.from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Thresholds;
    use crate::requests::Gap;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn a_fall_of_memory_is_an_end_only_beside_another_sign_of_it() {
        let thresholds = Thresholds::embedded().incident;
        let fall = MemoryFall { from_at: 100 * SECOND, from_bytes: 5_000, to_at: 130 * SECOND, to_bytes: 300 };
        let ends = |tally: &Tally| {
            let sources = EndSources { findings: &[], tally, falls: &[fall] };
            let found = find_end_moments(&sources, &thresholds);
            found.iter().map(|end| (end.kind, end.at / SECOND, end.back_at.map(|at| at / SECOND))).collect::<Vec<_>>()
        };
        assert_eq!(ends(&Tally::default()), [], "garbage may be given back as fast");
        let mut tally = Tally::default();
        tally.servers.entry(None).or_default().gaps.push(Gap { from: 118 * SECOND, to: 126 * SECOND });
        assert_eq!(ends(&tally), [(MomentKind::PossibleDeath, 118, Some(126))]);
    }
}
