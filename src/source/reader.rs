//! Reads files one after another and cuts them into chunks of whole lines.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use super::chunk::Chunk;
use super::compression::{Compression, Content, Input};
use super::container::ContainerLog;
use super::documents::Documents;
use super::{Fault, FaultKind, LogFile};

/// The longest line that is read, 128 MiB: kube-apiserver drops events beyond its log's rotation size, 100 MiB by
/// default, so a longer line is no event.
pub const MAX_LINE_BYTES: usize = 128 << 20;

/// How much a chunk holds unless one line is longer: large enough to make little of the cost per chunk, small enough
/// that what is read is still in a core's cache when it is decoded.
const CHUNK_BYTES: usize = 2 << 20;

/// Reads log files in order.
pub struct Reader {
    files: std::vec::IntoIter<Arc<LogFile>>,
    open: Option<OpenFile>,
    limits: Limits,
}

#[derive(Clone, Copy)]
struct Limits {
    chunk_bytes: usize,
    max_line_bytes: usize,
}

struct OpenFile {
    file: Arc<LogFile>,
    content: Content,
    framing: Framing,
    /// The start of a line whose end is not read yet.
    carry: Vec<u8>,
    next_line: u64,
    offset: u64,
    is_at_end: bool,
}

/// What a file is made of; told from all of its first bytes, since its first line may be damaged.
enum Framing {
    Unknown,
    Lines,
    Documents(Documents),
    Container(ContainerLog),
}

impl Framing {
    fn of(start: &[u8], is_all: bool) -> Self {
        if ContainerLog::is_one(start) {
            Self::Container(ContainerLog::default())
        } else if Documents::starts(start, is_all) {
            Self::Documents(Documents::default())
        } else {
            Self::Lines
        }
    }
}

impl Reader {
    /// A reader of `files`, none of which is opened yet.
    pub fn new(files: Vec<Arc<LogFile>>) -> Self {
        Self {
            files: files.into_iter(),
            open: None,
            limits: Limits { chunk_bytes: CHUNK_BYTES, max_line_bytes: MAX_LINE_BYTES },
        }
    }

    /// The next lines, in `buffer`, whose content is overwritten. `None` when all files are read.
    pub fn next_chunk(&mut self, mut buffer: Vec<u8>) -> Option<Chunk> {
        loop {
            let Some(open) = &mut self.open else {
                let file = self.files.next()?;
                match OpenFile::new(Arc::clone(&file)) {
                    Ok(open) => self.open = Some(open),
                    Err(_) => return Some(fault_only(file, buffer, FaultKind::Read)),
                }
                continue;
            };
            let chunk = open.next_chunk(buffer, self.limits);
            // What follows a line that was given up may still be held.
            if open.is_at_end && open.carry.is_empty() {
                self.open = None;
            }
            if !chunk.bytes.is_empty() || !chunk.faults.is_empty() || chunk.content_bytes > 0 {
                return Some(chunk);
            }
            buffer = chunk.bytes;
        }
    }
}

fn fault_only(file: Arc<LogFile>, mut buffer: Vec<u8>, kind: FaultKind) -> Chunk {
    buffer.clear();
    Chunk {
        file,
        bytes: buffer,
        faults: vec![Fault { kind, line: 1, offset: 0 }],
        content_bytes: 0,
        disk_bytes_read: 0,
        first_line: 1,
        offset: 0,
        spans: None,
    }
}

impl OpenFile {
    fn new(file: Arc<LogFile>) -> io::Result<Self> {
        let input = match &file.path {
            Some(path) => Input::File(File::open(path)?),
            None => Input::Stdin(io::stdin()),
        };
        Ok(Self {
            file,
            content: Content::open(input)?,
            framing: Framing::Unknown,
            carry: Vec::new(),
            next_line: 1,
            offset: 0,
            is_at_end: false,
        })
    }

    fn next_chunk(&mut self, buffer: Vec<u8>, limits: Limits) -> Chunk {
        let mut faults = Vec::new();
        let mut bytes = self.fill(buffer, limits, &mut faults);
        if matches!(self.framing, Framing::Unknown) {
            self.framing = Framing::of(&bytes, self.is_at_end);
        }
        let (first_line, offset) = (self.next_line, self.offset);
        let mut spans = None;
        if let Framing::Documents(documents) = &mut self.framing {
            let place = (&mut self.next_line, &mut self.offset);
            let split = documents.split(&mut bytes, self.is_at_end, limits.max_line_bytes, place, &mut faults);
            spans = Some(split.spans);
            if let Some(lines) = split.lines {
                self.framing = Framing::Lines;
                self.carry = lines;
            }
        } else {
            self.keep_whole_lines(&mut bytes, limits, &mut faults);
        }
        if let Framing::Container(container) = &mut self.framing {
            let is_last = self.is_at_end && self.carry.is_empty();
            let contents = container.take(&bytes, (first_line, offset), is_last, limits.max_line_bytes, &mut faults);
            (bytes, spans) = (contents.bytes, Some(contents.spans));
        }
        for fault in faults.iter_mut().filter(|fault| fault.kind != FaultKind::TooLong) {
            (fault.line, fault.offset) = (self.next_line, self.offset);
        }
        Chunk {
            file: Arc::clone(&self.file),
            bytes,
            faults,
            content_bytes: self.offset - offset,
            disk_bytes_read: self.content.disk_bytes_read(),
            first_line,
            offset,
            spans,
        }
    }

