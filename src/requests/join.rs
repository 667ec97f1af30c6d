//! Joins the stages of requests across chunks, in the order of the log.
//!
//! A request's row is made where it ends. What this file adds, in order: a start of the response that was logged chunks
//! earlier; the dropping of what was there before; and rows for requests that never end. The last chunk is held back
//! until the next one is joined, so that a stage which comes a little late still finds its row.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::decode::{Decoded, Early, Mark, is_contradictory};
use super::ends_logged::{EndedClasses, Unended, classes_without_ends};
use super::recent::{Recent, Stages};
use super::tally::Tally;
use super::{Outcome, Request, Rows, Window};
use crate::audit::{Event, Micros, Stage, decode_one};

/// Rows in order, and what the order changed in them.
pub struct Joined<R> {
    /// The rows.
    pub rows: R,
    /// Rows that must be left out, since they were there before, or are made anew.
    pub dropped: Vec<u32>,
    /// Rows whose `started_at` was found elsewhere.
    pub started: Vec<(u32, Micros)>,
}

/// The most that requests which are open at once may take, as text of the log, 128 MiB: about 100,000 of them, more than a
/// cluster of 2,000 nodes keeps open on one apiserver. Beyond it the older half is given up as open, and counted; one that
/// ends later all the same is then a second row.
pub const MAX_OPEN_BYTES: usize = 128 << 20;

/// About as many rows as a chunk of a log gives.
const ROWS_AT_ONCE: usize = 2_048;

/// After so many chunks a refusal without a further stage is all that will be logged of its request.
const REFUSAL_SETTLES_CHUNKS: u64 = 8;

pub(super) struct Joiner<R, F> {
    make_rows: F,
    window: Window,
    recent: Recent,
    /// Requests without an end so far.
    open: HashMap<u64, Box<Early>, FixedState>,
    /// Of the text of `open`.
    open_bytes: usize,
    /// The classes of requests that have an end in the log.
    ended: EndedClasses,
    /// Requests whose end turned out to be none; their rows are made anew.
    contradictory: Vec<Early>,
    /// Refusals that wait for a further stage, with the chunk they stood in.
    refusals: VecDeque<(u64, u64)>,
    held: Option<Held<R>>,
    chunk_count: u64,
    /// What was counted so far.
    pub(super) tally: Tally,
}

struct Held<R> {
    joined: Joined<R>,
    /// The rows by request, and when it ended, for stages that come late.
    ends: Vec<(u64, u32, Option<Micros>)>,
}

impl<R: Rows, F: Fn() -> R> Joiner<R, F> {
    pub(super) fn new(make_rows: F, window: Window) -> Self {
        Self {
            make_rows,
            window,
            recent: Recent::new(),
            open: HashMap::default(),
            open_bytes: 0,
            ended: EndedClasses::default(),
            contradictory: Vec::new(),
            refusals: VecDeque::new(),
            held: None,
            chunk_count: 0,
            tally: Tally::default(),
        }
    }

    /// Takes in the next chunk; the rows that are now final.
    pub(super) fn join(&mut self, decoded: Decoded<R>) -> Vec<Joined<R>> {
        self.chunk_count += 1;
        self.tally.merge(decoded.tally);
        self.ended.extend(decoded.ended);
        let mut current =
            Held { joined: Joined { rows: decoded.rows, dropped: Vec::new(), started: Vec::new() }, ends: Vec::new() };
        for mark in decoded.marks {
            match mark {
                Mark::End { key, stages, row, has_start, ended_at } => {
                    self.end((key, stages), row, has_start, ended_at, &mut current);
                }
                Mark::Early(early) => self.early(early, &mut current),
            }
        }
        let mut done: Vec<_> = self.held.replace(current).map(|held| held.joined).into_iter().collect();
        done.extend(self.settle_refusals());
        done.extend(self.give_up());
        let contradictory = std::mem::take(&mut self.contradictory);
        done.extend(self.rows_of(contradictory));
        done
    }

