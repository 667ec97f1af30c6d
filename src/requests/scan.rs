//! Runs a scan: all cores read and decode chunks, and the caller's thread joins them in order.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::decode::{Decoded, decode_chunk};
use super::join::{Joined, Joiner};
use super::tally::Tally;
use super::{Request, Rows, Window};
use crate::audit::{Item, Micros, decode};
use crate::source::{Chunk, Compression, LogFile, Reader};

/// How far scans have come; read by whoever shows it.
#[derive(Debug, Default)]
pub struct Progress {
    expected_bytes: AtomicU64,
    disk_bytes: AtomicU64,
    lines: AtomicU64,
}

impl Progress {
    /// Bytes on disk of all files that the scans begun so far are to read, where their size is known.
    pub fn expected_bytes(&self) -> u64 {
        self.expected_bytes.load(Ordering::Relaxed)
    }

    /// Bytes read from disk so far.
    pub fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Lines decoded so far.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Relaxed)
    }
}

/// Reads `files` in order and hands their requests, those that meet `window`, to `emit` in the order in which they end.
///
/// `make_rows` makes the place for the rows of one chunk. When `emit` breaks, the reading stops; the tally then covers
/// what was read.
pub fn scan<R: Rows>(
    files: Vec<Arc<LogFile>>,
    window: Window,
    make_rows: impl Fn() -> R + Clone + Send + Sync + 'static,
    progress: &Arc<Progress>,
    mut emit: impl FnMut(Joined<R>) -> ControlFlow<()>,
) -> Tally {
    progress.expected_bytes.fetch_add(files.iter().filter_map(|file| file.disk_bytes).sum(), Ordering::Relaxed);
    let (done, results) = mpsc::channel();
    let mut joiner = Joiner::new(make_rows.clone(), window);
    let work = Arc::new(Work {
        input: Mutex::new(Input { reader: Reader::new(files), next_number: 0, disk_bytes_read: 0 }),
        buffers: Mutex::default(),
        progress: Arc::clone(progress),
        decode: move |chunk| decode_chunk(chunk, make_rows(), window),
        done,
    });
    for _ in 0..rayon::current_num_threads() * 2 + 1 {
        work.clone().take_on_a_chunk();
    }
    for decoded in in_order(&results) {
        progress.lines.fetch_add(decoded.lines, Ordering::Relaxed);
        if joiner.join(decoded).into_iter().try_for_each(&mut emit).is_break() {
            joiner.tally.is_partial = true;
            return joiner.tally;
        }
        work.clone().take_on_a_chunk();
    }
    let _stopped = joiner.finish().into_iter().try_for_each(&mut emit);
    joiner.tally
}

/// What the tasks of a scan share. A task reads a chunk and decodes it on the same core, while it is in that core's cache;
/// only the reading is one after another. There are never more tasks than the joining allows, so none has to wait for it.
struct Work<R, D> {
    input: Mutex<Input>,
    buffers: Mutex<Vec<Vec<u8>>>,
    progress: Arc<Progress>,
    decode: D,
    done: mpsc::Sender<Numbered<R>>,
}

struct Input {
    reader: Reader,
    next_number: u64,
    /// Of the file being read.
    disk_bytes_read: u64,
}

/// A decoded chunk with its place in the order; `None` after the last one.
struct Numbered<R> {
    number: u64,
    decoded: Option<Decoded<R>>,
}

impl<R: Rows, D: Fn(Chunk) -> Decoded<R> + Send + Sync + 'static> Work<R, D> {
    fn take_on_a_chunk(self: Arc<Self>) {
        rayon::spawn(move || {
            let buffer = lock(&self.buffers).pop().unwrap_or_default();
            let (number, chunk) = self.read(buffer);
            let decoded = chunk.map(|chunk| {
                let mut decoded = (self.decode)(chunk);
                let buffer = std::mem::take(&mut decoded.buffer);
                // One that held an uncommonly long line is not kept.
                if buffer.capacity() <= USUAL_CHUNK_BYTES {
                    lock(&self.buffers).push(buffer);
                }
                decoded
            });
            let _nobody_waits = self.done.send(Numbered { number, decoded });
        });
    }

    fn read(&self, buffer: Vec<u8>) -> (u64, Option<Chunk>) {
        let mut input = lock(&self.input);
        let number = input.next_number;
        input.next_number += 1;
        let chunk = input.reader.next_chunk(buffer);
        if let Some(chunk) = &chunk {
            // Each file's count starts anew.
            let before = if chunk.disk_bytes_read < input.disk_bytes_read { 0 } else { input.disk_bytes_read };
            self.progress.disk_bytes.fetch_add(chunk.disk_bytes_read - before, Ordering::Relaxed);
            input.disk_bytes_read = chunk.disk_bytes_read;
        }
        (number, chunk)
    }
}

const USUAL_CHUNK_BYTES: usize = 8 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Decoded chunks in the order of the log, until the last one.
fn in_order<R>(results: &mpsc::Receiver<Numbered<R>>) -> impl Iterator<Item = Decoded<R>> {
    let mut early = BTreeMap::new();
    let mut next_number = 0;
    std::iter::from_fn(move || {
        while !early.contains_key(&next_number) {
            let result = results.recv().ok()?;
            early.insert(result.number, result.decoded);
        }
        next_number += 1;
        early.remove(&(next_number - 1)).flatten()
    })
}

/// The latest stage in `files`: from the end of plain files, where it has lines; by reading all others whole.
pub fn last_event_at(files: &[Arc<LogFile>], progress: &Arc<Progress>) -> Option<Micros> {
    let mut last = None;
    let mut to_scan = Vec::new();
    for file in files {
        let in_tail = if file.compression == Some(Compression::Plain) { last_event_in_tail(file) } else { None };
        match in_tail {
            Some(at) => last = last.max(Some(at)),
            None => to_scan.push(Arc::clone(file)),
        }
    }
    last.max(tallied(to_scan, Window::default(), progress).last_at())
}

/// What reading `files` finds, without a row of it.
pub fn tallied(files: Vec<Arc<LogFile>>, window: Window, progress: &Arc<Progress>) -> Tally {
    scan(files, window, || NoRows, progress, |_| ControlFlow::Continue(()))
}

/// Stages are at most some seconds out of order, so the last megabytes hold the latest one.
const TAIL_BYTES: u64 = 4 << 20;

fn last_event_in_tail(file: &LogFile) -> Option<Micros> {
    let tail = file.tail(TAIL_BYTES).ok()?;
    let mut last = None;
    for line in tail.split(|byte| *byte == b'\n') {
        decode(line, |item| {
            if let Item::Event { event, .. } = item {
                last = last.max(event.stage_at);
            }
        });
    }
    last
}

struct NoRows;

impl Rows for NoRows {
    fn append(&mut self, _: &Request<'_>) {}
}
