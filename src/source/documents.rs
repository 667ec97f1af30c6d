//! JSON that spans lines: pretty-printed objects, and arrays of events, cut into single values.
//!
//! Only brackets and strings are told apart here; whether a value is JSON at all is for its reader to find out.

use super::chunk::Span;
use super::{Fault, FaultKind};

/// Cuts a file into its JSON values; of a top-level array, into its elements.
#[derive(Default)]
pub(super) struct Documents {
    /// The start of a value whose end is not read yet.
    carry: Vec<u8>,
    carry_place: (u64, u64),
    state: State,
}

#[derive(Default)]
struct State {
    /// Brackets open inside the value being read; 0 between values.
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
}

impl Documents {
    /// Whether a file that starts so is JSON that spans lines: an array, or an object whose first line ends where
    /// a line of JSON goes on.
    pub(super) fn starts(start: &[u8]) -> bool {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let rest = start[first_line.len()..].trim_ascii_start();
        // A torn line of a log is followed by an event.
        let is_cut = first_line.len() < start.len() && !rest.starts_with(b"{\"kind\":\"Event\"");
        match start.first() {
            Some(b'[') => true,
            Some(b'{') => is_cut && matches!(first_line.trim_ascii_end().last(), Some(b'{' | b'[' | b',' | b':')),
            _ => false,
        }
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
    ) -> Vec<Span> {
        let carried = self.carry.len();
        let (next_line, offset) = place;
        let mut all = std::mem::take(&mut self.carry);
        all.extend_from_slice(bytes);
        let mut spans = Vec::new();
        let mut start = (carried > 0).then_some((0, self.carry_place.0, self.carry_place.1));
        let mut line = *next_line;
        for (at, &byte) in all.iter().enumerate().skip(carried) {
            let here = *offset + (at - carried) as u64;
            if start.is_none() && self.starts_value(byte) {
                start = Some((at, line, here));
            }
            if let Some((from, first_line, from_offset)) = start
                && self.state.ends_with(byte)
            {
                spans.push(Span { range: from..at + 1, line: first_line, offset: from_offset });
                start = None;
            }
            line += u64::from(byte == b'\n');
        }
        *next_line = line;
        *offset += (all.len() - carried) as u64;
        if let Some((from, first_line, from_offset)) = start {
            if is_last {
                spans.push(Span { range: from..all.len(), line: first_line, offset: from_offset });
            } else if all.len() - from > max_bytes {
                faults.push(Fault { kind: FaultKind::TooLong, line: first_line, offset: from_offset });
                self.state = State::default();
            } else {
                self.carry.extend_from_slice(&all[from..]);
                self.carry_place = (first_line, from_offset);
            }
        }
        *bytes = all;
        spans
    }

    /// Between values: white space, commas, a byte order mark and the brackets of a top-level array are passed over.
    fn starts_value(&self, byte: u8) -> bool {
        !(byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']' | 0xef | 0xbb | 0xbf))
    }
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
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        // What is no object ends with its line.
        self.depth == 0 && matches!(byte, b'}' | b']' | b'\n')
    }
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
            let spans = documents.split(&mut bytes, is_last, 1 << 20, (&mut line, &mut offset), &mut Vec::new());
            found.extend(spans.into_iter().map(|span| {
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
        assert!(Documents::starts(b"[{}]"));
        assert!(Documents::starts(b"\xef\xbb\xbf{\n  \"kind\": 1"));
        assert!(Documents::starts(b"{\"items\":[\n{}"));
        assert!(!Documents::starts(b"{\"a\":1}\n{"));
        assert!(!Documents::starts(b"{\"a\":\"torn\n{\"a\":1}\n"));
        assert!(!Documents::starts(b"{\"kind\":\"Event\",\n{\"kind\":\"Event\",\"a\":1}\n"));
        assert!(!Documents::starts(b""));
    }
}
