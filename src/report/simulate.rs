//! The report of `apf simulate`: what candidates would have done to the logged requests.

use super::comparison::byte_words;
use super::page::{Card, Page, Part, Section, Table, Tone};
use super::{
    ApiserverReplay, MomentAbove, ReplayNote, SimulateReport, Swept, bullets_section, capacity_words,
    comparison_sentence, counted, mismatch_words, or_dash, rounded, table_section,
};
use crate::simulation::{Effect, GroupSummary, ReplaySummary, Spread};
use crate::units::{self, Zone};

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
        let notes: Vec<String> = self.notes.iter().map(ReplayNote::sentence).collect();
        sections.push(bullets_section("About these numbers", &notes));
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
                ("p50 wait (s)", true),
                ("p99 wait (s)", true),
                ("p50 total (s)", true),
                ("drain time (s)", true),
            ];
            sections.push(table_section(&format!("Most affected clients{on}"), "", &columns, clients));
        }
        sections
    }

    /// What was replayed, and what each candidate does.
    fn replay_parts(&self, replay: &ApiserverReplay, zone: &Zone) -> Vec<Part> {
        let what = format!(
            "{}, {} of them LISTs, within {} from {}, replayed with {}.",
            counted(replay.request_count, "request"),
            units::count(replay.list_count),
            units::span(micros(replay.span_secs)),
            zone.in_sentence(&replay.first_at),
            counted(self.seeds, "seed"),
        );
        let mut parts = vec![Part::Text(what), Part::Text(format!("{}.", capacity_words(&replay.capacity)))];
        parts.extend(replay.mismatch.as_ref().map(|mismatch| {
            let doubt = format!(
                "the baseline replay does not reproduce the log: {}. The server probably has another version, other \
                 configuration or other object sizes than assumed, or the log lacks requests: don't rely on what follows.",
                mismatch_words(mismatch)
            );
            Part::Card(Card::of_sentence(Tone::Warning, "Doubtful", doubt))
        }));
        parts.extend(replay.candidates.iter().map(|candidate| {
            let tone = match candidate.comparison.effect {
                Effect::Helps => Tone::Good,
                Effect::DoesNothing => Tone::Plain,
                Effect::HelpsButHurts | Effect::OnlyHurts | Effect::Burdens => Tone::Warning,
            };
            Part::Card(Card::of_sentence(tone, &candidate.name, comparison_sentence(&candidate.comparison)))
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
            ("peak memory", true),
            ("possibly above (s)", true),
            ("matched requests rejected", true),
            ("their p99 wait (s)", true),
            ("drain time (s)", true),
            ("clients worse off", false),
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
                or_dash(Some(row.regressed.join(", ")).filter(|names| !names.is_empty())),
            ]
        });
        Table::under_heading("", &columns, rows.collect())
    }

    fn totals(&self, replay: &ApiserverReplay) -> Vec<Vec<String>> {
        let sides: Vec<&ReplaySummary> = [&replay.logged, &replay.current]
            .into_iter()
            .chain(replay.candidates.iter().map(|candidate| &candidate.replay))
            .collect();
        let row = |name: &str, of: &dyn Fn(&ReplaySummary) -> String| {
            std::iter::once(name.to_owned()).chain(sides.iter().map(|side| of(side))).collect::<Vec<_>>()
        };
        let has_unknown = sides.iter().any(|side| side.unbounded_lists > 0);
        let most = if has_unknown { "peak memory of LISTs of known size, at most" } else { "peak memory, at most" };
        let mut rows = vec![
            row("LISTs at once", &|side| spread(side.most_lists)),
            row("peak memory, at least", &|side| bytes(side.peak_low_bytes)),
            row(most, &|side| bytes(side.known_peak_high_bytes)),
        ];
        if has_unknown {
            rows.push(row("  LISTs of unknown size, not included", &|side| units::count(side.unbounded_lists)));
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
        1 => ", and 1 more time".to_owned(),
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
