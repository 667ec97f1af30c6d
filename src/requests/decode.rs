//! One chunk of a log: its events decoded, joined among themselves, and put into rows. This runs on many cores at once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::ends_logged::{Class, EndedClasses};
use super::recent::Stages;
use super::tally::{ServerTally, Tally};
use super::{Outcome, Request, Rows, Window, is_end};
use crate::audit::{Event, Item, Micros, Reason, Stage, decode, decode_clean, is_clean};
use crate::source::{Chunk, FaultKind, Line, LogFile};

/// Lines are seldom shorter.
const USUAL_LINE_BYTES: usize = 700;

/// A chunk after decoding.
pub(super) struct Decoded<R> {
    /// The rows of the requests that ended in it.
    pub(super) rows: R,
    /// What the joining in order needs to know, in the order of the log.
    pub(super) marks: Vec<Mark>,
    /// What was counted.
    pub(super) tally: Tally,
    /// The classes of the requests that ended in it.
    pub(super) ended: EndedClasses,
    /// How many lines it held.
    pub(super) lines: u64,
    /// The chunk's buffer, to be used again.
    pub(super) buffer: Vec<u8>,
}

/// A request's trace in a chunk.
pub(super) enum Mark {
    /// It ended here.
    End {
        /// The hash of its key.
        key: u64,
        /// The stages seen in this chunk.
        stages: Stages,
        /// Its row; `None` when it lies outside of the window asked for.
        row: Option<u32>,
        /// Whether the row knows when the response started.
        has_start: bool,
        /// When it ended.
        ended_at: Option<Micros>,
    },
    /// A stage that didn't end in this chunk.
    Early(Box<Early>),
}

/// The stages of a request whose end is still to come, or never will.
pub(super) struct Early {
    pub(super) key: u64,
    pub(super) stages: Stages,
    pub(super) started_at: Option<Micros>,
    /// The latest start of the response, where several are logged.
    pub(super) last_started_at: Option<Micros>,
    /// Whether its end is in the log, but stamped before the response started.
    pub(super) is_contradictory: bool,
    pub(super) received_at: Option<Micros>,
    pub(super) apiserver: Option<Arc<str>>,
    pub(super) file: Arc<str>,
    pub(super) last: LastStage<Box<str>>,
}

/// The last stage of a request so far.
pub(super) struct LastStage<T> {
    pub(super) stage: Stage,
    pub(super) stage_at: Option<Micros>,
    /// Whether it is a refusal that may be all that is logged: ResponseStarted with 400 or 401.
    pub(super) is_refusal: bool,
    pub(super) line: u64,
    /// The event itself.
    pub(super) text: T,
}

/// Decodes a chunk and fills `rows` with the requests that end in it.
pub(super) fn decode_chunk<R: Rows>(chunk: Chunk, rows: R, window: Window) -> Decoded<R> {
    let mut decoding = Decoding {
        chunk: &chunk,
        rows,
        row_count: 0,
        window,
        marks: Vec::with_capacity(chunk.bytes.len() / USUAL_LINE_BYTES),
        open: HashMap::default(),
        tally: Tally::default(),
        server: ServerTally::default(),
        ended: EndedClasses::default(),
        unreadable: 0,
        lines: 0,
    };
    decoding.faults();
    decoding.read_lines();
    let lines = decoding.lines;
    let ended = std::mem::take(&mut decoding.ended);
    let (rows, marks, tally) = decoding.finish();
    Decoded { rows, marks, tally, ended, lines, buffer: chunk.bytes }
}

struct Decoding<'c, R> {
    chunk: &'c Chunk,
    rows: R,
    row_count: u32,
    window: Window,
    marks: Vec<LocalMark<'c>>,
    /// The marks of requests with early stages in this chunk and no end yet.
    open: HashMap<u64, usize, FixedState>,
    tally: Tally,
    /// Of the file's own apiserver; events of others are rare.
    server: ServerTally,
    ended: EndedClasses,
    unreadable: u64,
    lines: u64,
}

/// A run of lines, looked at together: that is much faster, and few enough to be in the core's nearest cache still when
/// they are then decoded one by one.
#[derive(Default)]
struct Run<'c> {
    range: Range<usize>,
    /// The lines, if they are UTF-8 without control characters: else each is looked at by itself.
    text: Option<&'c str>,
}

const RUN_BYTES: usize = 32 << 10;