    /// What was carried over and then as much as a chunk holds; more, if that has no line end yet.
    fn fill(&mut self, mut buffer: Vec<u8>, limits: Limits, faults: &mut Vec<Fault>) -> Vec<u8> {
        let mut filled = self.carry.len();
        buffer.resize(limits.chunk_bytes.max(filled + limits.chunk_bytes / 2 + 1), 0);
        buffer[..filled].copy_from_slice(&self.carry);
        let mut scanned = filled;
        self.carry.clear();
        loop {
            filled += self.read(&mut buffer[filled..], faults);
            let has_line_end = memchr::memrchr(b'\n', &buffer[scanned..filled]).is_some();
            scanned = filled;
            if self.is_at_end
                || has_line_end
                || filled > limits.max_line_bytes
                || matches!(self.framing, Framing::Documents(_) | Framing::Unknown)
            {
                break;
            }
            buffer.resize((buffer.len() * 2).min(limits.max_line_bytes + limits.chunk_bytes), 0);
        }
        buffer.truncate(filled);
        buffer
    }

    /// Reads until `buffer` is full or the file ends.
    fn read(&mut self, buffer: &mut [u8], faults: &mut Vec<Fault>) -> usize {
        let mut filled = 0;
        while filled < buffer.len() && !self.is_at_end {
            match self.content.read(&mut buffer[filled..]) {
                Ok(0) => self.is_at_end = true,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    self.is_at_end = true;
                    let kind = match self.content.compression {
                        Compression::Plain => FaultKind::Read,
                        Compression::Gzip | Compression::Zstd => FaultKind::Compression,
                    };
                    faults.push(Fault { kind, line: self.next_line, offset: self.offset });
                }
            }
        }
        filled
    }

    /// Cuts `bytes` after its last line end and carries the rest over.
    fn keep_whole_lines(&mut self, bytes: &mut Vec<u8>, limits: Limits, faults: &mut Vec<Fault>) {
        let end = if self.is_at_end { bytes.len() } else { memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1) };
        if end == 0 && bytes.len() > limits.max_line_bytes {
            self.skip_line(bytes, limits, faults);
            return;
        }
        self.carry.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        self.advance(bytes);
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.next_line += memchr::memchr_iter(b'\n', bytes).count() as u64;
        self.offset += bytes.len() as u64;
    }

    /// Gives up a line that is too long: its start is in `bytes`, its end still to be read.
    fn skip_line(&mut self, bytes: &mut Vec<u8>, limits: Limits, faults: &mut Vec<Fault>) {
        faults.push(Fault { kind: FaultKind::TooLong, line: self.next_line, offset: self.offset });
        self.offset += bytes.len() as u64;
        bytes.truncate(limits.chunk_bytes);
        bytes.shrink_to_fit();
        while !self.is_at_end {
            let read = self.read(bytes, faults);
            if let Some(end) = memchr::memchr(b'\n', &bytes[..read]) {
                self.carry.extend_from_slice(&bytes[end + 1..read]);
                self.offset += end as u64 + 1;
                break;
            }
            self.offset += read as u64;
        }
        self.next_line += 1;
        bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    type Lines = Vec<(String, u64, u64)>;

    /// Lines with their numbers and offsets, and the numbers of those that were too long.
    fn read(text: &str, limits: Limits) -> (Lines, Vec<u64>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let file = LogFile {
            path: Some(file.path().to_owned()),
            name: "a".into(),
            apiserver: None,
            disk_bytes: None,
            compression: Some(Compression::Plain),
            begins_at: None,
        };
        let mut reader = Reader { limits, ..Reader::new(vec![Arc::new(file)]) };
        let (mut lines, mut too_long) = (Vec::new(), Vec::new());
        while let Some(chunk) = reader.next_chunk(Vec::new()) {
            too_long.extend(chunk.faults.iter().map(|fault| fault.line));
            lines.extend(
                chunk.lines().map(|line| (String::from_utf8_lossy(line.bytes).into_owned(), line.number, line.offset)),
            );
        }
        (lines, too_long)
    }

    proptest! {
        #[test]
        fn lines_come_out_the_same_however_the_bytes_are_cut(
            lines in prop::collection::vec("[a-z]{0,40}", 0..12),
            has_last_end in any::<bool>(),
            chunk_bytes in 1_usize..64,
        ) {
            let mut text = lines.join("\n");
            if has_last_end {
                text.push('\n');
            }
            let whole = read(&text, Limits { chunk_bytes: 1 << 20, max_line_bytes: 1 << 20 });
            prop_assert_eq!(read(&text, Limits { chunk_bytes, max_line_bytes: 1 << 20 }), whole);
        }

        #[test]
        fn a_line_that_is_too_long_costs_no_other(
            before in prop::collection::vec("[a-z]{0,20}", 0..4),
            after in prop::collection::vec("[a-z]{1,20}", 0..4),
            chunk_bytes in 1_usize..64,
            length in 200_usize..400,
        ) {
            let long = "x".repeat(length);
            let all: Vec<_> = before.iter().chain([&long]).chain(&after).cloned().collect();
            let (lines, too_long) = read(&all.join("\n"), Limits { chunk_bytes, max_line_bytes: 100 });
            let texts: Vec<_> = lines.iter().map(|(text, ..)| text.clone()).collect();
            let expected: Vec<_> = before.iter().chain(&after).cloned().collect();
            prop_assert_eq!(texts, expected);
            prop_assert_eq!(too_long, [before.len() as u64 + 1]);
            if let Some((_, number, offset)) = lines.last().filter(|_| !after.is_empty()) {
                prop_assert_eq!(*number, all.len() as u64);
                prop_assert_eq!(*offset, (all.join("\n").len() - after[after.len() - 1].len()) as u64);
            }
        }
    }
}
