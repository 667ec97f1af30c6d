//! The report of `apf simulate`: what candidates would have done to the logged requests.

use serde::Serialize;

use super::page::{Card, Page, Part, Section, Table, Tone};
use super::{ServerFacts, bullets_section, or_dash, rounded, table_section};
use crate::simulation::{Capacity, CapacityBasis, Catch, Effect, GroupSide, Hurt, Relieved, Side, Spread};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct SimulateReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// How often each configuration was replayed; numbers are the median with the least and the most.
    pub seeds: u64,
    /// The memory that LISTs shouldn't hold more of; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// What the server holds without LISTs, which is in all sizes here; `None` where none was given, and the sizes are of
    /// what LISTs hold.
    pub memory_base_bytes: Option<u64>,
    /// One replay for each apiserver.
    pub apiservers: Vec<ApiserverReplay>,
    /// What other shares would do; `None` unless asked for.
    pub sweep: Option<Swept>,
    /// What to know of these numbers, and what a replay can't know.
    pub notes: Vec<String>,
}

/// One apiserver's requests, replayed.
#[derive(Clone, Debug, Serialize)]
pub struct ApiserverReplay {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Requests that were replayed.
    pub request_count: u64,
    /// LISTs among them, and watches that begin with one.
    pub list_count: u64,
    /// When the first came.
    pub first_at: String,
    /// For how long they came, in seconds.
    pub span_secs: f64,
    /// Where the replay of the current configuration is far from the log, so that its version, configuration or sizes aren't
    /// those of the server; `None` where it isn't.
    pub doubt: Option<String>,
    /// By which law LISTs share the server, in words.
    pub capacity: String,
    /// LISTs that run side by side at full speed: at least; `None` where they don't share it.
    pub capacity_low: Option<f64>,
    /// What is reckoned with.
    pub capacity_likely: Option<f64>,
    /// At most.
    pub capacity_high: Option<f64>,
    /// When LISTs of the log may have held more than the memory limit; empty without a limit.
    pub moments_above: Vec<MomentAbove>,
    /// What the log itself says; it has no limits and no waits under half a second.
    pub logged: Side,
    /// The current configuration.
    pub current: Side,
    /// The candidates.
    pub candidates: Vec<CandidateReplay>,
}

/// A span of time in which LISTs may have held more than the memory limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MomentAbove {
    /// Since when.
    pub from: String,
    /// Until when.
    pub to: String,
}

/// What a candidate came to.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateReplay {
    /// What it is called: its folder or file.
    pub name: String,
    /// How it does.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// What it catches on this apiserver.
    pub catch: Catch,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Who is better off, besides those who are meant.
    pub relieved: Vec<Relieved>,
    /// Its numbers.
    pub side: Side,
}

/// A candidate with other shares.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The apiserver that it was tried on: the one with the most LISTs.
    pub apiserver: Option<String>,
    /// One for each number of seats.
    pub rows: Vec<SweepRow>,
    /// The shares that keep LISTs within the memory limit and harm least; `None` where none do, or no limit is given.
    pub chosen: Option<i32>,
}

/// What one number of shares does.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRow {
    /// The shares.
    pub nominal_concurrency_shares: i32,
    /// The seats that they come to.
    pub nominal_seats: u32,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// What LISTs held at the peak, at least.
    pub peak_low_bytes: Spread,
    /// The same, at most, without LISTs of which nothing bounds what they hold.
    pub known_peak_high_bytes: Spread,
    /// For how long they may have held more than the limit, without those LISTs.
    pub possibly_above_secs: Spread,
    /// LISTs of which nothing bounds what they hold.
    pub unbounded_lists: u64,
    /// Requests that it catches and that are rejected.
    pub caught_rejected: f64,
    /// How long 99 of 100 requests wait at most that it catches.
    pub caught_wait_p99_secs: f64,
    /// The longest time until a herd of them was served.
    pub caught_drain_secs: f64,
    /// Who is hurt that isn't meant.
    pub hurt: Vec<String>,
}