impl<'c> Run<'c> {
    /// Goes on to the run of whole lines that starts at `start`.
    fn start_at(&mut self, start: usize, chunk: &'c [u8]) {
        let rest = &chunk[start..];
        let length = match memchr::memrchr(b'\n', &rest[..rest.len().min(RUN_BYTES)]) {
            Some(last) => last + 1,
            None => memchr::memchr(b'\n', rest).map_or(rest.len(), |first| first + 1),
        };
        self.range = start..start + length;
        self.text = std::str::from_utf8(&rest[..length]).ok().filter(|text| is_clean(text.as_bytes()));
    }

    /// A line's text.
    fn text_of(&self, line: &Line<'c>) -> Option<&'c str> {
        let start = line.range().start - self.range.start;
        self.text?.get(start..start + line.bytes.len())
    }
}

enum LocalMark<'c> {
    End {
        key: u64,
        stages: Stages,
        row: Option<u32>,
        has_start: bool,
        ended_at: Option<Micros>,
    },
    Early(LocalEarly<'c>),
    /// An early stage whose request ended in this chunk.
    Joined,
}

/// What an [`Early`] is made of, unless its request ends in this chunk.
struct LocalEarly<'c> {
    key: u64,
    stages: Stages,
    started_at: Option<Micros>,
    last_started_at: Option<Micros>,
    received_at: Option<Micros>,
    host: Option<&'c str>,
    last: LastStage<&'c str>,
}

impl LocalEarly<'_> {
    fn kept(&self, file: &LogFile) -> Early {
        let LastStage { stage, stage_at, is_refusal, line, text } = self.last;
        Early {
            key: self.key,
            stages: self.stages,
            started_at: self.started_at,
            last_started_at: self.last_started_at,
            is_contradictory: false,
            received_at: self.received_at,
            apiserver: self.host.map(Into::into).or_else(|| file.apiserver.clone()),
            file: Arc::clone(&file.name),
            last: LastStage { stage, stage_at, is_refusal, line, text: text.into() },
        }
    }
}

impl<'c, R: Rows> Decoding<'c, R> {
    fn faults(&mut self) {
        let chunk = self.chunk;
        for fault in &chunk.faults {
            let reason = match fault.kind {
                FaultKind::TooLong => Reason::TooLong,
                FaultKind::Compression => Reason::BadCompression,
                FaultKind::Read => Reason::ReadError,
            };
            self.unreadable += 1;
            self.tally.note_unreadable(reason, "", || chunk.place(fault.line, fault.offset));
        }
    }

    fn read_lines(&mut self) {
        let chunk = self.chunk;
        let mut run = Run::default();
        for line in chunk.lines() {
            self.lines += 1;
            if line.range().end > run.range.end && chunk.has_plain_lines() {
                run.start_at(line.range().start, &chunk.bytes);
            }
            match run.text_of(&line) {
                Some(text) => decode_clean(text, &mut |item| self.item(line, item)),
                None => decode(line.bytes, |item| self.item(line, item)),
            }
        }
    }

    fn item(&mut self, line: Line<'c>, item: Item<'c, '_>) {
        let chunk = self.chunk;
        match item {
            Item::Event { event, text, host } => {
                self.tally.note_event(event, text, || chunk.place(line.number, line.offset));
                self.event(line, event, text, host);
            }
            Item::Unreadable { text, at, reason } => {
                self.unreadable += 1;
                let place = || chunk.place(line.number, line.offset + at as u64);
                self.tally.note_unreadable(reason, text, place);
            }
        }
    }

    fn event(&mut self, line: Line<'c>, event: &Event<'c>, text: &'c str, host: Option<&'c str>) {
        let given = &self.chunk.file.apiserver;
        let host = host.filter(|host| given.as_deref() != Some(host));
        match host {
            Some(host) => self.tally.servers.entry(Some(host.into())).or_default().note_event(event),
            None => self.server.note_event(event),
        }
        let apiserver = host.or(given.as_deref());
        match key(apiserver, event) {
            Some(key) if is_end(event.stage) => self.end(line.number, event, apiserver, key),
            Some(key) => self.early(line.number, event, text, host, key),
            None => self.lone(line.number, event, apiserver),
        }
    }

    /// An event that can't be joined is a request of its own.
    fn lone(&mut self, line: u64, event: &Event<'c>, apiserver: Option<&str>) {
        let started_at = event.stage_at.filter(|_| event.stage == Stage::ResponseStarted);
        let outcome = if is_end(event.stage) || is_refusal(event) { Outcome::Complete } else { Outcome::Open };
        self.append(line, event, apiserver, started_at, outcome);
    }

