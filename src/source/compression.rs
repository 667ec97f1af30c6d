//! Plain, gzip or zstd, told by the first bytes and never by the name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

/// How a file's content is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, of one member or several.
    Gzip,
    /// Zstandard, of one frame or several.
    Zstd,
}

impl Compression {
    /// The name people know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Told from a file's first bytes.
    pub(super) const fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Enough that a read call costs little beside what it brings.
const READ_BYTES: usize = 256 << 10;

/// A file's (or standard input's) decompressed content, and how much of it has been read from disk.
pub(super) struct Content {
    reader: Box<dyn Read + Send>,
    /// What the first bytes said.
    pub(super) compression: Compression,
    disk_bytes: Arc<AtomicU64>,
}

impl Content {
    /// Opens what `input` holds, told by its first bytes.
    pub(super) fn open(input: Input) -> io::Result<Self> {
        let disk_bytes = Arc::new(AtomicU64::new(0));
        let mut counted = Counted { input, bytes: Arc::clone(&disk_bytes) };
        let start = first_bytes(&mut counted)?;
        let compression = Compression::of(&start);
        let buffered = BufReader::with_capacity(READ_BYTES, io::Cursor::new(start).chain(counted));
        let reader: Box<dyn Read + Send> = match compression {
            Compression::Plain => Box::new(buffered),
            Compression::Gzip => Box::new(Members { decoder: Some(GzDecoder::new(buffered)) }),
            Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
        };
        Ok(Self { reader, compression, disk_bytes })
    }

    /// Bytes taken from disk so far.
    pub(super) fn disk_bytes_read(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// The members of a gzip file one after another. Zeros after them are padding, as gzip(1) takes them.
struct Members<R> {
    /// `None` after the last one.
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let rest = self.decoder.take().map(GzDecoder::into_inner);
            self.decoder = rest.map(after_zeros).transpose()?.flatten().map(GzDecoder::new);
        }
        Ok(0)
    }
}

/// The input at its first byte that isn't zero. `None` if there is none.
fn after_zeros<R: BufRead>(mut input: R) -> io::Result<Option<R>> {
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let is_found = zeros < bytes.len();
        input.consume(zeros);
        if is_found {
            return Ok(Some(input));
        }
    }
}

/// Enough bytes to tell the compression; a pipe may bring them one by one.
fn first_bytes(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    input.take(4).read_to_end(&mut start)?;
    Ok(start)
}

/// What content is read from.
pub(super) enum Input {
    File(File),
    Stdin(io::Stdin),
}

struct Counted {
    input: Input,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.input {
            Input::File(file) => file.read(buffer),
            Input::Stdin(stdin) => stdin.read(buffer),
        }?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