    /// The rows that are left when the log has ended: those held back, and the requests that never ended.
    pub(super) fn finish(&mut self) -> Vec<Joined<R>> {
        let mut done: Vec<_> = self.held.take().map(|held| held.joined).into_iter().collect();
        let open = std::mem::take(&mut self.open).into_values().map(|early| *early).collect();
        done.extend(self.rows_of(open));
        done
    }

    fn end(
        &mut self,
        (key, stages): (u64, Stages),
        row: Option<u32>,
        has_start: bool,
        ended_at: Option<Micros>,
        current: &mut Held<R>,
    ) {
        let known = self.recent.note(key, stages);
        let open = if self.open.is_empty() { None } else { self.take_open(key) };
        self.tally.duplicates += known.shared_with(stages);
        let Some(row) = row else {
            return;
        };
        if known.has_end() {
            current.joined.dropped.push(row);
            return;
        }
        if let Some(open) = open {
            if is_contradictory(open.last_started_at, ended_at) {
                current.joined.dropped.push(row);
                self.keep_contradictory(open);
                return;
            }
            if !has_start && let Some(at) = open.started_at {
                current.joined.started.push((row, at));
            }
        }
        current.ends.push((key, row, ended_at));
    }

    fn keep_contradictory(&mut self, early: Early) {
        self.tally.contradictory_requests += 1;
        self.contradictory.push(Early { is_contradictory: true, ..early });
    }

    fn early(&mut self, early: Box<Early>, current: &mut Held<R>) {
        let known = self.recent.note(early.key, early.stages);
        self.tally.duplicates += known.shared_with(early.stages);
        let new_stages = early.stages.without(known);
        if known.has_end() && self.contradicts_end(&early, current) {
            self.keep_contradictory(*early);
            return;
        }
        if new_stages == Stages::NONE {
            return;
        }
        if known.has_end() {
            self.tally.late_stages += new_stages.count();
            self.late(&early, current);
        } else {
            if early.last.is_refusal {
                self.refusals.push_back((self.chunk_count, early.key));
            }
            self.keep_open(early);
        }
    }

    /// Whether a request's response started after its end, be it once more; its row is then left out.
    fn contradicts_end(&mut self, early: &Early, current: &mut Held<R>) -> bool {
        if early.last_started_at.is_none() {
            return false;
        }
        for held in [Some(current), self.held.as_mut()].into_iter().flatten() {
            if let Some(index) = held.ends.iter().position(|(key, ..)| *key == early.key) {
                let (_, row, ended_at) = held.ends[index];
                let is_contradictory = is_contradictory(early.last_started_at, ended_at);
                if is_contradictory {
                    held.ends.swap_remove(index);
                    held.joined.dropped.push(row);
                }
                return is_contradictory;
            }
        }
        false
    }

    /// Stages after their request's end: the row is in this chunk, or in the one held back.
    fn late(&mut self, early: &Early, current: &mut Held<R>) {
        let Some(at) = early.started_at else {
            return;
        };
        for held in [Some(current), self.held.as_mut()].into_iter().flatten() {
            if let Some((_, row, _)) = held.ends.iter().find(|(key, ..)| *key == early.key) {
                held.joined.started.push((*row, at));
                return;
            }
        }
    }

    fn take_open(&mut self, key: u64) -> Option<Early> {
        let open = self.open.remove(&key)?;
        self.open_bytes -= open.last.text.len();
        Some(*open)
    }

    fn keep_open(&mut self, early: Box<Early>) {
        self.open_bytes += early.last.text.len();
        match self.open.entry(early.key) {
            Entry::Vacant(entry) => drop(entry.insert(early)),
            Entry::Occupied(mut entry) => {
                let open = entry.get_mut();
                open.stages = open.stages.and(early.stages);
                open.started_at = open.started_at.or(early.started_at);
                open.last_started_at = open.last_started_at.max(early.last_started_at);
                if early.last.stage > open.last.stage {
                    self.open_bytes -= open.last.text.len();
                    open.last = early.last;
                    open.file = early.file;
                } else {
                    self.open_bytes -= early.last.text.len();
                }
            }
        }
    }

