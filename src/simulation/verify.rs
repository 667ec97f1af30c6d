//! Did it come as the replay said? What was foreseen of a change, beside what the log says once it is in force.
//!
//! The traffic after a change is not that of before, so that counts can't be compared, but shares, waits and limits can.
//! A log has no waits under half a second, and not which priority level a request went through.

use serde::Serialize;

use super::side::{GroupSide, Side, Spread};

/// What is compared, of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Requests that the change catches.
    pub request_count: u64,
    /// LISTs of them that ran at once, at most.
    pub most_lists: Spread,
    /// The share of them that was rejected, from 0 to 1.
    pub rejected_share: Spread,
    /// How long half of them waited at most, in seconds.
    pub wait_p50_secs: Spread,
    /// How long 99 of 100 of them waited at most, in seconds.
    pub wait_p99_secs: Spread,
    /// How long half of those took that ran, in seconds, waiting included.
    pub took_p50_secs: Spread,
    /// What all LISTs held at the peak: the lower bound, in bytes.
    pub peak_low_bytes: Spread,
    /// The upper bound, as far as it is known.
    pub peak_high_bytes: Spread,
    /// The share of all other requests that was rejected, from 0 to 1.
    pub others_rejected_share: Spread,
}

/// Whether something came as foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// It did.
    AsForeseen,
    /// It didn't, but the replay of these requests says the same: the load is another one.
    AsReplayed,
    /// It is better for the server or the clients.
    Better,
    /// It is worse.
    Worse,
    /// The log can't tell.
    Unknown,
}

/// One thing that is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// What was foreseen from the log of before.
    pub foreseen: Spread,
    /// What the replay makes of the requests of after.
    pub replayed: Spread,
    /// What the log of after says: a range, where it can't tell whether something ran or waited.
    pub logged: Spread,
    /// Whether that agrees.
    pub agreement: Agreement,
}

/// What a side says of the requests that FlowSchemas of a change catch.
pub fn facts(side: &Side, flow_schemas: &[String]) -> Facts {
    let is_caught = |group: &&GroupSide| flow_schemas.contains(&group.flow_schema);
    let caught: Vec<&GroupSide> = side.groups.iter().filter(is_caught).collect();
    let others: Vec<&GroupSide> = side.groups.iter().filter(|group| !is_caught(group)).collect();
    let largest = caught.iter().max_by_key(|group| group.request_count);
    let most = |of: &dyn Fn(&GroupSide) -> Spread| {
        let spreads = caught.iter().map(|group| of(group));
        spreads.fold(Spread::default(), |most, spread| if spread.mid > most.mid { spread } else { most })
    };
    let lists = flow_schemas.iter().filter_map(|schema| side.schema_lists.get(schema));
    let most_lists = lists.fold(Spread::default(), |most, lists| most.or_more(*lists));
    Facts {
        request_count: caught.iter().map(|group| group.request_count).sum(),
        most_lists,
        rejected_share: share(&caught),
        wait_p50_secs: largest.map(|group| group.wait_p50_secs).unwrap_or_default(),
        wait_p99_secs: most(&|group| group.wait_p99_secs),
        took_p50_secs: largest.map(|group| group.took_p50_secs).unwrap_or_default(),
        peak_low_bytes: side.peak_low_bytes,
        peak_high_bytes: side.known_peak_high_bytes,
        others_rejected_share: share(&others),
    }
}

/// The share of requests that were rejected.
fn share(groups: &[&GroupSide]) -> Spread {
    let all = groups.iter().map(|group| float(group.request_count)).fold(0.0, |sum, count| sum + count);
    let of = |part: fn(&Spread) -> f64| {
        groups.iter().map(|group| part(&group.rejected.all)).fold(0.0, |sum, part| sum + part) / all.max(1.0)
    };
    Spread { low: of(|spread| spread.low), mid: of(|spread| spread.mid), high: of(|spread| spread.high) }
}

/// What of it came as foreseen: `foreseen` from the log of before, `replayed` from the requests of after, `logged` as the
/// log of after has it.
pub fn checks(foreseen: &Facts, replayed: &Facts, logged: &Facts) -> Vec<Check> {
    let is_known = logged.request_count > 0 && foreseen.request_count > 0;
    let check = |what, of: fn(&Facts) -> Spread, slack: f64| {
        let (foreseen, replayed, logged) = (of(foreseen), of(replayed), of(logged));
        let agreement = if is_known { agreement(&foreseen, &replayed, &logged, slack) } else { Agreement::Unknown };
        Check { what, foreseen, replayed, logged, agreement }
    };
    vec![
        check("LISTs that it catches at once, at most", |facts| facts.most_lists, 0.0),
        check("share of them that is rejected", |facts| facts.rejected_share, 0.05),
        check("wait, half of them at most, s", |facts| facts.wait_p50_secs, 0.5),
        check("wait, 99 of 100 at most, s", |facts| facts.wait_p99_secs, 0.5),
        check("time in all, half of them at most, s", |facts| facts.took_p50_secs, 0.5),
        check("share of all others that is rejected", |facts| facts.others_rejected_share, 0.01),
    ]
}

/// As foreseen is within what the seeds gave, and a quarter or the slack around that; as replayed is the same of the other
/// replay. All of these numbers are better if they are lower.
fn agreement(foreseen: &Spread, replayed: &Spread, logged: &Spread, slack: f64) -> Agreement {
    match (place(foreseen, logged, slack), place(replayed, logged, slack)) {
        (Agreement::AsForeseen, _) => Agreement::AsForeseen,
        (_, Agreement::AsForeseen) => Agreement::AsReplayed,
        (of_foreseen, _) => of_foreseen,
    }
}

fn place(expected: &Spread, logged: &Spread, slack: f64) -> Agreement {
    /// Runs of the same load differ by so much on the same server.
    const TOLERANCE: f64 = 0.25;
    let is_above = |value: f64| value > expected.high + slack.max(expected.high * TOLERANCE);
    let is_below = |value: f64| value < expected.low - slack.max(expected.low * TOLERANCE);
    match () {
        () if is_above(logged.low) => Agreement::Worse,
        () if is_below(logged.high) => Agreement::Better,
        () if is_above(logged.high) || is_below(logged.low) => Agreement::Unknown,
        () => Agreement::AsForeseen,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(value: f64) -> Spread {
        Spread { low: value, mid: value, high: value }
    }

    #[test]
    fn what_lies_near_is_as_foreseen_or_as_replayed() {
        let agree = |logged| agreement(&exactly(6.0), &exactly(12.0), &exactly(logged), 0.5);
        assert_eq!(
            [4.0, 4.5, 7.5, 8.0, 14.0, 16.0].map(agree),
            [
                Agreement::Better,
                Agreement::AsForeseen,
                Agreement::AsForeseen,
                Agreement::Worse,
                Agreement::AsReplayed,
                Agreement::Worse
            ]
        );
        assert_eq!(agreement(&exactly(0.0), &exactly(0.0), &exactly(0.04), 0.05), Agreement::AsForeseen);
        let either = Spread { low: 0.0, mid: 25.0, high: 50.0 };
        assert_eq!(agreement(&exactly(6.0), &exactly(6.0), &either, 0.0), Agreement::Unknown);
    }

    #[test]
    fn without_requests_nothing_can_be_told() {
        let facts = Facts::default();
        assert!(checks(&facts, &facts, &facts).iter().all(|check| check.agreement == Agreement::Unknown));
    }
}
