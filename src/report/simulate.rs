//! The report of `apf simulate`: what candidates would have done to the logged requests.

use serde::Serialize;

use super::comparison::byte_words;
use super::{
    Block, ReplayNote, ServerFacts, bullets, capacity_words, comparison_sentence, mismatch_words, or_dash, rounded,
    section, table,
};
use crate::simulation::{
    BaselineMismatch, CandidateMatch, Comparison, GroupSummary, ListCapacity, ReplaySummary, Spread,
};
use crate::units::{self, legible};

/// What `apf simulate` found.
#[derive(Clone, Debug)]
pub struct SimulateReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// How often each configuration was replayed; numbers are the median with the least and the most.
    pub seeds: u64,
    /// The memory limit, in bytes; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// The memory of the server without LISTs, in bytes, which is added to all sizes here; `None` where none was given, and
    /// sizes are of the LISTs alone.
    pub memory_base_bytes: Option<u64>,
    /// One replay for each apiserver.
    pub apiservers: Vec<ApiserverReplay>,
    /// The candidate with other shares; `None` unless asked for.
    pub sweep: Option<Swept>,
    /// What to know of these numbers.
    pub notes: Vec<ReplayNote>,
}

/// One apiserver's requests, replayed.
#[derive(Clone, Debug)]
pub struct ApiserverReplay {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Requests that were replayed.
    pub request_count: u64,
    /// LISTs among them, and watches that begin with one.
    pub list_count: u64,
    /// When the first request came.
    pub first_at: String,
    /// The time from the first request to the last, in seconds.
    pub span_secs: f64,
    /// What the baseline replay does not reproduce; `None` where it reproduces the log.
    pub mismatch: Option<BaselineMismatch>,
    /// LISTs that run at full speed at once.
    pub capacity: ListCapacity,
    /// When LISTs of the log may have held more than the memory limit; empty without a limit.
    pub moments_above: Vec<MomentAbove>,
    /// By the log itself; it has no limits and no waits under half a second.
    pub logged: ReplaySummary,
    /// Under the current configuration.
    pub current: ReplaySummary,
    /// Under each candidate.
    pub candidates: Vec<CandidateReplay>,
}

/// A span of time in which LISTs may have held more than the memory limit, in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MomentAbove {
    /// Its begin.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// A candidate's replay.
#[derive(Clone, Debug)]
pub struct CandidateReplay {
    /// The name of its folder or file.
    pub name: String,
    /// The requests that it matches on this apiserver.
    pub matched: CandidateMatch,
    /// The candidate beside the current configuration.
    pub comparison: Comparison,
    /// Its numbers.
    pub replay: ReplaySummary,
}

/// A candidate with other shares.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The apiserver that was replayed: the one with the most LISTs.
    pub apiserver: Option<String>,
    /// One for each number of seats.
    pub rows: Vec<SweepRow>,
    /// The least harmful shares that keep LISTs within the memory limit; `None` where none do, or no limit is given.
    pub chosen: Option<i32>,
}

/// A candidate with one number of shares.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRow {
    /// `nominalConcurrencyShares`.
    pub nominal_concurrency_shares: i32,
    /// The seats that they come to.
    pub nominal_seats: u32,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// The lower bound of the memory of all LISTs at the peak.
    pub peak_low_bytes: Spread,
    /// The upper bound, of LISTs of known size.
    pub known_peak_high_bytes: Spread,
    /// How long LISTs of known size may have held more than the limit.
    pub possibly_above_secs: Spread,
    /// LISTs without an upper bound of their memory.
    pub unbounded_lists: u64,
    /// Matched requests that are rejected.
    pub caught_rejected: f64,
    /// The 99th percentile of the waits of matched requests.
    pub caught_wait_p99_secs: f64,
    /// The longest time until a herd of matched LISTs was served.
    pub caught_drain_secs: f64,
    /// Clients that are worse off and aren't targets.
    pub regressed: Vec<String>,
}

impl SimulateReport {
    /// The report for a terminal, with so many clients; 0 for all.
    pub fn blocks(&self, top: usize) -> Vec<Block> {
        let mut blocks = vec![Block::Line(self.server.line())];
        for replay in &self.apiservers {
            blocks.extend(self.apiserver(replay, top));
        }
        if let Some(sweep) = &self.sweep {
            let heading = match &sweep.apiserver {
                Some(name) if self.apiservers.len() > 1 => format!("Other shares, on {}", legible(name)),
                _ => "Other shares".to_owned(),
            };
            blocks.extend(section(&heading, self.sweep_table(sweep)));
            blocks.push(Block::Line(chosen_words(sweep, self.memory_limit_bytes)));
        }
        let notes: Vec<String> = self.notes.iter().map(ReplayNote::sentence).collect();
        blocks.extend(section("About these numbers", bullets(&notes)));
        blocks
    }

