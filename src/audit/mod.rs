//! From a line to the audit events in it: JSON, and what JSON comes wrapped in.
//!
//! [`decode`] takes one line and hands over each event it finds, borrowed from the line, and each thing it can't read,
//! with the reason. Nothing is dropped in silence. Two readers stand behind it: a fast path for lines exactly
//! as Go writes them, and a general path for all others.

mod cursor;
mod envelope;
mod event;
mod fast;
mod general;
mod text;
mod time;

use serde_json::value::RawValue;

pub use envelope::Looks;
pub use event::{Annotations, Event, Latency, Level, ObjectRef, Remark, Remarks, Stage, User};
pub use text::{Text, TextList};
pub use time::{Micros, parse_duration_secs, parse_instant};

/// What [`decode`] finds in a line.
#[derive(Debug)]
pub enum Item<'a, 'e> {
    /// An audit event.
    Event {
        /// The event.
        event: &'e Event<'a>,
        /// The JSON it was read from; [`decode_one`] reads it again.
        text: &'a str,
        /// The host that an `oc adm node-logs` style prefix names.
        host: Option<&'a str>,
    },
    /// Something that can't be used.
    Unreadable {
        /// What it is, as far as it is text.
        text: &'a str,
        /// Its offset in bytes from the start of the line, or of the trouble in it where that is known.
        at: usize,
        /// Why.
        reason: Reason,
    },
}

/// Why something in a log can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// It is not valid JSON.
    BadJson,
    /// It ends in the middle of a JSON value.
    Torn,
    /// It is not UTF-8.
    NotUtf8,
    /// The line is longer than a reader should hold in memory.
    TooLong,
    /// It is JSON or text, but no audit event.
    NotAnEvent(Looks),
    /// An event without `stage`.
    NoStage,
    /// An event whose `stage` is none of upstream's.
    UnknownStage,
    /// The compressed data is damaged or cut off: all before it was read.
    BadCompression,
    /// The file couldn't be read any further.
    ReadError,
}

impl Reason {
    /// The reason in words, to follow "unreadable: ".
    pub fn words(self) -> String {
        match self {
            Self::BadJson => "not valid JSON".into(),
            Self::Torn => "cut off in the middle".into(),
            Self::NotUtf8 => "not UTF-8".into(),
            Self::TooLong => "longer than a line may be".into(),
            Self::NotAnEvent(looks) => format!("no audit event; looks like {}", looks.words()),
            Self::NoStage => "an event without stage".into(),
            Self::UnknownStage => "an event of an unknown stage".into(),
            Self::BadCompression => "damaged or cut-off compressed data; all before it was read".into(),
            Self::ReadError => "the file can't be read any further".into(),
        }
    }
}

/// How an event that is glued to a torn one is found again.
const EVENT_START: &str = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/";

/// Hands over all that is in `line`, a line of a log without its line end, in order.
///
/// Lines of white space hold nothing and say nothing.
pub fn decode<'a>(line: &'a [u8], mut sink: impl FnMut(Item<'a, '_>)) {
    match std::str::from_utf8(line) {
        Ok(line) => match decode_alone(line, false) {
            Some(event) => sink(Item::Event { event: &event, text: line, host: None }),
            None => decode_any(line, &mut sink),
        },
        Err(error) => sink(not_utf8(line, error)),
    }
}

/// [`decode`] for a line that is known to be text without control characters: that is found out faster for many lines at
/// once.
pub fn decode_clean<'a>(line: &'a str, sink: &mut impl FnMut(Item<'a, '_>)) {
    match fast::decode(line, false) {
        Some(event) => sink(Item::Event { event: &event, text: line, host: None }),
        None => decode_any(line, sink),
    }
}

/// Whether there are no control characters but line feeds. It never stops early, so that many bytes are looked at at once.
pub fn is_clean(text: &[u8]) -> bool {
    text.iter().fold(0, |found, byte| found | u8::from(*byte < b' ') & u8::from(*byte != b'\n')) == 0
}

/// The fast path for a text by itself. `None` if it is not exactly as the fast path knows it.
fn decode_alone(text: &str, is_item: bool) -> Option<Event<'_>> {
    let is_one_line = is_clean(text.as_bytes()) && !text.contains('\n');
    is_one_line.then(|| fast::decode(text, is_item)).flatten()
}

/// [`decode`] by the general path alone: the reference that the fast path is held to.
pub fn decode_generally<'a>(line: &'a str, sink: &mut impl FnMut(Item<'a, '_>)) {
    decode_any(line, sink);
}

/// Reads an event's own text once more. `None` if [`decode`] would not call it one event.
pub fn decode_one(text: &str) -> Option<Event<'_>> {
    decode_alone(text, false)
        .or_else(|| decode_alone(text, true))
        .or_else(|| general::event(&general::Fields::of(serde_json::from_str(text).ok()?)?).ok())
}

fn not_utf8(line: &[u8], error: std::str::Utf8Error) -> Item<'_, '_> {
    let is_binary = line.iter().take(256).any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\r'));
    Item::Unreadable {
        text: "",
        at: error.valid_up_to(),
        reason: if is_binary { Reason::NotAnEvent(Looks::Binary) } else { Reason::NotUtf8 },
    }
}

