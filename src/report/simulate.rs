//! The report of `apf simulate`: what candidates would have done to the logged requests.

use super::{Block, bullets, or_dash, rounded, section, table};
use crate::analysis::simulate::{ApiserverReplay, MomentAbove, SimulateReport, Swept};
use crate::simulation::{Capacity, CapacityBasis, GroupSide, Side, Spread};
use crate::units::{self, legible};

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
        blocks.extend(section("What to know of these numbers", bullets(&self.notes)));
        blocks
    }

    fn apiserver(&self, replay: &ApiserverReplay, top: usize) -> Vec<Block> {
        let name = replay.apiserver.as_deref().map_or_else(String::new, |name| format!("{}: ", legible(name)));
        let mut blocks = vec![Block::Line(format!(
            "{name}{} requests, {} LISTs among them, within {} from {}; seeds: {}.\n{}.",
            units::count(replay.request_count),
            units::count(replay.list_count),
            units::span(micros(replay.span_secs)),
            replay.first_at,
            self.seeds,
            replay.capacity,
        ))];
        if let Some(doubt) = &replay.doubt {
            blocks.push(Block::Line(format!(
                "\nDoubtful: the replay of the current configuration isn't what happened: {doubt}. Its version, configuration \
                 or sizes aren't those of the server, or the log lacks requests: don't rely on what follows.",
            )));
        }
        for candidate in &replay.candidates {
            blocks.push(Block::Line(String::new()));
            blocks.push(Block::Heading(legible(&candidate.name)));
            blocks.push(Block::Line(format!("  {}", legible(&candidate.sentence))));
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
                ("wait p50 s", true),
                ("p99 s", true),
                ("took p50 s", true),
                ("herd gone in s", true),
            ];
            blocks.extend(section("Clients to whom most happens", table(&columns, clients)));
        }
        blocks
    }

    fn sweep_table(&self, sweep: &Swept) -> Block {
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
                or_dash(Some(row.hurt.join(", ")).filter(|names| !names.is_empty()).map(|names| legible(&names))),
            ]
        });
        table(&columns, rows.collect())
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
