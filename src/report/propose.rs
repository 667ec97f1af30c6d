//! The report of `apf propose`: candidates, and storms for which there is none.

use serde::Serialize;

use super::page::{Card, Code, Item, Page, Part, Section, Table, Tone};
use super::{ServerFacts, between, bullets_section, or_dash, rounded};
use crate::apf::lint::LintFinding;
use crate::candidates::{Caught, Declined, Plan};
use crate::simulation::{Effect, Hurt};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// What LISTs may hold at once.
    pub memory_budget_bytes: u64,
    /// How long a request may wait, in seconds.
    pub max_wait_secs: f64,
    /// How often each candidate was replayed.
    pub seeds: u64,
    /// Where the replay of the server as it is is far from the log; `None` where it isn't.
    pub doubt: Option<String>,
    /// The candidates, the worst storm's first.
    pub proposals: Vec<Proposal>,
    /// Storms without one, and why.
    pub declined: Vec<Declined>,
    /// All candidates at once, over all of the log; `None` without any.
    pub together: Option<Together>,
    /// What to know of these numbers.
    pub notes: Vec<String>,
}

/// A candidate.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// What both objects are called.
    pub name: String,
    /// Whose storm it is for.
    pub clients: Vec<String>,
    /// What was found, in sentences.
    pub storms: Vec<String>,
    /// How its size came about.
    pub plan: Plan,
    /// `matchingPrecedence` of the FlowSchema.
    pub matching_precedence: i32,
    /// Whom it catches.
    pub caught: Vec<Caught>,
    /// How it did in the replay.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Whether LISTs stayed within the budget under all seeds, by the upper bound of those whose size is known; `None` where
    /// nothing is known of what those hold that it catches.
    pub keeps_within_budget: Option<bool>,
    /// The highest lower bound of what they held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound of what they held, in bytes.
    pub peak_high_bytes: f64,
    /// LISTs of which nothing bounds what they hold, of all clients.
    pub unbounded_lists: u64,
    /// What it is without the candidate, and the sizes that were tried.
    pub tried: Vec<TriedSize>,
    /// LISTs that ran at once before, of all clients.
    pub lists_at_once_before: f64,
    /// LISTs that run at once with it, of all clients.
    pub lists_at_once: f64,
    /// LISTs that it catches and that run at once with it, on one apiserver.
    pub caught_lists_at_once: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
    /// How far it can be trusted, and why not further.
    pub confidence: String,
    /// What to do at the client besides.
    pub remedies: Vec<String>,
    /// What lint says of it.
    pub lint: Vec<LintFinding>,
    /// All of that in sentences, as it stands in the manifests.
    pub evidence: Vec<String>,
    /// The manifests.
    pub manifests: Vec<ManifestFile>,
}

/// A size of a candidate's priority level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedSize {
    /// How many LISTs it lets run at once, and by which numbers; `None` for how it is without.
    pub plan: Option<Plan>,
    /// The highest lower bound of what LISTs of all clients held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound.
    pub peak_high_bytes: f64,
    /// Requests that it catches and that are rejected; `None` for how it is without.
    pub caught_rejected: Option<f64>,
    /// How long 99 of 100 requests wait at most that it catches, in seconds; `None` for how it is without.
    pub caught_wait_p99_secs: Option<f64>,
    /// Clients without a storm that wait longer than they may.
    pub slow: usize,
    /// Who is hurt that isn't meant.
    pub hurt: Vec<String>,
    /// Whether it is the one that is proposed.
    pub is_chosen: bool,
}

/// A client without a storm that a candidate lets wait too long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowClient {
    /// The client.
    pub client: String,
    /// How long its requests waited at most before, in seconds.
    pub wait_max_before_secs: f64,
    /// How long they wait now.
    pub wait_max_secs: f64,
}

/// A manifest.
#[derive(Clone, Debug, Serialize)]
pub struct ManifestFile {
    /// The name of its file.
    pub file: String,
    /// The file.
    pub text: String,
}

/// What all candidates come to at once.
#[derive(Clone, Debug, Serialize)]
pub struct Together {
    /// How they do.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Whether LISTs stayed within the budget over all of the log, by the upper bound of those whose size is known.
    pub keeps_within_budget: bool,
    /// That in a sentence.
    pub limit: String,
    /// The highest upper bound of what they held, in bytes.
    pub peak_high_bytes: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
}

/// Whether the server's LISTs stay within the budget, in a sentence; `keeps` is `None` where that can't be told, and
/// `unbounded` is how many LISTs aren't counted.
pub fn limit_words((low, high): (f64, f64), budget_bytes: f64, keeps: Option<bool>, unbounded: u64) -> String {
    let but = match unbounded {
        0 => String::new(),
        count => format!(", without {} of unknown size (see --metrics and --resource)", units::count(count)),
    };
    let held = format!("all LISTs together{but} hold {} to {} at the peak, whatever the seed", size(low), size(high));
    let budget = size(budget_bytes);
    match keeps {
        None => {
            "whether it keeps LISTs within the budget can't be told, as the size of those that it catches isn't known"
                .to_owned()
        }
        Some(true) => format!("{held}, within the budget of {budget}"),
        Some(false) if f64::midpoint(low, high) <= budget_bytes => {
            format!("{held}: the middle of that is within the budget of {budget}, its upper end is not")
        }
        Some(false) => format!("{held}, more than the budget of {budget}"),
    }
}