/// By which law LISTs share a server, in words.
pub fn capacity_words(capacity: &Capacity) -> String {
    let range = || {
        if capacity.high - capacity.low < 0.05 {
            rounded(capacity.likely)
        } else {
            format!("{} ({} to {})", rounded(capacity.likely), rounded(capacity.low), rounded(capacity.high))
        }
    };
    match capacity.basis {
        CapacityBasis::Unlimited => "LISTs take as long as they took in the log".to_owned(),
        CapacityBasis::Given => format!("LISTs share the server, {} of them at full speed, as given", range()),
        CapacityBasis::Fitted { list_count, most_at_once } => format!(
            "LISTs share the server, {} of them at full speed: by which the work of {} LISTs of the same is most alike, of \
             which up to {} ran at once",
            range(),
            units::count(list_count as u64),
            units::count(most_at_once as u64)
        ),
        CapacityBasis::Unknown { most_at_once } => format!(
            "LISTs share the server, {} of them at full speed: any of these fits the log, as too few of the same ran beside \
             each other ({} at most)",
            range(),
            units::count(most_at_once as u64)
        ),
    }
}

impl SimulateReport {
    /// The report as a page, with so many clients; 0 for all.
    pub fn page(&self, top: usize, zone: &Zone) -> Page {
        let mut sections: Vec<Section> =
            self.apiservers.iter().flat_map(|replay| self.apiserver(replay, top, zone)).collect();
        if let Some(sweep) = &self.sweep {
            let parts =
                vec![Part::Table(self.sweep_table(sweep)), Part::Text(chosen_words(sweep, self.memory_limit_bytes))];
            sections.push(Section::of(format!("Other shares{}", self.on(&sweep.apiserver)), parts));
        }
        sections.push(bullets_section("What to know of these numbers", &self.notes));
        Page::of("Priority and Fairness: simulation", vec![self.server.line()], sections)
    }

    /// What to add to a heading to say which apiserver it is of; nothing where there is only one.
    fn on(&self, apiserver: &Option<String>) -> String {
        match apiserver {
            Some(name) if self.apiservers.len() > 1 => format!(", on {name}"),
            _ => String::new(),
        }
    }

    fn apiserver(&self, replay: &ApiserverReplay, top: usize, zone: &Zone) -> Vec<Section> {
        let on = self.on(&replay.apiserver);
        let mut sections = vec![
            Section::of(replay_heading(replay), self.replay_parts(replay, zone)),
            Section::of(format!("Side by side{on}"), self.totals_parts(replay, zone)),
        ];
        let clients = client_rows(replay, top);
        if !clients.is_empty() {
            let columns = [
                ("client", false),
                ("under", false),
                ("FlowSchema", false),
                ("requests", true),
                ("rejected", true),
                ("wait p50 s", true),
                ("p99 s", true),
                ("took p50 s", true),
                ("herd gone in s", true),
            ];
            sections.push(table_section(&format!("Clients to whom most happens{on}"), "", &columns, clients));
        }
        sections
    }

    /// What was replayed, and what each candidate does.
    fn replay_parts(&self, replay: &ApiserverReplay, zone: &Zone) -> Vec<Part> {
        let what = format!(
            "{} requests, {} LISTs among them, within {} from {}; seeds: {}.",
            units::count(replay.request_count),
            units::count(replay.list_count),
            units::span(micros(replay.span_secs)),
            zone.in_sentence(&replay.first_at),
            self.seeds,
        );
        let mut parts = vec![Part::Text(what), Part::Text(format!("{}.", replay.capacity))];
        parts.extend(replay.doubt.as_ref().map(|doubt| {
            let doubt = format!(
                "the replay of the current configuration isn't what happened: {}. Its version, configuration or sizes \
                 aren't those of the server, or the log lacks requests: don't rely on what follows.",
                zone.in_sentence(doubt)
            );
            Part::Card(Card::of_sentence(Tone::Warning, "Doubtful", doubt))
        }));
        parts.extend(replay.candidates.iter().map(|candidate| {
            let tone = match candidate.effect {
                Effect::Helps => Tone::Good,
                Effect::DoesNothing => Tone::Plain,
                Effect::HelpsButHurts | Effect::OnlyHurts | Effect::Burdens => Tone::Warning,
            };
            Part::Card(Card::of_sentence(tone, &candidate.name, zone.in_sentence(&candidate.sentence)))
        }));
        parts
    }

    fn totals_parts(&self, replay: &ApiserverReplay, zone: &Zone) -> Vec<Part> {
        let columns: Vec<(&str, bool)> = [("", false), ("logged", true), ("current", true)]
            .into_iter()
            .chain(replay.candidates.iter().map(|candidate| (candidate.name.as_str(), true)))
            .collect();
        let mut parts = vec![Part::Table(Table::under_heading("", &columns, self.totals(replay)))];
        let moments = self.memory_limit_bytes.map(|limit| moment_words(&replay.moments_above, limit));
        parts.extend(moments.map(|words| Part::Text(zone.in_sentence(&words))));
        parts
    }

