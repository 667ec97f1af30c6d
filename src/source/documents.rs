//! JSON that spans lines: pretty-printed objects, and arrays of events, cut into single values.
//!
//! Only brackets and strings are told apart here; whether a value is JSON at all is for its reader to find out. A log of
//! one event per line whose first line is damaged may begin like JSON that spans lines. It shows soon: a whole object on a
//! line of its own, where no value can stand inside the one that was begun, belongs to a file of lines.

use super::chunk::Span;
use super::{Fault, FaultKind};

/// Cuts a file into its JSON values; of a top-level array, into its elements.
#[derive(Default)]
pub(super) struct Documents {
    /// The start of a value whose end is not read yet.
    carry: Vec<u8>,
    carry_place: (u64, u64),
    /// Bytes of `carry` that `state` has taken in.
    scanned: usize,
    state: State,
}

#[derive(Default)]
struct State {
    /// Brackets open inside the value being read; none between values.
    open: Vec<u8>,
    /// The last byte that was no white space and in no string.
    last: u8,
    is_in_string: bool,
    is_escaped: bool,
}

/// Where a value starts.
#[derive(Clone, Copy)]
struct Start {
    at: usize,
    line: u64,
    offset: u64,
}

/// What a line inside a value tells of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// It goes on with the value.
    Value,
    /// It is a whole object where none can stand: the value before it was torn.
    Torn,
    /// As [`Inside::Torn`], and the file is one of lines: no comma follows.
    Lines,
    /// It has no end yet.
    Unknown,
}

/// The values that end in some bytes, and where those of a file of lines begin.
pub(super) struct Split {
    /// The values.
    pub(super) spans: Vec<Span>,
    /// The rest of the bytes, where the file turned out to be one of lines.
    pub(super) lines: Option<Vec<u8>>,
}

impl Documents {
    /// Whether a file that starts so is JSON that spans lines: an array, or an object whose first line ends where
    /// a line of JSON goes on; and nothing in `start` shows that it is lines all the same.
    pub(super) fn starts(start: &[u8], is_all: bool) -> bool {
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let first_line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_cut = first_line.len() < text.len();
        let seems = match text {
            [b'[', rest @ ..] => matches!(rest.trim_ascii_start().first(), None | Some(b'{' | b'[' | b']')),
            [b'{', ..] => is_cut && matches!(first_line.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':')),
            _ => false,
        };
        let is_lines = || {
            let mut faults = Vec::new();
            let mut bytes = start.to_vec();
            let place = (&mut 1, &mut 0);
            Self::default().split(&mut bytes, is_all, usize::MAX, place, &mut faults).lines.is_some()
        };
        seems && !is_lines()
    }

    /// Where the values that end in `bytes` stand; what is unfinished is carried over to the next call.
    ///
    /// `place` is the line and offset at which `bytes` starts; it is moved to where they end.
    pub(super) fn split(
        &mut self,
        bytes: &mut Vec<u8>,
        is_last: bool,
        max_bytes: usize,
        place: (&mut u64, &mut u64),
        faults: &mut Vec<Fault>,
    ) -> Split {
        let mut all = std::mem::take(&mut self.carry);
        let carried = all.len();
        all.extend_from_slice(bytes);
        let (next_line, offset) = place;
        let all_offset = *offset - carried as u64;
        let mut start = (carried > 0).then_some(Start { at: 0, line: self.carry_place.0, offset: self.carry_place.1 });
        let mut spans = Vec::new();
        let mut line = *next_line - newlines(&all[self.scanned..carried]);
        let mut end = all.len();
        let mut lines = None;
        for at in std::mem::take(&mut self.scanned)..all.len() {
            let byte = all[at];
            if let Some(from) = start
                && at > from.at
                && all[at - 1] == b'\n'
            {
                match self.state.inside(&all[at..], is_last) {
                    Inside::Value => {}
                    Inside::Unknown => {
                        end = at;
                        break;
                    }
                    found @ (Inside::Torn | Inside::Lines) => {
                        spans.push(from.span_to(at));
                        start = None;
                        self.state = State::default();
                        if found == Inside::Lines {
                            lines = Some(all.split_off(at));
                            break;
                        }
                    }
                }
            }
            if start.is_none() && starts_value(byte) {
                start = Some(Start { at, line, offset: all_offset + at as u64 });
            }
            if let Some(from) = start
                && self.state.ends_with(byte)
            {
                spans.push(from.span_to(at + 1));
                start = None;
                self.state = State::default();
            }
            line += u64::from(byte == b'\n');
        }
        *next_line = line + newlines(all.get(end..).unwrap_or_default());
        *offset = all_offset + all.len() as u64;
        if let Some(from) = start {
            self.keep_start(from, &all, end, (is_last, max_bytes), &mut spans, faults);
        }
        *bytes = all;
        Split { spans, lines }
    }

    /// What is begun at the end of the bytes: handed over as it is at the end of the file, given up if it is too long, or
    /// kept for the next call.
    fn keep_start(
        &mut self,
        from: Start,
        all: &[u8],
        scanned_to: usize,
        (is_last, max_bytes): (bool, usize),
        spans: &mut Vec<Span>,
        faults: &mut Vec<Fault>,
    ) {
        if is_last {
            spans.push(from.span_to(all.len()));
        } else if all.len() - from.at > max_bytes {
            faults.push(Fault { kind: FaultKind::TooLong, line: from.line, offset: from.offset });
            self.state = State::default();
        } else {
            self.carry.extend_from_slice(&all[from.at..]);
            self.carry_place = (from.line, from.offset);
            self.scanned = scanned_to - from.at;
        }
    }
}