    fn apiserver(&self, replay: &ApiserverReplay, top: usize) -> Vec<Block> {
        let name = replay.apiserver.as_deref().map_or_else(String::new, |name| format!("{}: ", legible(name)));
        let mut blocks = vec![Block::Line(format!(
            "{name}{} requests, {} of them LISTs, within {} from {}; seeds: {}.\n{}.",
            units::count(replay.request_count),
            units::count(replay.list_count),
            units::span(micros(replay.span_secs)),
            replay.first_at,
            self.seeds,
            capacity_words(&replay.capacity),
        ))];
        if let Some(mismatch) = &replay.mismatch {
            blocks.push(Block::Line(format!(
                "\nDoubtful: the baseline replay does not reproduce the log: {}. The server has another version, configuration \
                 or object sizes, or the log lacks requests: don't rely on what follows.",
                mismatch_words(mismatch)
            )));
        }
        for candidate in &replay.candidates {
            blocks.push(Block::Line(String::new()));
            blocks.push(Block::Heading(legible(&candidate.name)));
            blocks.push(Block::Line(format!("  {}", legible(&comparison_sentence(&candidate.comparison)))));
        }
        let columns: Vec<(&str, bool)> = [("", false), ("logged", true), ("current", true)]
            .into_iter()
            .chain(replay.candidates.iter().map(|candidate| (candidate.name.as_str(), true)))
            .collect();
        blocks.extend(section("Side by side", table(&columns, self.totals(replay))));
        if let Some(limit) = self.memory_limit_bytes {
            blocks.push(Block::Line(moment_words(&replay.moments_above, limit)));
        }
        let clients = client_rows(replay, top);
        if !clients.is_empty() {
            let columns = [
                ("client", false),
                ("under", false),
                ("FlowSchema", false),
                ("requests", true),
                ("rejected", true),
                ("p50 wait (s)", true),
                ("p99 wait (s)", true),
                ("p50 total (s)", true),
                ("drain time (s)", true),
            ];
            blocks.extend(section("Most affected clients", table(&columns, clients)));
        }
        blocks
    }

    fn sweep_table(&self, sweep: &Swept) -> Block {
        let columns = [
            ("shares", true),
            ("seats", true),
            ("LISTs at once", true),
            ("peak memory", true),
            ("possibly above (s)", true),
            ("matched: rejected", true),
            ("p99 wait (s)", true),
            ("drain time (s)", true),
            ("worse off", false),
        ];
        let rows = sweep.rows.iter().map(|row| {
            let held = format!("{}–{}", one(row.peak_low_bytes), one(row.known_peak_high_bytes));
            vec![
                row.nominal_concurrency_shares.to_string(),
                row.nominal_seats.to_string(),
                spread(row.most_lists),
                held,
                match row.unbounded_lists {
                    _ if self.memory_limit_bytes.is_none() => "–".to_owned(),
                    0 => spread(row.possibly_above_secs),
                    _ => format!("{} or more", spread(row.possibly_above_secs)),
                },
                rounded(row.caught_rejected),
                rounded(row.caught_wait_p99_secs),
                rounded(row.caught_drain_secs),
                or_dash(Some(row.regressed.join(", ")).filter(|names| !names.is_empty()).map(|names| legible(&names))),
            ]
        });
        table(&columns, rows.collect())
    }

    fn totals(&self, replay: &ApiserverReplay) -> Vec<Vec<String>> {
        let sides: Vec<&ReplaySummary> = [&replay.logged, &replay.current]
            .into_iter()
            .chain(replay.candidates.iter().map(|candidate| &candidate.replay))
            .collect();
        let row = |name: &str, of: &dyn Fn(&ReplaySummary) -> String| {
            std::iter::once(name.to_owned()).chain(sides.iter().map(|side| of(side))).collect::<Vec<_>>()
        };
        let mut rows = vec![
            row("LISTs at once", &|side| spread(side.most_lists)),
            row("peak memory, at least", &|side| bytes(side.peak_low_bytes)),
            row("peak memory, at most", &|side| bytes(side.known_peak_high_bytes)),
        ];
        if sides.iter().any(|side| side.unbounded_lists > 0) {
            rows.push(row("  without LISTs of unknown size", &|side| units::count(side.unbounded_lists)));
        }
        if let Some(limit) = self.memory_limit_bytes {
            let limit = units::bytes(limit);
            let whose = if self.memory_base_bytes.is_none() { ", LISTs alone" } else { "" };
            let or_more = |side: &ReplaySummary| if side.unbounded_lists > 0 { " or more" } else { "" };
            rows.push(row(&format!("surely above {limit}{whose} (s)"), &|side| {
                spread(side.surely_above_secs) + or_more(side)
            }));
            rows.push(row(&format!("possibly above {limit}{whose} (s)"), &|side| {
                spread(side.possibly_above_secs) + or_more(side)
            }));
        }
        rows.extend([
            row("rejected", &|side| spread(side.rejected.all)),
            row("  queue-full", &|side| spread(side.rejected.queue_full)),
            row("  concurrency-limit", &|side| spread(side.rejected.concurrency_limit)),
            row("  time-out", &|side| spread(side.rejected.time_out)),
        ]);
        if sides.iter().any(|side| side.retried.high > 0.0) {
            rows.push(row("429s that were retried", &|side| spread(side.retried)));
        }
        if sides.iter().any(|side| side.cut_off.high > 0.0) {
            rows.push(row("cut off, or without an end", &|side| spread(side.cut_off)));
        }
        rows
    }
}