    fn sweep_table(&self, sweep: &Swept) -> Table {
        let columns = [
            ("shares", true),
            ("seats", true),
            ("LISTs at once", true),
            ("memory at the peak", true),
            ("s possibly above", true),
            ("caught: rejected", true),
            ("wait p99 s", true),
            ("herd gone in s", true),
            ("hurts", false),
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
                or_dash(Some(row.hurt.join(", ")).filter(|names| !names.is_empty())),
            ]
        });
        Table::under_heading("", &columns, rows.collect())
    }

    fn totals(&self, replay: &ApiserverReplay) -> Vec<Vec<String>> {
        let sides: Vec<&Side> = [&replay.logged, &replay.current]
            .into_iter()
            .chain(replay.candidates.iter().map(|candidate| &candidate.side))
            .collect();
        let row = |name: &str, of: &dyn Fn(&Side) -> String| {
            std::iter::once(name.to_owned()).chain(sides.iter().map(|side| of(side))).collect::<Vec<_>>()
        };
        let mut rows = vec![
            row("LISTs at once", &|side| spread(side.most_lists)),
            row("memory at the peak, at least", &|side| bytes(side.peak_low_bytes)),
            row("memory at the peak, at most", &|side| bytes(side.known_peak_high_bytes)),
        ];
        if sides.iter().any(|side| side.unbounded_lists > 0) {
            rows.push(row("  not counting LISTs of unknown size", &|side| units::count(side.unbounded_lists)));
        }
        if let Some(limit) = self.memory_limit_bytes {
            let limit = units::bytes(limit);
            let whose = if self.memory_base_bytes.is_none() { ", by LISTs alone" } else { "" };
            let or_more = |side: &Side| if side.unbounded_lists > 0 { " or more" } else { "" };
            rows.push(row(&format!("s surely above {limit}{whose}"), &|side| {
                spread(side.surely_above_secs) + or_more(side)
            }));
            rows.push(row(&format!("s possibly above {limit}{whose}"), &|side| {
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
            rows.push(row("429s that were tried again", &|side| spread(side.retried)));
        }
        if sides.iter().any(|side| side.cut_off.high > 0.0) {
            rows.push(row("cut off, or without an end", &|side| spread(side.cut_off)));
        }
        rows
    }
}

fn replay_heading(replay: &ApiserverReplay) -> String {
    replay.apiserver.as_ref().map_or_else(|| "Replay".to_owned(), |name| format!("Replay of {name}"))
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
    let sides: Vec<(&str, &Side)> = std::iter::once(("current", &replay.current))
        .chain(replay.candidates.iter().map(|candidate| (candidate.name.as_str(), &candidate.side)))
        .collect();
    let weight = |group: &GroupSide| (group.rejected.all.high, group.wait_max_secs.high);
    let mut clients: Vec<(u32, (f64, f64))> = Vec::new();
    for group in sides.iter().flat_map(|(_, side)| &side.groups) {
        let (rejected, wait) = weight(group);
        match clients.iter_mut().find(|(client, _)| *client == group.client_place) {
            Some((_, most)) => *most = (most.0.max(rejected), most.1.max(wait)),
            None => clients.push((group.client_place, (rejected, wait))),
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
                side.groups.iter().filter(|group| group.client_place == client).map(|group| client_row(name, group)),
            );
        }
    }
    rows
}

fn client_row(under: &str, group: &GroupSide) -> Vec<String> {
    vec![
        group.client.clone(),
        under.to_owned(),
        group.flow_schema.clone(),
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
            "nominalConcurrencyShares: {shares} harms least of those that keep LISTs within {} under all seeds",
            units::bytes(limit)
        ),
        (None, Some(_)) if sweep.rows.iter().any(|row| row.unbounded_lists > 0) => {
            "which of them keep within the limit can't be told, as LISTs are of unknown size: see --metrics and --resource"
                .to_owned()
        }
        (None, Some(limit)) if !sweep.rows.is_empty() => {
            format!("none of them keeps LISTs within {} under all seeds", units::bytes(limit))
        }
        _ => "with --memory-limit, the shares are named that keep within it and harm least".to_owned(),
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
    let [low, mid, high] = [spread.low, spread.mid, spread.high].map(size);
    if low == high { mid } else { format!("{mid} ({low}–{high})") }
}

fn one(spread: Spread) -> String {
    size(spread.mid)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes that were whole numbers")]
fn size(value: f64) -> String {
    units::bytes(value.round() as u64)
}