impl Start {
    const fn span_to(self, end: usize) -> Span {
        Span { range: self.at..end, line: self.line, offset: self.offset }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Between values: white space, commas, a byte order mark and the brackets of a top-level array are passed over.
const fn starts_value(byte: u8) -> bool {
    !(byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0xef | 0xbb | 0xbf))
}

impl State {
    /// Takes in the next byte of a value; whether the value ends with it.
    fn ends_with(&mut self, byte: u8) -> bool {
        if self.is_in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                // A string can't hold a line end: one left open by damage must not swallow what follows.
                b'"' | b'\n' => self.is_in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.is_in_string = true,
            b'{' | b'[' => self.open.push(byte),
            b'}' | b']' => drop(self.open.pop()),
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            self.last = byte;
        }
        // What is no object ends with its line.
        self.open.is_empty() && matches!(byte, b'}' | b']' | b'\n')
    }

    /// What the line at the start of `rest` tells, inside a value.
    fn inside(&self, rest: &[u8], is_last: bool) -> Inside {
        let text = rest.trim_ascii_start();
        if text.first() != Some(&b'{') {
            return Inside::Value;
        }
        let Some(length) = memchr::memchr(b'\n', text).or_else(|| is_last.then_some(text.len())) else {
            return Inside::Unknown;
        };
        let (line, after) = text.split_at(length);
        let line = line.trim_ascii_end();
        let (line, has_comma) = line.strip_suffix(b",").map_or((line, false), |line| (line.trim_ascii_end(), true));
        if !is_object(line) {
            return Inside::Value;
        }
        let can_be_value = match self.last {
            b':' | b'[' => true,
            b',' => self.open.last() == Some(&b'['),
            _ => false,
        };
        match (can_be_value, has_comma, after.trim_ascii_start().first()) {
            (true, true, _) | (true, false, Some(b',' | b']' | b'}')) => Inside::Value,
            (true, false, None) if !is_last => Inside::Unknown,
            (false, true, _) => Inside::Torn,
            _ => Inside::Lines,
        }
    }
}

/// Whether the brackets and strings of `text` make up one whole object.
fn is_object(text: &[u8]) -> bool {
    let mut state = State::default();
    let end = text.iter().position(|byte| state.ends_with(*byte));
    text.first() == Some(&b'{') && text.last() == Some(&b'}') && end.is_some_and(|end| end + 1 == text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, block: usize) -> Vec<(String, u64, u64)> {
        let mut documents = Documents::default();
        let (mut line, mut offset) = (1, 0);
        let mut found = Vec::new();
        let blocks: Vec<_> = text.as_bytes().chunks(block).collect();
        for (at, block) in blocks.iter().enumerate() {
            let mut bytes = block.to_vec();
            let is_last = at + 1 == blocks.len();
            let split = documents.split(&mut bytes, is_last, 1 << 20, (&mut line, &mut offset), &mut Vec::new());
            assert!(split.lines.is_none());
            found.extend(split.spans.into_iter().map(|span| {
                let value = String::from_utf8(bytes[span.range].to_vec()).unwrap();
                (value, span.line, span.offset)
            }));
        }
        found
    }

    #[test]
    fn values_come_out_the_same_however_the_bytes_are_cut() {
        let text = "[\n {\"a\": \"}\\\"]\"},\n{\"b\": [1,\n {}]}\n]\n{\n\"c\":1}\n";
        let expected = vec![
            ("{\"a\": \"}\\\"]\"}".to_owned(), 2, 3),
            ("{\"b\": [1,\n {}]}".to_owned(), 3, 18),
            ("{\n\"c\":1}".to_owned(), 6, 36),
        ];
        for block in 1..text.len() + 1 {
            assert_eq!(values(text, block), expected, "{block}");
        }
    }

    #[test]
    fn a_torn_value_is_handed_over_as_it_is() {
        assert_eq!(values("[{\"a\":1},{\"b\":", 4), [("{\"a\":1}".to_owned(), 1, 1), ("{\"b\":".to_owned(), 1, 9)]);
    }

    #[test]
    fn lines_of_whole_objects_do_not_span_lines() {
        let spans_lines = |text: &[u8]| Documents::starts(text, true);
        assert!(spans_lines(b"[{}]"));
        assert!(spans_lines(b"\xef\xbb\xbf{\n  \"kind\": 1"));
        assert!(Documents::starts(b"{\"items\":[\n{}", false));
        assert!(spans_lines(b"{\"items\":[\n{},\n{}\n]}\n"));
        assert!(spans_lines(b"[\n{},\n{}\n]\n"));
        assert!(!spans_lines(b"[pod/a/b] {\"a\":1}\n"));
        assert!(!spans_lines(b"{\"a\":1}\n{"));
        assert!(!spans_lines(b"{\"a\":\"torn\n{\"a\":1}\n"));
        assert!(!spans_lines(b""));
    }

    #[test]
    fn a_first_line_torn_anywhere_does_not_hide_that_a_file_is_lines() {
        for torn in ["{\"a\":[{", "{\"a\":", "{\"a\":1,", "{\"a\":[\"b\",", "{\"a\":[", "[{\"a\":{", "[]{\"a\":["] {
            let text = format!("{torn}\n{{\"b\":[{{}}]}}\n{{\"c\":1}}\n");
            assert!(!Documents::starts(text.as_bytes(), true), "{torn}");
        }
    }

    #[test]
    fn a_damaged_element_costs_itself_alone() {
        let text = "[\n{\"a\":{},\n{\"b\":1},\n{\"c\":1}\n]";
        let found: Vec<_> = values(text, 7).into_iter().map(|(value, line, _)| (value, line)).collect();
        let expected = [("{\"a\":{},\n", 2), ("{\"b\":1}", 3), ("{\"c\":1}", 4)];
        assert_eq!(found, expected.map(|(value, line)| (value.to_owned(), line)));
    }
}