    /// Appends a row, unless it lies outside of the window; its number.
    fn append(
        &mut self,
        line: u64,
        event: &Event<'c>,
        apiserver: Option<&str>,
        started_at: Option<Micros>,
        outcome: Outcome,
    ) -> Option<u32> {
        let completed_at = event.stage_at.filter(|_| !matches!(outcome, Outcome::Open | Outcome::Unknown));
        if !self.window.meets(event.request_received_at, completed_at) {
            return None;
        }
        let file = &self.chunk.file.name;
        self.rows.append(&Request { event, apiserver, file, line, started_at, completed_at, outcome });
        self.row_count += 1;
        Some(self.row_count - 1)
    }

    fn end(&mut self, line: u64, event: &Event<'c>, apiserver: Option<&str>, key: u64) {
        let open = if self.open.is_empty() { None } else { self.open.remove(&key) };
        let early = open.map(|mark| std::mem::replace(&mut self.marks[mark], LocalMark::Joined));
        let (stages, started_at, last_started_at) = match early {
            Some(LocalMark::Early(early)) => (early.stages, early.started_at, early.last_started_at),
            _ => (Stages::NONE, None, None),
        };
        Class::of(apiserver, event).note_end(&mut self.ended);
        let outcome = match event.stage {
            Stage::Panic => Outcome::Panic,
            _ if is_contradictory(last_started_at, event.stage_at) => {
                self.tally.contradictory_requests += 1;
                Outcome::Unknown
            }
            _ => Outcome::Complete,
        };
        let row = self.append(line, event, apiserver, started_at, outcome);
        let stages = stages.with(event.stage);
        self.marks.push(LocalMark::End {
            key,
            stages,
            row,
            has_start: started_at.is_some(),
            ended_at: event.stage_at.filter(|_| outcome != Outcome::Unknown),
        });
    }

    fn early(&mut self, line: u64, event: &Event<'c>, text: &'c str, host: Option<&'c str>, key: u64) {
        let stage = event.stage;
        let started_at = event.stage_at.filter(|_| stage == Stage::ResponseStarted);
        let last = LastStage { stage, stage_at: event.stage_at, is_refusal: is_refusal(event), line, text };
        let mark = *self.open.entry(key).or_insert(self.marks.len());
        match self.marks.get_mut(mark) {
            Some(LocalMark::Early(early)) if early.stages.has(stage) => {
                self.tally.duplicates += 1;
                early.last_started_at = early.last_started_at.max(started_at);
            }
            Some(LocalMark::Early(early)) => {
                early.stages = early.stages.with(stage);
                early.started_at = early.started_at.or(started_at);
                early.last_started_at = early.last_started_at.max(started_at);
                if stage > early.last.stage {
                    early.last = last;
                }
            }
            _ => self.marks.push(LocalMark::Early(LocalEarly {
                key,
                stages: Stages::NONE.with(stage),
                started_at,
                last_started_at: started_at,
                received_at: event.request_received_at,
                host,
                last,
            })),
        }
    }

    fn finish(mut self) -> (R, Vec<Mark>, Tally) {
        let file = self.tally.files.entry(Arc::clone(&self.chunk.file.name)).or_default();
        file.bytes += self.chunk.content_bytes;
        file.lines += self.lines;
        file.events += self.tally.stages.iter().sum::<u64>();
        file.unreadable += self.unreadable;
        if self.server.events > 0 {
            self.tally.servers.insert(self.chunk.file.apiserver.clone(), self.server);
        }
        let file = &self.chunk.file;
        let marks = self.marks.into_iter().filter_map(|mark| match mark {
            LocalMark::End { key, stages, row, has_start, ended_at } => {
                Some(Mark::End { key, stages, row, has_start, ended_at })
            }
            LocalMark::Early(early) => Some(Mark::Early(Box::new(early.kept(file)))),
            LocalMark::Joined => None,
        });
        (self.rows, marks.collect(), self.tally)
    }
}

/// Whether the response started after its request had ended: then that was no end.
pub(super) fn is_contradictory(started_at: Option<Micros>, ended_at: Option<Micros>) -> bool {
    started_at.zip(ended_at).is_some_and(|(started, ended)| started > ended)
}

/// Whether the event may be all that is logged of a request that was refused before it was handled.
fn is_refusal(event: &Event<'_>) -> bool {
    event.stage == Stage::ResponseStarted && matches!(event.code, Some(400 | 401))
}

/// The hash that stands for (apiserver, auditID, requestReceivedTimestamp), the same in every run.
fn key(apiserver: Option<&str>, event: &Event<'_>) -> Option<u64> {
    let audit_id = event.audit_id?;
    let mut hasher = foldhash::quality::FixedState::default().build_hasher();
    apiserver.hash(&mut hasher);
    audit_id.decode().hash(&mut hasher);
    event.request_received_at.hash(&mut hasher);
    Some(hasher.finish())
}
