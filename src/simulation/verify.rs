//! What a replay predicted of a change, beside what the log says once it is in force.
//!
//! The traffic after a change is not that of before, so that counts can't be compared, but shares, waits and limits can.
//! A log has no waits under half a second, and not which priority level a request went through.

use serde::Serialize;

use super::summary::{GroupSummary, ReplaySummary, Spread};

/// What is compared, of one summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MatchedFacts {
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

/// Whether something came as predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// It did.
    AsPredicted,
    /// It didn't, but the replay of these requests says the same: the load is another one.
    AsReplayed,
    /// It is better for the server or the clients.
    Better,
    /// It is worse.
    Worse,
    /// The log can't tell.
    Unknown,
}

/// A quantity that is compared. Lower is better for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckedQuantity {
    /// Matched LISTs at once, at most.
    ListsAtOnce,
    /// The share of matched requests that is rejected, from 0 to 1.
    RejectedShare,
    /// The median wait of matched requests, in seconds.
    WaitP50Secs,
    /// The 99th percentile of their waits, in seconds.
    WaitP99Secs,
    /// The median time from their receipt to their response, in seconds.
    TookP50Secs,
    /// The share of all other requests that is rejected, from 0 to 1.
    OthersRejectedShare,
}

/// One quantity, predicted and logged.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PredictionCheck {
    /// What is compared.
    pub quantity: CheckedQuantity,
    /// What was predicted from the log of before.
    pub predicted: Spread,
    /// What the replay makes of the requests of after.
    pub replayed: Spread,
    /// What the log of after says: a range, where it can't tell whether something ran or waited.
    pub logged: Spread,
    /// Whether that agrees.
    pub agreement: Agreement,
}

/// What a summary says of the requests that FlowSchemas of a change catch.
pub fn collect_facts(summary: &ReplaySummary, flow_schemas: &[String]) -> MatchedFacts {
    let is_matched = |group: &&GroupSummary| flow_schemas.contains(&group.flow_schema);
    let matched: Vec<&GroupSummary> = summary.groups.iter().filter(is_matched).collect();
    let others: Vec<&GroupSummary> = summary.groups.iter().filter(|group| !is_matched(group)).collect();
    let largest = matched.iter().max_by_key(|group| group.request_count);
    let most = |of: &dyn Fn(&GroupSummary) -> Spread| {
        let spreads = matched.iter().map(|group| of(group));
        spreads.fold(Spread::default(), |most, spread| if spread.mid > most.mid { spread } else { most })
    };
    let lists = flow_schemas.iter().filter_map(|schema| summary.schema_lists.get(schema));
    let most_lists = lists.fold(Spread::default(), |most, lists| most.or_more(*lists));
    MatchedFacts {
        request_count: matched.iter().map(|group| group.request_count).sum(),
        most_lists,
        rejected_share: share(&matched),
        wait_p50_secs: largest.map(|group| group.wait_p50_secs).unwrap_or_default(),
        wait_p99_secs: most(&|group| group.wait_p99_secs),
        took_p50_secs: largest.map(|group| group.took_p50_secs).unwrap_or_default(),
        peak_low_bytes: summary.peak_low_bytes,
        peak_high_bytes: summary.known_peak_high_bytes,
        others_rejected_share: share(&others),
    }
}

/// The share of requests that were rejected.
fn share(groups: &[&GroupSummary]) -> Spread {
    let all = groups.iter().map(|group| float(group.request_count)).fold(0.0, |sum, count| sum + count);
    let of = |part: fn(&Spread) -> f64| {
        groups.iter().map(|group| part(&group.rejected.all)).fold(0.0, |sum, part| sum + part) / all.max(1.0)
    };
    Spread { low: of(|spread| spread.low), mid: of(|spread| spread.mid), high: of(|spread| spread.high) }
}

/// What of it came as predicted: `predicted` from the log of before, `replayed` from the requests of after, `logged` as the
/// log of after has it.
pub fn check_predictions(
    predicted: &MatchedFacts,
    replayed: &MatchedFacts,
    logged: &MatchedFacts,
) -> Vec<PredictionCheck> {
    let is_known = logged.request_count > 0 && predicted.request_count > 0;
    let check = |quantity, of: fn(&MatchedFacts) -> Spread, slack: f64| {
        let (predicted, replayed, logged) = (of(predicted), of(replayed), of(logged));
        let agreement = if is_known { agreement(&predicted, &replayed, &logged, slack) } else { Agreement::Unknown };
        PredictionCheck { quantity, predicted, replayed, logged, agreement }
    };
    vec![
        check(CheckedQuantity::ListsAtOnce, |facts| facts.most_lists, 0.0),
        check(CheckedQuantity::RejectedShare, |facts| facts.rejected_share, 0.05),
        check(CheckedQuantity::WaitP50Secs, |facts| facts.wait_p50_secs, 0.5),
        check(CheckedQuantity::WaitP99Secs, |facts| facts.wait_p99_secs, 0.5),
        check(CheckedQuantity::TookP50Secs, |facts| facts.took_p50_secs, 0.5),
        check(CheckedQuantity::OthersRejectedShare, |facts| facts.others_rejected_share, 0.01),
    ]
}