/// Any line: a prefix perhaps, then JSON values one after another, perhaps torn and glued.
fn decode_any<'a>(line: &'a str, sink: &mut impl FnMut(Item<'a, '_>)) {
    let (start, host) = match prefix(line) {
        Prefix::None(start) => (start, None),
        Prefix::Host(host, start) => (start, Some(host)),
        Prefix::NoJson => {
            let reason = Reason::NotAnEvent(Looks::of_text(line));
            sink(Item::Unreadable { text: line, at: 0, reason });
            return;
        }
        Prefix::Blank => return,
    };
    let mut at = start;
    let mut resumed = 0;
    while let Some(rest) = line.get(at..).map(|rest| rest.trim_start_matches(BLANK)).filter(|rest| !rest.is_empty()) {
        at = line.len() - rest.len();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&'a RawValue>();
        let trouble = match values.next() {
            Some(Ok(value)) if is_container(value) => {
                open_value(value, at, host, sink);
                at += values.byte_offset();
                continue;
            }
            Some(Err(error)) if error.is_eof() => (rest.len(), Reason::Torn),
            Some(Err(error)) => (offset_of(rest, &error), Reason::BadJson),
            Some(Ok(_)) => (0, Reason::NotAnEvent(Looks::of_text(rest))),
            None => return,
        };
        resumed += 1;
        at = resume(line, at, trouble, resumed < MAX_RESUMED, sink);
    }
}

/// What may stand between values: white space, and a byte order mark, where files were put together.
const BLANK: [char; 5] = ['\u{feff}', ' ', '\t', '\r', '\n'];

/// How often one line is gone on with after a torn event. Each time it is read to its end, so there has to be an end; no
/// crash glues so many events together.
const MAX_RESUMED: usize = 100;

/// Where in `text` serde_json met trouble.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let lines_before = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    lines_before.map(str::len).sum::<usize>() + error.column().saturating_sub(1)
}

fn is_container(value: &RawValue) -> bool {
    value.get().starts_with(['{', '['])
}

/// Opens a value, correcting the offsets of what is unreadable in it to the line's.
fn open_value<'a>(value: &'a RawValue, value_at: usize, host: Option<&'a str>, sink: &mut impl FnMut(Item<'a, '_>)) {
    let base = value.get().as_ptr() as usize;
    envelope::open(value, false, host, &mut |item| match item {
        Item::Unreadable { text, at, reason } => {
            let inside = text.as_ptr() as usize - base;
            sink(Item::Unreadable { text, at: value_at + inside + at, reason });
        }
        event @ Item::Event { .. } => sink(event),
    });
}

/// Reports what can't be read from `from` on, and finds where reading can go on: at the next event on the line.
fn resume<'a>(
    line: &'a str,
    from: usize,
    (trouble, reason): (usize, Reason),
    goes_on: bool,
    sink: &mut impl FnMut(Item<'a, '_>),
) -> usize {
    let search_from = from + 1;
    let next = memchr::memmem::find(&line.as_bytes()[search_from..], EVENT_START.as_bytes())
        .filter(|_| goes_on)
        .map_or(line.len(), |found| search_from + found);
    let reason = if next < line.len() { Reason::Torn } else { reason };
    let at = (from + trouble).min(next);
    sink(Item::Unreadable { text: &line[from..next], at, reason });
    next
}

enum Prefix<'a> {
    /// Nothing before the JSON that starts here but white space, a byte order mark, or the time that
    /// `kubectl logs --timestamps` adds.
    None(usize),
    /// One word, as `oc adm node-logs` puts a node's name before each line, or the pod of `kubectl logs --prefix`.
    Host(&'a str, usize),
    NoJson,
    Blank,
}

fn prefix(line: &str) -> Prefix<'_> {
    let trimmed = line.trim_start_matches(BLANK);
    let skipped = line.len() - trimmed.len();
    if trimmed.is_empty() {
        return Prefix::Blank;
    }
    if let Some((pod, rest)) = pod_prefix(trimmed) {
        return Prefix::Host(pod, line.len() - rest.len());
    }
    if trimmed.starts_with(['{', '[']) {
        return Prefix::None(skipped);
    }
    match trimmed.split_once(' ') {
        Some((time, rest)) if rest.trim_start().starts_with('{') && parse_instant(time).is_some() => {
            Prefix::None(line.len() - rest.trim_start().len())
        }
        Some((host, rest)) if rest.trim_start().starts_with('{') && is_host(host) => {
            Prefix::Host(host, skipped + trimmed.len() - rest.trim_start().len())
        }
        // The tail of a torn event, or other text, with an event glued to it.
        _ => match trimmed.find(EVENT_START) {
            Some(_) => Prefix::None(skipped),
            None => Prefix::NoJson,
        },
    }
}

/// The pod of `[pod/NAME/CONTAINER] {…}`, and the JSON after it.
fn pod_prefix(line: &str) -> Option<(&str, &str)> {
    let (pod, rest) = line.strip_prefix("[pod/")?.split_once("] ")?;
    let (pod, _container) = pod.split_once('/')?;
    (is_host(pod) && rest.starts_with('{')).then_some((pod, rest))
}

fn is_host(word: &str) -> bool {
    word.len() <= 253 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
}
