//! Reads files one after another and cuts them into chunks of whole lines.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use super::chunk::Chunk;
use super::compression::{Compression, Content, Input};
use super::documents::Documents;
use super::{Fault, FaultKind, LogFile};

/// The longest line that is read, 128 MiB: kube-apiserver drops events beyond its log's rotation size, 100 MiB by
/// default, so a longer line is no event.
pub const MAX_LINE_BYTES: usize = 128 << 20;

/// How much a chunk holds unless one line is longer: large enough to make little of the cost per chunk, small enough
/// that what is read is still in a core's cache when it is decoded.
const CHUNK_BYTES: usize = 1 << 20;

/// Reads log files in order.
pub struct Reader {
    files: std::vec::IntoIter<Arc<LogFile>>,
    open: Option<OpenFile>,
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

enum Framing {
    Unknown,
    Lines,
    Documents(Documents),
}

impl Reader {
    /// A reader of `files`, none of which is opened yet.
    pub fn new(files: Vec<Arc<LogFile>>) -> Self {
        Self { files: files.into_iter(), open: None, max_line_bytes: MAX_LINE_BYTES }
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
            let chunk = open.next_chunk(buffer, self.max_line_bytes);
            if open.is_at_end {
                self.open = None;
            }
            if !chunk.bytes.is_empty() || !chunk.faults.is_empty() {
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

    fn next_chunk(&mut self, buffer: Vec<u8>, max_line_bytes: usize) -> Chunk {
        let mut faults = Vec::new();
        let mut bytes = self.fill(buffer, max_line_bytes, &mut faults);
        if matches!(self.framing, Framing::Unknown) {
            self.framing =
                if Documents::starts(&bytes) { Framing::Documents(Documents::default()) } else { Framing::Lines };
        }
        let (first_line, offset) = (self.next_line, self.offset);
        let mut spans = None;
        match &mut self.framing {
            Framing::Documents(documents) => {
                let place = (&mut self.next_line, &mut self.offset);
                spans = Some(documents.split(&mut bytes, self.is_at_end, max_line_bytes, place, &mut faults));
            }
            Framing::Lines | Framing::Unknown => self.keep_whole_lines(&mut bytes, max_line_bytes, &mut faults),
        }
        for fault in faults.iter_mut().filter(|fault| fault.kind != FaultKind::TooLong) {
            (fault.line, fault.offset) = (self.next_line, self.offset);
        }
        Chunk {
            file: Arc::clone(&self.file),
            bytes,
            faults,
            disk_bytes_read: self.content.disk_bytes_read(),
            first_line,
            offset,
            spans,
        }
    }

    /// What was carried over and then as much as a chunk holds; more, if that has no line end yet.
    fn fill(&mut self, mut buffer: Vec<u8>, max_line_bytes: usize, faults: &mut Vec<Fault>) -> Vec<u8> {
        let mut filled = self.carry.len();
        buffer.resize(CHUNK_BYTES.max(filled + CHUNK_BYTES / 2), 0);
        buffer[..filled].copy_from_slice(&self.carry);
        let mut scanned = filled;
        self.carry.clear();
        loop {
            filled += self.read(&mut buffer[filled..], faults);
            let has_line_end = memchr::memrchr(b'\n', &buffer[scanned..filled]).is_some();
            scanned = filled;
            if self.is_at_end || has_line_end || filled > max_line_bytes || !matches!(self.framing, Framing::Lines) {
                break;
            }
            buffer.resize(buffer.len() * 2, 0);
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
    fn keep_whole_lines(&mut self, bytes: &mut Vec<u8>, max_line_bytes: usize, faults: &mut Vec<Fault>) {
        let end = if self.is_at_end { bytes.len() } else { memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1) };
        if end == 0 && bytes.len() > max_line_bytes {
            self.skip_line(bytes, faults);
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
    fn skip_line(&mut self, bytes: &mut Vec<u8>, faults: &mut Vec<Fault>) {
        faults.push(Fault { kind: FaultKind::TooLong, line: self.next_line, offset: self.offset });
        self.offset += bytes.len() as u64;
        bytes.truncate(CHUNK_BYTES);
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