/// When the log itself may have been above the limit, the first of them by name.
fn moment_words(moments: &[MomentAbove], limit: u64) -> String {
    const NAMED: usize = 5;
    let limit = units::bytes(limit);
    if moments.is_empty() {
        return format!("In the log, LISTs of known size were never above {limit}.");
    }
    let named: Vec<String> =
        moments.iter().take(NAMED).map(|moment| format!("{} to {}", moment.from, moment.to)).collect();
    let more = match moments.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {} more times", units::count(more as u64)),
    };
    format!("In the log, LISTs may have been above {limit} from {}{more}.", named.join(", from "))
}

/// The clients with the most rejections and waits, each under all configurations.
fn client_rows(replay: &ApiserverReplay, top: usize) -> Vec<Vec<String>> {
    let sides: Vec<(&str, &ReplaySummary)> = std::iter::once(("current", &replay.current))
        .chain(replay.candidates.iter().map(|candidate| (candidate.name.as_str(), &candidate.replay)))
        .collect();
    let weight = |group: &GroupSummary| (group.rejected.all.high, group.wait_max_secs.high);
    let mut clients: Vec<(u32, (f64, f64))> = Vec::new();
    for group in sides.iter().flat_map(|(_, side)| &side.groups) {
        let (rejected, wait) = weight(group);
        match clients.iter_mut().find(|(client, _)| *client == group.client_index) {
            Some((_, most)) => *most = (most.0.max(rejected), most.1.max(wait)),
            None => clients.push((group.client_index, (rejected, wait))),
        }
    }
    // Waits under a tenth of a second are no one's trouble.
    clients.retain(|(_, (rejected, wait))| *rejected > 0.0 || *wait >= 0.1);
    clients.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(b.1.1.total_cmp(&a.1.1)).then(a.0.cmp(&b.0)));
    let shown = if top == 0 { clients.len() } else { top };
    let mut rows = Vec::new();
    for (client, _) in clients.into_iter().take(shown) {
        for (name, side) in &sides {
            rows.extend(
                side.groups.iter().filter(|group| group.client_index == client).map(|group| client_row(name, group)),
            );
        }
    }
    rows
}

fn client_row(under: &str, group: &GroupSummary) -> Vec<String> {
    vec![
        legible(&group.client),
        legible(under),
        legible(&group.flow_schema),
        units::count(group.request_count),
        spread(group.rejected.all),
        spread(group.wait_p50_secs),
        spread(group.wait_p99_secs),
        spread(group.took_p50_secs),
        spread(group.drain_secs),
    ]
}

fn chosen_words(sweep: &Swept, memory_limit: Option<u64>) -> String {
    match (sweep.chosen, memory_limit) {
        (Some(shares), Some(limit)) => format!(
            "nominalConcurrencyShares: {shares} is the least harmful value that keeps LISTs within {} under all seeds",
            units::bytes(limit)
        ),
        (None, Some(_)) if sweep.rows.iter().any(|row| row.unbounded_lists > 0) => {
            "unknown which values keep LISTs within the limit: some LISTs are of unknown size; give sizes with --metrics FILE or \
             --resource"
                .to_owned()
        }
        (None, Some(limit)) if !sweep.rows.is_empty() => {
            format!("no value keeps LISTs within {} under all seeds", units::bytes(limit))
        }
        _ => "give --memory-limit to find the least harmful value that keeps LISTs within it".to_owned(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn micros(secs: f64) -> i64 {
    (secs * 1e6).round() as i64
}

/// A median with the least and the most, where they differ: `6`, or `41 (33–46)`.
fn spread(spread: Spread) -> String {
    let (low, mid, high) = (rounded(spread.low), rounded(spread.mid), rounded(spread.high));
    if low == high { mid } else { format!("{mid} ({low}–{high})") }
}

fn bytes(spread: Spread) -> String {
    let [low, mid, high] = [spread.low, spread.mid, spread.high].map(byte_words);
    if low == high { mid } else { format!("{mid} ({low}–{high})") }
}

fn one(spread: Spread) -> String {
    byte_words(spread.mid)
}
