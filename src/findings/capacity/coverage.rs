//! How much of a period the logs cover: only what is covered can be compared, and only as rates.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::float;
use crate::audit::Micros;
use crate::requests::ServerTally;

/// How much of a period the logs cover.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PeriodCoverage {
    /// Seconds that are covered, mean over the apiservers.
    pub covered_secs: f64,
    /// Those as a share of the period, from 0 to 1.
    pub share: f64,
}

/// Silences shorter than this part of a period are a quiet server, longer ones a piece of log that is missing.
const MISSING_PART: Micros = 20;

/// Measures how much of the time from `from` to `to` the logs of these apiservers cover.
pub fn measure_coverage(
    servers: &BTreeMap<Option<Arc<str>>, ServerTally>,
    (from, to): (Micros, Micros),
) -> PeriodCoverage {
    let length = (to - from).max(1);
    let covered: Vec<Micros> = servers
        .values()
        .filter_map(|server| {
            let (first, last) = (server.first_at?, server.last_at?);
            let within = |begin: Micros, end: Micros| (end.min(to) - begin.max(from)).max(0);
            let missing = server.gaps.iter().map(|gap| within(gap.from, gap.to));
            let missing: Micros = missing.filter(|gap| *gap >= length / MISSING_PART).sum();
            Some((within(first, last) - missing).max(0))
        })
        .collect();
    let seconds = |micros: Micros| float(micros.unsigned_abs()) / 1e6;
    let covered_secs = seconds(covered.iter().sum()) / float(covered.len().max(1) as u64);
    PeriodCoverage { covered_secs, share: (covered_secs / seconds(length)).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::Gap;

    const HOUR: Micros = 3_600_000_000;

    fn server(first: Micros, last: Micros, gaps: &[(Micros, Micros)]) -> ServerTally {
        let mut server = ServerTally::default();
        server.first_at = Some(first);
        server.last_at = Some(last);
        server.gaps = gaps.iter().map(|(from, to)| Gap { from: *from, to: *to }).collect();
        server
    }

    fn share(servers: &[ServerTally], from: Micros, to: Micros) -> f64 {
        let named = (0..).zip(servers).map(|(at, server)| (Some(Arc::from(format!("m{at}"))), server.clone()));
        measure_coverage(&named.collect(), (from, to)).share
    }

    fn is_about(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_period_is_covered_between_the_first_and_the_last_event() {
        let week = 168 * HOUR;
        assert!(is_about(share(&[server(0, week, &[])], 0, week), 1.0));
        assert!(is_about(share(&[server(0, HOUR, &[])], 0, week), 1.0 / 168.0));
        assert!(is_about(share(&[server(week, 2 * week, &[])], 0, week), 0.0));
        assert!(is_about(share(&[], 0, week), 0.0));
    }

    #[test]
    fn a_long_silence_is_a_missing_log_and_a_short_one_a_quiet_server() {
        let hole = |hours: Micros| server(0, 100 * HOUR, &[(10 * HOUR, (10 + hours) * HOUR)]);
        assert!(is_about(share(&[hole(30)], 0, 100 * HOUR), 0.7));
        assert!(is_about(share(&[hole(1)], 0, 100 * HOUR), 1.0));
    }

    #[test]
    fn the_log_of_each_apiserver_counts() {
        let servers = [server(0, 100 * HOUR, &[]), server(50 * HOUR, 100 * HOUR, &[])];
        assert!(is_about(share(&servers, 0, 100 * HOUR), 0.75));
    }
}