    /// Refusals of which no further stage came are requests that are complete.
    fn settle_refusals(&mut self) -> Vec<Joined<R>> {
        let mut settled = Vec::new();
        while let Some((chunk, key)) = self.refusals.front().copied() {
            if chunk + REFUSAL_SETTLES_CHUNKS > self.chunk_count {
                break;
            }
            self.refusals.pop_front();
            if self.open.get(&key).is_some_and(|open| open.is_lone_refusal()) {
                self.recent.note(key, Stages::NONE.with(Stage::ResponseComplete));
                settled.extend(self.take_open(key));
            }
        }
        self.rows_of(settled)
    }

    fn give_up(&mut self) -> Vec<Joined<R>> {
        if self.open_bytes <= MAX_OPEN_BYTES {
            return Vec::new();
        }
        let mut by_age: Vec<_> = self.open.values().map(|open| (open.last.stage_at, open.key)).collect();
        by_age.sort_unstable();
        by_age.truncate(by_age.len().div_ceil(2));
        self.tally.given_up += by_age.len() as u64;
        let given_up = by_age.iter().filter_map(|(_, key)| self.take_open(*key)).collect();
        self.rows_of(given_up)
    }

    /// Rows of requests that have no end in the log.
    fn rows_of(&mut self, mut requests: Vec<Early>) -> Vec<Joined<R>> {
        if requests.is_empty() {
            return Vec::new();
        }
        requests.sort_by(|a, b| a.place().cmp(&b.place()));
        let unended: Vec<Option<Unended>> = requests.iter().map(Early::unended).collect();
        let all: Vec<Unended> = unended.iter().flatten().copied().collect();
        let without = classes_without_ends(&all, &self.ended, &self.tally);
        let outcomes = requests.iter().zip(unended).map(|(open, unended)| match unended {
            _ if open.is_lone_refusal() => Outcome::Complete,
            _ if open.is_contradictory => Outcome::Unknown,
            Some(unended) if unended.is_of(&without) => {
                self.tally.unlogged_ends += 1;
                Outcome::Unknown
            }
            _ => Outcome::Open,
        });
        let outcomes: Vec<Outcome> = outcomes.collect();
        let pieces = requests.chunks(ROWS_AT_ONCE).zip(outcomes.chunks(ROWS_AT_ONCE));
        pieces.map(|(piece, outcomes)| self.rows_of_piece(piece, outcomes)).collect()
    }

    fn rows_of_piece(&self, requests: &[Early], outcomes: &[Outcome]) -> Joined<R> {
        let mut rows = (self.make_rows)();
        for (open, outcome) in requests.iter().zip(outcomes) {
            self.append(open, *outcome, &mut rows);
        }
        Joined { rows, dropped: Vec::new(), started: Vec::new() }
    }

    fn append(&self, open: &Early, outcome: Outcome, rows: &mut R) {
        let event = open.event();
        let completed_at = event.stage_at.filter(|_| outcome == Outcome::Complete);
        if !self.window.meets(event.request_received_at, completed_at) {
            return;
        }
        rows.append(&Request {
            event: &event,
            apiserver: open.apiserver.as_deref(),
            file: &open.file,
            line: open.last.line,
            started_at: open.started_at,
            completed_at,
            outcome,
        });
    }
}

impl Early {
    /// A failed authentication (401) or a bad `timeout` (400) is logged as ResponseStarted alone.
    fn is_lone_refusal(&self) -> bool {
        self.last.is_refusal && self.stages == Stages::NONE.with(Stage::ResponseStarted)
    }

    fn event(&self) -> Event<'_> {
        let Some(event) = decode_one(&self.last.text) else {
            unreachable!("an event that was read once can be read again");
        };
        event
    }

    /// What tells whether its end is logged; `None` if it has one.
    fn unended(&self) -> Option<Unended> {
        (!self.is_lone_refusal() && !self.is_contradictory)
            .then(|| Unended::of(self.apiserver.as_deref(), &self.event()))
    }

    fn place(&self) -> (Option<Micros>, &Arc<str>, u64, u64) {
        (self.received_at, &self.file, self.last.line, self.key)
    }
}