impl ProposeReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let about = vec![
            self.server.line(),
            format!(
                "LISTs may hold {}, and nobody without a storm may wait for more than {} s because of a candidate; seeds: {}.",
                units::bytes(self.memory_budget_bytes),
                rounded(self.max_wait_secs),
                self.seeds
            ),
        ];
        let mut sections = Vec::new();
        sections.extend(self.doubt.as_ref().map(|doubt| Section::of("", vec![Part::Card(doubt_card(doubt, zone))])));
        if self.proposals.is_empty() {
            let why = if self.declined.is_empty() { ": no storm at warning or above is in the log" } else { "" };
            sections.push(Section::of("", vec![Part::Text(format!("No candidate{why}."))]));
        }
        sections.extend(self.proposals.iter().map(|proposal| proposal_section(proposal, zone)));
        if let Some(together) = &self.together {
            let heading = match self.proposals.len() {
                1 => "Over all of the log",
                _ => "All candidates at once, over all of the log",
            };
            sections.push(bullets_section(heading, &together_sentences(together, zone)));
        }
        if !self.declined.is_empty() {
            let items = self.declined.iter().map(declined_item).collect();
            sections.push(Section::of("Storms without a candidate", vec![Part::Items(items)]));
        }
        sections.push(bullets_section("What to know of these candidates", &self.notes));
        Page::of("Priority and Fairness: candidates", about, sections)
    }
}

fn doubt_card(doubt: &str, zone: &Zone) -> Card {
    let sentence = format!(
        "the replay of the server as it is isn't what happened: {}. Its version, configuration or sizes aren't those of the \
         server, or the log lacks requests.",
        zone.in_sentence(doubt)
    );
    Card::of_sentence(Tone::Warning, "Doubtful", sentence)
}

fn declined_item(declined: &Declined) -> Item {
    let remedy = declined.remedies.first().map(|remedy| format!("instead: {remedy}"));
    Item::of(&declined.storm, &declined.reason, remedy.unwrap_or_default())
}

fn proposal_section(proposal: &Proposal, zone: &Zone) -> Section {
    let evidence = proposal.evidence.iter().map(|sentence| zone.in_sentence(sentence)).collect();
    let mut more = Vec::new();
    if !proposal.slow.is_empty() {
        more.push(format!("waits too long: {}", slow_words(&proposal.slow)));
    }
    more.extend(proposal.remedies.iter().map(|remedy| format!("at the client: {remedy}")));
    more.extend(proposal.lint.iter().map(|finding| format!("lint: {}: {}", finding.rule, finding.message)));
    let mut parts = vec![Part::Bullets(evidence), Part::Table(sizes_table(proposal))];
    if !more.is_empty() {
        parts.push(Part::Bullets(more));
    }
    parts.extend(proposal.manifests.iter().map(|manifest| {
        Part::Code(Code { caption: manifest.file.clone(), language: "yaml", text: manifest.text.clone() })
    }));
    Section::of(&proposal.name, parts)
}

fn sizes_table(proposal: &Proposal) -> Table {
    let columns = [
        ("", false),
        ("LISTs at once", true),
        ("seats", true),
        ("held at the peak", true),
        ("caught: rejected", true),
        ("wait p99 s", true),
        ("others too slow", true),
        ("hurts", false),
    ];
    let rows = proposal.tried.iter().map(|tried| {
        let of_plan = |of: &dyn Fn(&Plan) -> String| or_dash(tried.plan.as_ref().map(of));
        vec![
            match tried.plan {
                None => "as it is".to_owned(),
                Some(_) if tried.is_chosen => "→".to_owned(),
                Some(_) => String::new(),
            },
            of_plan(&|plan| between(plan.lists_at_once.0.into(), plan.lists_at_once.1.into())),
            of_plan(&|plan| format!("{}{}", plan.nominal_seats, if plan.queues { "" } else { ", rejecting" })),
            format!("{}–{}", size(tried.peak_low_bytes), size(tried.peak_high_bytes)),
            or_dash(tried.caught_rejected.map(rounded)),
            or_dash(tried.caught_wait_p99_secs.map(rounded)),
            of_plan(&|_| units::count(tried.slow as u64)),
            or_dash(Some(tried.hurt.join(", ")).filter(|names| !names.is_empty())),
        ]
    });
    Table { rows: rows.collect(), ..Table::of("Sizes that were tried", "", &columns) }
}

fn slow_words(slow: &[SlowClient]) -> String {
    let words = slow.iter().map(|slow| {
        let (now, before) = (rounded(slow.wait_max_secs), rounded(slow.wait_max_before_secs));
        format!("{} {now} s (before {before} s)", slow.client)
    });
    words.collect::<Vec<_>>().join(", ")
}

fn together_sentences(together: &Together, zone: &Zone) -> Vec<String> {
    let mut sentences = vec![zone.in_sentence(&together.sentence), together.limit.clone()];
    if !together.slow.is_empty() {
        sentences.push(format!("waits too long: {}", slow_words(&together.slow)));
    }
    sentences
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes that were whole numbers")]
fn size(value: f64) -> String {
    units::bytes(value.round() as u64)
}
