//! From paths to lines with their place: files, directories, globs and standard input, plain or compressed.
//!
//! [`discover()`] turns what the user named into files, in the order in which they were written; a [`Reader`] then hands
//! out [`Chunk`]s of whole lines. What can't be read is a [`Fault`] inside a chunk, never an end to the reading.

mod chunk;
mod compression;
mod container;
mod discover;
mod documents;
mod names;
mod reader;
mod servers;
mod times;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use chunk::{Chunk, Line};
use compression::{Content, Input};

pub use compression::Compression;
pub use discover::{Discovered, SourceError, discover};
pub use reader::{MAX_LINE_BYTES, Reader};

/// One log file, or standard input.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// Where it is; `None` for standard input.
    pub path: Option<PathBuf>,
    /// The path as the user will know it.
    pub name: Arc<str>,
    /// The apiserver that wrote it, as given or as the path tells; `None` where neither says.
    pub apiserver: Option<Arc<str>>,
    /// Bytes on disk; `None` for standard input.
    pub disk_bytes: Option<u64>,
    /// How its content is compressed; `None` for standard input, which is not looked at before it is read.
    pub compression: Option<Compression>,
    /// The first stage time near its beginning, in microseconds since 1970; `None` for standard input, and where no event is
    /// near the beginning.
    pub begins_at: Option<i64>,
}

impl LogFile {
    /// The file's last bytes as they are on disk, at most so many; nothing of standard input.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn tail(&self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut tail = Vec::new();
        if let Some(path) = &self.path {
            let mut file = File::open(path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(bytes)))?;
            file.read_to_end(&mut tail)?;
        }
        Ok(tail)
    }
}

/// A file beside the logs, plain or compressed, to be read line by line.
///
/// # Errors
/// When it can't be opened.
pub fn open_beside(path: &Path) -> io::Result<impl BufRead> {
    Ok(BufReader::new(Content::open(Input::File(File::open(path)?))?))
}

/// A file that was named but isn't read, with the reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The path as the user will know it.
    pub name: String,
    /// Why, to follow "not read: ".
    pub why: String,
}

/// Where something is: a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// The line's number, from 1; of a value that spans lines, its first.
    pub line: u64,
    /// Bytes from the start of the (decompressed) file.
    pub offset: u64,
}

/// A part of a file that no line could be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// The line's number, from 1.
    pub line: u64,
    /// Bytes from the start of the (decompressed) file.
    pub offset: u64,
}

/// What a [`Fault`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A line of more than [`MAX_LINE_BYTES`].
    TooLong,
    /// Damaged or cut-off compressed data; nothing after it can be read.
    Compression,
    /// The operating system refused to read on.
    Read,
}
