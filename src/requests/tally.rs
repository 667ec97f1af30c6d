//! What was read and what was not, counted while reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::{Event, Latency, Level, Micros, Reason, Remark, Stage};
use crate::source::Place;

/// Counts over a scan. Every line is in them, read or not.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Events by stage, in the order of [`Stage::ALL`].
    pub stages: [u64; Stage::ALL.len()],
    /// Events by level, in the order of [`Level::ALL`]; those without one at the end.
    pub levels: [u64; Level::ALL.len() + 1],
    /// Events with each latency annotation, in the order of [`Latency::ALL`].
    pub latencies: [u64; Latency::ALL.len()],
    /// What can't be used, by reason.
    pub unreadable: BTreeMap<Reason, Noted>,
    /// What was wrong with events that were read all the same.
    pub remarks: BTreeMap<Remark, Noted>,
    /// Events that were in the log before, so left out.
    pub duplicates: u64,
    /// Stages that stand after the end of their request.
    pub late_stages: u64,
    /// Events whose stage is earlier than their request was received, by the server's own clock.
    pub clock_inversions: u64,
    /// Requests given up as open because too many were open at once.
    pub given_up: u64,
    /// Requests without an end in the log whose ends the policy leaves out: they may have ended at any time.
    pub unlogged_ends: u64,
    /// Requests whose stages contradict each other: the end is stamped before the start of the response.
    pub contradictory_requests: u64,
    /// Whether the reading stopped before the end, since nobody wanted more: the counts are of what was read.
    pub is_partial: bool,
    /// What each file held, by name.
    pub files: BTreeMap<Arc<str>, FileTally>,
    /// What each apiserver's log spans, by name; `None` where no name is known.
    pub servers: BTreeMap<Option<Arc<str>>, ServerTally>,
}

/// What one file held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTally {
    /// Bytes after decompression.
    pub bytes: u64,
    /// Lines, blank ones included; of JSON that spans lines, its values.
    pub lines: u64,
    /// Audit events.
    pub events: u64,
    /// Lines, or parts of lines, that can't be used.
    pub unreadable: u64,
}

/// The span of one apiserver's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerTally {
    /// Events.
    pub events: u64,
    /// The earliest stage.
    pub first_at: Option<Micros>,
    /// The latest stage.
    pub last_at: Option<Micros>,
    /// The stage of the first event in the file.
    opening_at: Option<Micros>,
    /// Events that stand after one of a later stage time.
    pub order_inversions: u64,
    /// The furthest that an event stands behind a later one, in microseconds.
    pub worst_inversion_micros: i64,
    /// Events marked as served while the server was starting.
    pub startup_events: u64,
    /// The longest spans without any event, of at least 5 s, longest first.
    pub gaps: Vec<Gap>,
    /// What the server asked of itself, and what it served while starting, by tens of seconds since 1970.
    start_signs: BTreeMap<i64, u32>,
}

/// A span without any event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last event before it.
    pub from: Micros,
    /// The first event after it.
    pub to: Micros,
}

/// Something seen: how often, and where first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Place,
    /// How it begins there, cut short; empty if it is no text.
    pub sample: String,
}

/// A busy apiserver logs many events a second (leases alone see to that), so 5 s without one say something.
const MIN_GAP_MICROS: i64 = 5_000_000;
const KEPT_GAPS: usize = 1_000;
const SAMPLE_CHARS: usize = 100;
const SIGN_MICROS: i64 = 10_000_000;
/// A starting server lists a dozen resources of its own and more; one that runs lists one now and then.
const MIN_START_SIGNS: u32 = 8;

impl Tally {
    /// Events read, duplicates included.
    pub fn events(&self) -> u64 {
        self.stages.iter().sum()
    }

    /// Whether the logs have any event of that stage.
    pub fn has_stage(&self, stage: Stage) -> bool {
        self.stages[stage as usize] > 0
    }

    /// Whether any request has an end: without, how long requests took and what was in flight is unknown.
    pub fn has_request_ends(&self) -> bool {
        self.has_stage(Stage::ResponseComplete) || self.has_stage(Stage::Panic)
    }

    /// Lines read.
    pub fn lines(&self) -> u64 {
        self.files.values().map(|file| file.lines).sum()
    }

    /// Events by the name of their level, those that there are; "unknown" for those without one.
    pub fn levels_by_name(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Level::ALL.iter().map(|level| level.name()).chain(["unknown"]);
        names.zip(self.levels).filter(|(_, count)| *count > 0)
    }

    /// Lines, or parts of lines, that can't be used.
    pub fn unreadable_count(&self) -> u64 {
        self.unreadable.values().map(|noted| noted.count).sum()
    }

    /// The latest stage of all.
    pub fn last_at(&self) -> Option<Micros> {
        self.servers.values().filter_map(|server| server.last_at).max()
    }

    /// The earliest stage of all.
    pub fn first_at(&self) -> Option<Micros> {
        self.servers.values().filter_map(|server| server.first_at).min()
    }

    pub(super) fn note_unreadable(&mut self, reason: Reason, text: &str, place: impl FnOnce() -> Place) {
        note(&mut self.unreadable, reason, text, place);
    }

