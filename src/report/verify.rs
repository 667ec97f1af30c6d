//! The report of `apf verify`: what a replay predicted of a change, and what the log shows.

use super::comparison::byte_words;
use super::page::{Page, Section};
use super::{ApiserverCheck, ReplayNote, VerifyReport, bullets_section, table_section};
use crate::simulation::{Agreement, CheckedQuantity, MatchedFacts, Spread, VerifyVerdict};
use crate::units;

/// The verdict in one sentence.
pub(super) fn verdict_words(verdict: &VerifyVerdict) -> String {
    let words = |quantities: &[CheckedQuantity]| {
        quantities.iter().map(|quantity| quantity_words(*quantity)).collect::<Vec<_>>().join("; ")
    };
    match verdict {
        VerifyVerdict::NothingMatchedAfter => "unknown: the change matches no request of the logs after it".to_owned(),
        VerifyVerdict::NothingMatchedBefore => {
            "unknown: the change matches no request of the logs before it, so nothing was predicted".to_owned()
        }
        VerifyVerdict::NotInForce { logged, allowed } => format!(
            "the change seems not to be in force, or doesn't match these requests: at least {} LISTs ran at once, but it \
             allows {}",
            whole(*logged),
            whole(*allowed)
        ),
        VerifyVerdict::TooShort => {
            "unknown: LISTs took less than half a second, so the log doesn't say whether they ran or waited".to_owned()
        }
        VerifyVerdict::NotTested { logged, allowed } => format!(
            "not tested: at most {} matched LISTs ran at once, and the change allows {}",
            whole(*logged),
            whole(*allowed)
        ),
        VerifyVerdict::AsPredicted => "as predicted".to_owned(),
        VerifyVerdict::AsReplayed => {
            "as replayed: the load differs from that before the change, so not all is as predicted".to_owned()
        }
        VerifyVerdict::Differs { worse, better } => match (worse.as_slice(), better.as_slice()) {
            (worse, []) => format!("worse than predicted: {}; the rest is as predicted", words(worse)),
            ([], better) => format!("better than predicted: {}; the rest is as predicted", words(better)),
            (worse, better) => format!("worse than predicted: {}; better: {}", words(worse), words(better)),
        },
    }
}

/// What is compared, with its unit.
pub(super) const fn quantity_words(quantity: CheckedQuantity) -> &'static str {
    match quantity {
        CheckedQuantity::ListsAtOnce => "matched LISTs at once, at most",
        CheckedQuantity::RejectedShare => "matched requests rejected",
        CheckedQuantity::WaitP50Secs => "p50 wait (s)",
        CheckedQuantity::WaitP99Secs => "p99 wait (s)",
        CheckedQuantity::TookP50Secs => "p50 total time (s)",
        CheckedQuantity::OthersRejectedShare => "other requests rejected",
    }
}

impl VerifyReport {
    /// The report as a page.
    pub fn page(&self) -> Page {
        let verdict = self.apiservers.iter().map(|check| {
            let on = check.apiserver.as_ref().map_or_else(String::new, |name| format!(" on apiserver {name}"));
            format!("Candidate {}{on}: {}.", self.candidate, verdict_words(&check.verdict))
        });
        let mut sections: Vec<Section> = self.apiservers.iter().map(|check| self.facts_section(check)).collect();
        let notes: Vec<String> = self.notes.iter().map(ReplayNote::sentence).collect();
        sections.push(bullets_section("About these numbers", &notes));
        Page {
            verdict: verdict.collect(),
            ..Page::of("Priority and Fairness: verification", vec![self.server.line()], sections)
        }
    }

    fn facts_section(&self, check: &ApiserverCheck) -> Section {
        let heading = match &check.apiserver {
            Some(name) if self.apiservers.len() > 1 => format!("Predicted and logged, {name}"),
            _ => "Predicted and logged".to_owned(),
        };
        facts_section(&heading, check)
    }
}

fn facts_section(heading: &str, check: &ApiserverCheck) -> Section {
    let columns = [("", false), ("predicted", true), ("replayed", true), ("logged", true), ("verdict", false)];
    let count = |facts: &MatchedFacts| units::count(facts.request_count);
    let held = |facts: &MatchedFacts| {
        format!("{}–{}", byte_words(facts.peak_low_bytes.mid), byte_words(facts.peak_high_bytes.mid))
    };
    let mut rows = vec![vec![
        "matched requests".to_owned(),
        count(&check.predicted),
        count(&check.replayed),
        count(&check.logged),
        String::new(),
    ]];
    rows.extend(check.checks.iter().map(|check| {
        let is_share = matches!(check.quantity, CheckedQuantity::RejectedShare | CheckedQuantity::OthersRejectedShare);
        let write = |value: f64| if is_share { format!("{} %", tenths(value * 100.0)) } else { tenths(value) };
        let spread = |spread: Spread| {
            let (low, mid, high) = (write(spread.low), write(spread.mid), write(spread.high));
            if low == high { mid } else { format!("{mid} ({low}–{high})") }
        };
        vec![
            quantity_words(check.quantity).to_owned(),
            spread(check.predicted),
            spread(check.replayed),
            spread(check.logged),
            agreement_words(check.agreement).to_owned(),
        ]
    }));
    rows.push(vec![
        "peak memory of all LISTs, estimated".to_owned(),
        held(&check.predicted),
        held(&check.replayed),
        held(&check.logged),
        String::new(),
    ]);
    table_section(heading, "", &columns, rows)
}

const fn agreement_words(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::AsPredicted => "as predicted",
        Agreement::AsReplayed => "as replayed",
        Agreement::Better => "better",
        Agreement::Worse => "worse",
        Agreement::Unknown => "unknown",
    }
}

fn tenths(value: f64) -> String {
    units::number((value * 10.0).round() / 10.0)
}

fn whole(value: f64) -> String {
    format!("{:.0}", value.round())
}
