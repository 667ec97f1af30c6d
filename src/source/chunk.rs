//! A piece of a log: whole lines, with what is needed to say where each one stands.

use std::ops::Range;
use std::sync::Arc;

use super::{Fault, LogFile, Place};

/// Some whole lines of one file, in order.
#[derive(Debug)]
pub struct Chunk {
    /// The file.
    pub file: Arc<LogFile>,
    /// The lines, each with its line end.
    pub bytes: Vec<u8>,
    /// What could not be made into lines just before or after these.
    pub faults: Vec<Fault>,
    /// Bytes of the (decompressed) file that end with this chunk and with no earlier one.
    pub content_bytes: u64,
    /// Bytes of the file on disk that were read up to the end of this chunk.
    pub disk_bytes_read: u64,
    pub(super) first_line: u64,
    pub(super) offset: u64,
    /// Where each value stands when the file is JSON that spans lines; `None` when a line is a line.
    pub(super) spans: Option<Vec<Span>>,
}

/// A JSON value that may span lines.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// One line of a chunk, without its line end; or one JSON value that spans lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its number in the file, from 1.
    pub number: u64,
    /// Bytes from the start of the (decompressed) file.
    pub offset: u64,
    /// Where it starts in its chunk.
    at: usize,
}

impl Line<'_> {
    /// Where it stands in its chunk's bytes.
    pub const fn range(&self) -> Range<usize> {
        self.at..self.at + self.bytes.len()
    }
}

impl Chunk {
    /// The lines in order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let (plain, spanning) = match &self.spans {
            None => (Some(self.plain_lines()), None),
            Some(spans) => (None, Some(self.values(spans))),
        };
        plain.into_iter().flatten().chain(spanning.into_iter().flatten())
    }

    /// Whether a line is a line, and not a JSON value that may span lines.
    pub const fn has_plain_lines(&self) -> bool {
        self.spans.is_none()
    }

    fn plain_lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut at = 0;
        let mut number = self.first_line;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let bytes = &rest[..length];
            let line =
                Line { bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), number, offset: self.offset + at as u64, at };
            at += length + 1;
            number += 1;
            Some(line)
        })
    }

    fn values<'a>(&'a self, spans: &'a [Span]) -> impl Iterator<Item = Line<'a>> {
        spans.iter().map(|span| Line {
            bytes: &self.bytes[span.range.clone()],
            number: span.line,
            offset: span.offset,
            at: span.range.start,
        })
    }

    /// The place of a line of this chunk.
    pub fn place(&self, line: u64, offset: u64) -> Place {
        Place { file: Arc::clone(&self.file.name), line, offset }
    }
}
