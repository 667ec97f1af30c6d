//! When a log begins, and whether another log of the same time holds the same events: told from the text of events, since
//! what files are called says neither.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::compression::{Content, Input};

/// Microseconds since 1970.
pub(super) type Micros = i64;

/// What the first events of a file tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    /// About when it begins: the median stage time of its first events, since one of them may be damaged.
    pub(super) at: Option<Micros>,
    /// The earliest of those times, but for damaged ones.
    pub(super) first_at: Option<Micros>,
    /// Some of the audit IDs, in their quotes.
    pub(super) audit_ids: Vec<Box<[u8]>>,
}

/// How the logs of two files are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// The events of one are in the other.
    Same,
    /// They are of the same time, and the one's events are not in the other: two servers wrote them.
    Distinct,
    /// They are not of the same time, or too little of it to tell.
    Apart,
}

/// Enough events that one damaged time doesn't decide.
const OPENING_EVENTS: usize = 15;
/// Enough that one damaged ID doesn't decide.
const SAMPLED_IDS: usize = 5;
/// Logs that share less time than this may be two pieces of one log: where a log is cut, stages stand out of order, by at
/// most as long as the log backend batches events (`--audit-log-batch-max-wait`, 30 s by default).
const MIN_SHARED_MICROS: Micros = 30_000_000;
/// So many events after that time end the search: a single time may be damaged.
const EVENTS_BEYOND: usize = 10;

impl Opening {
    /// Reads the first events in `bytes`, the beginning of a file.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let events: Vec<_> = bytes.split(|byte| *byte == b'\n').filter_map(stage_at).take(OPENING_EVENTS).collect();
        let mut times = events;
        times.sort_unstable();
        let ids: Vec<_> = bytes.split(|byte| *byte == b'\n').filter_map(|line| value(line, b"\"auditID\"")).collect();
        let step = ids.len().div_ceil(SAMPLED_IDS).max(1);
        let at = times.get(times.len() / 2).copied();
        Self {
            at,
            first_at: at.and_then(|at| times.iter().find(|time| **time >= at - MIN_SHARED_MICROS).copied()),
            audit_ids: ids.into_iter().step_by(step).map(|id| [b"\"", id, b"\""].concat().into()).collect(),
        }
    }
}

/// How the log at `path` is related to one that begins later, so.
///
/// It is read up to where the other begins, and a little further.
pub(super) fn relation(path: &Path, later: &Opening) -> io::Result<Relation> {
    let Some(from) = later.at.filter(|_| !later.audit_ids.is_empty()) else {
        return Ok(Relation::Apart);
    };
    let mut content = BufReader::new(Content::open(Input::File(File::open(path)?))?);
    let mut line = Vec::new();
    let (mut is_shared, mut beyond) = (false, 0);
    while beyond < EVENTS_BEYOND {
        line.clear();
        if content.read_until(b'\n', &mut line)? == 0 {
            return Ok(Relation::Apart);
        }
        if later.audit_ids.iter().any(|id| memchr::memmem::find(&line, id).is_some()) {
            return Ok(Relation::Same);
        }
        match stage_at(&line) {
            Some(at) if at > from + MIN_SHARED_MICROS => beyond += 1,
            Some(at) => is_shared |= at >= from,
            None => {}
        }
    }
    Ok(if is_shared { Relation::Distinct } else { Relation::Apart })
}

/// The stage time of the event on a line.
fn stage_at(line: &[u8]) -> Option<Micros> {
    let text = std::str::from_utf8(value(line, b"\"stageTimestamp\"")?).ok()?;
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

/// The text of a string field.
fn value<'a>(line: &'a [u8], quoted_key: &[u8]) -> Option<&'a [u8]> {
    let at = memchr::memmem::find(line, quoted_key)? + quoted_key.len();
    let rest = line[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let value = &rest[..memchr::memchr(b'"', rest)?];
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn event(id: &str, second: u32) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!("{{\"auditID\":\"{id}\",\"stageTimestamp\": \"2026-07-23T10:{minute:02}:{second:02}.000000Z\"}}\n")
    }

    fn log(name: &str, seconds: std::ops::Range<u32>) -> String {
        seconds.map(|second| event(&format!("{name}-{second}"), second)).collect()
    }

    fn related(one: &str, later: &str) -> Relation {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(one.as_bytes()).unwrap();
        relation(file.path(), &Opening::of(later.as_bytes())).unwrap()
    }

    #[test]
    fn one_damaged_time_does_not_move_the_beginning() {
        let whole = Opening::of(log("a", 0..60).as_bytes()).at.unwrap();
        let damaged = event("x", 0).replace("2026", "9026") + "torn\n" + &log("a", 0..60);
        assert!((Opening::of(damaged.as_bytes()).at.unwrap() - whole).abs() <= 1_000_000);
        let early = event("x", 0).replace("2026", "1926") + &log("a", 1..60);
        assert_eq!(Opening::of(early.as_bytes()).first_at, Opening::of(log("a", 1..60).as_bytes()).first_at);
        assert_eq!(Opening::of(b"no event").at, None);
    }

    #[test]
    fn logs_of_the_same_time_are_of_two_servers_unless_they_share_events() {
        assert_eq!(related(&log("a", 0..300), &log("b", 2..300)), Relation::Distinct);
        assert_eq!(related(&log("a", 0..300), &log("a", 100..200)), Relation::Same);
        assert_eq!(related(&log("a", 0..300), &log("b", 280..600)), Relation::Apart, "a rotation");
        assert_eq!(related(&log("a", 0..300), &log("b", 400..600)), Relation::Apart);
        // A log with a hole, and another that fills it, are one server's.
        let with_hole = log("a", 0..100) + &log("a", 400..600);
        assert_eq!(related(&with_hole, &log("b", 100..400)), Relation::Apart);
    }
}