    /// Counts an event; what it says of its server goes to that server's own tally.
    pub(super) fn note_event(&mut self, event: &Event<'_>, text: &str, place: impl Fn() -> Place) {
        self.stages[event.stage as usize] += 1;
        self.levels[event.level.map_or(Level::ALL.len(), |level| level as usize)] += 1;
        if event.annotations.has_latency() {
            for part in Latency::ALL {
                self.latencies[part as usize] += u64::from(event.annotations.latency(part).is_some());
            }
        }
        if let (Some(received), Some(stage)) = (event.request_received_at, event.stage_at) {
            self.clock_inversions += u64::from(stage < received);
        }
        for remark in event.remarks.iter() {
            note(&mut self.remarks, remark, text, &place);
        }
    }

    /// Adds what was counted in the next piece of the log.
    pub(super) fn merge(&mut self, next: Self) {
        add_all(&mut self.stages, &next.stages);
        add_all(&mut self.latencies, &next.latencies);
        add_all(&mut self.levels, &next.levels);
        merge_noted(&mut self.unreadable, next.unreadable);
        merge_noted(&mut self.remarks, next.remarks);
        self.duplicates += next.duplicates;
        self.late_stages += next.late_stages;
        self.clock_inversions += next.clock_inversions;
        self.given_up += next.given_up;
        self.unlogged_ends += next.unlogged_ends;
        self.contradictory_requests += next.contradictory_requests;
        self.is_partial |= next.is_partial;
        for (name, file) in next.files {
            self.files.entry(name).or_default().merge(&file);
        }
        for (name, server) in next.servers {
            self.servers.entry(name).or_default().merge(server);
        }
    }
}

fn add_all(sums: &mut [u64], more: &[u64]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

fn note<K: Ord>(noted: &mut BTreeMap<K, Noted>, key: K, text: &str, place: impl FnOnce() -> Place) {
    let entry = noted.entry(key).or_insert_with(|| Noted {
        count: 0,
        first: place(),
        sample: text.chars().take(SAMPLE_CHARS).collect(),
    });
    entry.count += 1;
}

fn merge_noted<K: Ord>(noted: &mut BTreeMap<K, Noted>, next: BTreeMap<K, Noted>) {
    for (key, more) in next {
        match noted.get_mut(&key) {
            Some(noted) => noted.count += more.count,
            None => drop(noted.insert(key, more)),
        }
    }
}

impl FileTally {
    fn merge(&mut self, next: &Self) {
        self.bytes += next.bytes;
        self.lines += next.lines;
        self.events += next.events;
        self.unreadable += next.unreadable;
    }
}

impl ServerTally {
    /// Takes in the next event of this server.
    pub(super) fn note_event(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.startup_events += u64::from(event.annotations.is_startup);
        let Some(at) = event.stage_at else {
            return;
        };
        let weight = if event.annotations.is_startup { MIN_START_SIGNS } else { u32::from(is_own_read(event)) };
        if weight > 0 {
            let signs = self.start_signs.entry(at.div_euclid(SIGN_MICROS)).or_default();
            *signs = signs.saturating_add(weight);
        }
        self.opening_at.get_or_insert(at);
        self.first_at = Some(self.first_at.map_or(at, |first| first.min(at)));
        self.follow(at);
        self.last_at = Some(self.last_at.map_or(at, |last| last.max(at)));
    }

    /// Whether the server may have started in a span of time: it asked much of itself, or marked what it served. For ordinary
    /// requests, a span without any event may hide a start as well; within the life of a watch there often is one.
    pub(super) fn may_have_started_within(&self, from: Micros, to: Micros, counts_gaps: bool) -> bool {
        let within = from.div_euclid(SIGN_MICROS)..=to.div_euclid(SIGN_MICROS);
        self.start_signs.range(within).any(|(_, signs)| *signs >= MIN_START_SIGNS)
            || counts_gaps && self.gaps.iter().any(|gap| gap.to > from && gap.to <= to)
    }

    /// Whether `at`, the next stage in the file, comes after a gap, or stands behind a later one.
    fn follow(&mut self, at: Micros) {
        let Some(last) = self.last_at else {
            return;
        };
        if at < last {
            self.order_inversions += 1;
            self.worst_inversion_micros = self.worst_inversion_micros.max(last - at);
        } else if at - last >= MIN_GAP_MICROS {
            self.keep_gap(Gap { from: last, to: at });
        }
    }

    fn keep_gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
        self.gaps.sort_by_key(|gap| (gap.from - gap.to, gap.from));
        self.gaps.truncate(KEPT_GAPS);
    }

    fn merge(&mut self, next: Self) {
        if let Some(at) = next.opening_at {
            self.follow(at);
            self.opening_at.get_or_insert(at);
        }
        self.events += next.events;
        self.startup_events += next.startup_events;
        self.first_at = [self.first_at, next.first_at].into_iter().flatten().min();
        self.last_at = self.last_at.max(next.last_at);
        self.order_inversions += next.order_inversions;
        self.worst_inversion_micros = self.worst_inversion_micros.max(next.worst_inversion_micros);
        for gap in next.gaps {
            self.keep_gap(gap);
        }
        for (at, signs) in next.start_signs {
            let sum = self.start_signs.entry(at).or_default();
            *sum = sum.saturating_add(signs);
        }
    }
}

/// Whether the apiserver asks for a collection of its own.
fn is_own_read(event: &Event<'_>) -> bool {
    event.verb.is_some_and(|verb| verb == *"list" || verb == *"watch")
        && event.user.name.is_some_and(|name| name == *"system:apiserver")
}
