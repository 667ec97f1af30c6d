//! The report of `apf verify`: what was foreseen of a change, and what came.

use super::{Block, bullets, section, table};
use crate::analysis::verify::{ApiserverCheck, VerifyReport};
use crate::simulation::{Agreement, Check, Facts, Spread};
use crate::units::{self, legible};

/// Whether reality follows, in a sentence.
pub fn verdict_words(checks: &[Check], foreseen: &Facts, logged: &Facts) -> String {
    if logged.request_count == 0 {
        return "nothing can be told: none of the requests since is one that the change catches".to_owned();
    }
    if foreseen.request_count == 0 {
        return "nothing was foreseen: none of the requests before is one that the change catches".to_owned();
    }
    let limit = checks.first();
    if limit.is_some_and(|check| check.agreement == Agreement::Worse) {
        return format!(
            "the change seems not to be in force, or not to catch them: {} or more LISTs ran at once, where it lets {} run",
            whole(logged.most_lists.low),
            whole(limit.map_or(0.0, |check| check.foreseen.high.max(check.replayed.high)))
        );
    }
    if limit.is_some_and(|check| check.agreement == Agreement::Unknown) {
        return "can't be told: LISTs took less than half a second, so that the log doesn't say whether they ran or waited"
            .to_owned();
    }
    if logged.most_lists.high < foreseen.most_lists.low {
        return format!(
            "not put to the test: no more than {} of the LISTs that it catches ran at once, where it lets {} run",
            whole(logged.most_lists.high),
            whole(foreseen.most_lists.high)
        );
    }
    let named = |wanted: Agreement| -> Vec<&str> {
        checks.iter().filter(|check| check.agreement == wanted).map(|check| check.what).collect()
    };
    let (worse, better) = (named(Agreement::Worse), named(Agreement::Better));
    let other_load = checks.iter().any(|check| check.agreement == Agreement::AsReplayed);
    let words = |names: &[&str]| names.join("; ");
    match (worse.as_slice(), better.as_slice()) {
        ([], []) if other_load => {
            "it came as a replay of these requests says; the load isn't that of before, and so not all is as foreseen"
                .to_owned()
        }
        ([], []) => "it came as foreseen".to_owned(),
        (worse, []) => format!("worse than foreseen: {}; the rest came as foreseen", words(worse)),
        ([], better) => format!("better than foreseen: {}; the rest came as foreseen", words(better)),
        (worse, better) => format!("worse than foreseen: {}; better: {}", words(worse), words(better)),
    }
}

impl VerifyReport {
    /// The report for a terminal.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![Block::Line(self.server.line())];
        for check in &self.apiservers {
            let name = check.apiserver.as_deref().map_or_else(String::new, |name| format!("{}: ", legible(name)));
            blocks.push(Block::Line(format!("{name}{}: {}", legible(&self.candidate), check.sentence)));
            blocks.extend(section("Foreseen and logged", facts_table(check)));
        }
        blocks.extend(section("What to know of these numbers", bullets(&self.notes)));
        blocks
    }
}

fn facts_table(check: &ApiserverCheck) -> Block {
    let columns = [("", false), ("foreseen", true), ("replayed", true), ("logged", true), ("", false)];
    let count = |facts: &Facts| units::count(facts.request_count);
    let held = |facts: &Facts| format!("{}–{}", size(facts.peak_low_bytes.mid), size(facts.peak_high_bytes.mid));
    let mut rows = vec![vec![
        "requests that it catches".to_owned(),
        count(&check.foreseen),
        count(&check.replayed),
        count(&check.logged),
        String::new(),
    ]];
    rows.extend(check.checks.iter().map(|check| {
        let is_share = check.what.starts_with("share");
        let write = |value: f64| if is_share { format!("{} %", tenths(value * 100.0)) } else { tenths(value) };
        let spread = |spread: Spread| {
            let (low, mid, high) = (write(spread.low), write(spread.mid), write(spread.high));
            if low == high { mid } else { format!("{mid} ({low}–{high})") }
        };
        vec![
            check.what.to_owned(),
            spread(check.foreseen),
            spread(check.replayed),
            spread(check.logged),
            agreement_words(check.agreement).to_owned(),
        ]
    }));
    rows.push(vec![
        "memory of all LISTs at the peak, estimated".to_owned(),
        held(&check.foreseen),
        held(&check.replayed),
        held(&check.logged),
        String::new(),
    ]);
    table(&columns, rows)
}

const fn agreement_words(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::AsForeseen => "as foreseen",
        Agreement::AsReplayed => "as replayed",
        Agreement::Better => "better",
        Agreement::Worse => "worse",
        Agreement::Unknown => "can't be told",
    }
}

fn tenths(value: f64) -> String {
    units::number((value * 10.0).round() / 10.0)
}

fn whole(value: f64) -> String {
    format!("{:.0}", value.round())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes that were whole numbers")]
fn size(value: f64) -> String {
    units::bytes(value.round() as u64)
}