/// What a verification comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum VerifyVerdict {
    /// The change matches no request of the log after it.
    NothingMatchedAfter,
    /// The change matches no request of the log before it.
    NothingMatchedBefore,
    /// More LISTs ran at once than the change allows: it is not in force, or doesn't match them.
    NotInForce {
        /// LISTs at once, at least.
        logged: f64,
        /// LISTs at once that the change allows.
        allowed: f64,
    },
    /// LISTs were too short for the log to say whether they ran or waited.
    TooShort,
    /// The load never reached the limit.
    NotTested {
        /// LISTs at once, at most.
        logged: f64,
        /// LISTs at once that the change allows.
        allowed: f64,
    },
    /// All quantities are as predicted.
    AsPredicted,
    /// The load changed: some quantities are as replayed from the log after the change, the others as predicted.
    AsReplayed,
    /// Some quantities differ from both.
    Differs {
        /// Quantities that are worse than predicted.
        worse: Vec<CheckedQuantity>,
        /// Quantities that are better than predicted.
        better: Vec<CheckedQuantity>,
    },
}

/// Sums the checks up.
pub fn judge_checks(checks: &[PredictionCheck], predicted: &MatchedFacts, logged: &MatchedFacts) -> VerifyVerdict {
    if logged.request_count == 0 {
        return VerifyVerdict::NothingMatchedAfter;
    }
    if predicted.request_count == 0 {
        return VerifyVerdict::NothingMatchedBefore;
    }
    let limit = checks.iter().find(|check| check.quantity == CheckedQuantity::ListsAtOnce);
    match limit.map(|check| (check, check.agreement)) {
        Some((check, Agreement::Worse)) => {
            let allowed = check.predicted.high.max(check.replayed.high);
            return VerifyVerdict::NotInForce { logged: logged.most_lists.low, allowed };
        }
        Some((_, Agreement::Unknown)) => return VerifyVerdict::TooShort,
        _ => {}
    }
    if logged.most_lists.high < predicted.most_lists.low {
        let (logged, allowed) = (logged.most_lists.high, predicted.most_lists.high);
        return VerifyVerdict::NotTested { logged, allowed };
    }
    let find = |wanted: Agreement| -> Vec<CheckedQuantity> {
        checks.iter().filter(|check| check.agreement == wanted).map(|check| check.quantity).collect()
    };
    let (worse, better) = (find(Agreement::Worse), find(Agreement::Better));
    match (worse.is_empty() && better.is_empty(), find(Agreement::AsReplayed).is_empty()) {
        (false, _) => VerifyVerdict::Differs { worse, better },
        (true, false) => VerifyVerdict::AsReplayed,
        (true, true) => VerifyVerdict::AsPredicted,
    }
}

/// As predicted is within what the seeds gave, and a quarter or the slack around that; as replayed is the same of the other
/// replay. All of these numbers are better if they are lower.
fn agreement(predicted: &Spread, replayed: &Spread, logged: &Spread, slack: f64) -> Agreement {
    match (compare_to(predicted, logged, slack), compare_to(replayed, logged, slack)) {
        (Agreement::AsPredicted, _) => Agreement::AsPredicted,
        (_, Agreement::AsPredicted) => Agreement::AsReplayed,
        (of_predicted, _) => of_predicted,
    }
}

fn compare_to(expected: &Spread, logged: &Spread, slack: f64) -> Agreement {
    /// Runs of the same load differ by so much on the same server.
    const TOLERANCE: f64 = 0.25;
    let is_above = |value: f64| value > expected.high + slack.max(expected.high * TOLERANCE);
    let is_below = |value: f64| value < expected.low - slack.max(expected.low * TOLERANCE);
    match () {
        () if is_above(logged.low) => Agreement::Worse,
        () if is_below(logged.high) => Agreement::Better,
        () if is_above(logged.high) || is_below(logged.low) => Agreement::Unknown,
        () => Agreement::AsPredicted,
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
    fn what_lies_near_is_as_predicted_or_as_replayed() {
        let agree = |logged| agreement(&exactly(6.0), &exactly(12.0), &exactly(logged), 0.5);
        assert_eq!(
            [4.0, 4.5, 7.5, 8.0, 14.0, 16.0].map(agree),
            [
                Agreement::Better,
                Agreement::AsPredicted,
                Agreement::AsPredicted,
                Agreement::Worse,
                Agreement::AsReplayed,
                Agreement::Worse
            ]
        );
        assert_eq!(agreement(&exactly(0.0), &exactly(0.0), &exactly(0.04), 0.05), Agreement::AsPredicted);
        let either = Spread { low: 0.0, mid: 25.0, high: 50.0 };
        assert_eq!(agreement(&exactly(6.0), &exactly(6.0), &either, 0.0), Agreement::Unknown);
    }

    #[test]
    fn without_requests_nothing_can_be_told() {
        let facts = MatchedFacts::default();
        assert!(check_predictions(&facts, &facts, &facts).iter().all(|check| check.agreement == Agreement::Unknown));
    }
}
