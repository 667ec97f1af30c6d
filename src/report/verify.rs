//! The report of `apf verify`: what was foreseen of a change, and what came.

use serde::Serialize;

use super::page::{Page, Section};
use super::{ServerFacts, bullets_section, table_section};
use crate::simulation::{Agreement, Check, Facts, Spread};
use crate::units;

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// What the change is called: its folder or file.
    pub candidate: String,
    /// One for each apiserver of the logs after.
    pub apiservers: Vec<ApiserverCheck>,
    /// What to know of these numbers.
    pub notes: Vec<String>,
}

/// What came of a change on one apiserver.
#[derive(Clone, Debug, Serialize)]
pub struct ApiserverCheck {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Whether reality follows, in a sentence.
    pub sentence: String,
    /// What a replay of the logs before foresees.
    pub foreseen: Facts,
    /// What a replay of the logs after says.
    pub replayed: Facts,
    /// What the logs after say.
    pub logged: Facts,
    /// Number by number.
    pub checks: Vec<Check>,
}

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
    /// The report as a page.
    pub fn page(&self) -> Page {
        let verdict = self.apiservers.iter().map(|check| {
            let name = check.apiserver.as_ref().map_or_else(String::new, |name| format!("{name}: "));
            format!("{name}{}: {}", self.candidate, check.sentence)
        });
        let mut sections: Vec<Section> = self.apiservers.iter().map(|check| self.facts_section(check)).collect();
        sections.push(bullets_section("What to know of these numbers", &self.notes));
        Page {
            verdict: verdict.collect(),
            ..Page::of("Priority and Fairness: verification", vec![self.server.line()], sections)
        }
    }

    fn facts_section(&self, check: &ApiserverCheck) -> Section {
        let heading = match &check.apiserver {
            Some(name) if self.apiservers.len() > 1 => format!("Foreseen and logged, {name}"),
            _ => "Foreseen and logged".to_owned(),
        };
        facts_section(&heading, check)
    }
}

fn facts_section(heading: &str, check: &ApiserverCheck) -> Section {
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
    table_section(heading, "", &columns, rows)
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
