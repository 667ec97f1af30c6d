//! Runs a scan: one thread reads, all cores decode chunks, and the caller's thread joins them in order.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use super::decode::{Decoded, decode_chunk};
use super::join::{Joined, Joiner};
use super::tally::Tally;
use super::{Request, Rows, Window};
use crate::audit::{Item, Micros, decode};
use crate::source::{Compression, LogFile, Reader};

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
    make_rows: impl Fn() -> R + Clone + Send + 'static,
    progress: &Arc<Progress>,
    mut emit: impl FnMut(Joined<R>) -> ControlFlow<()>,
) -> Tally {
    let waiting = rayon::current_num_threads() * 2;
    let (queue, results) = mpsc::sync_channel(waiting);
    let reading = {
        let (make_rows, progress) = (make_rows.clone(), Arc::clone(progress));
        thread::spawn(move || read(files, window, &make_rows, &progress, &queue))
    };
    let mut joiner = Joiner::new(make_rows, window);
    let mut flow = ControlFlow::Continue(());
    for result in &results {
        let Ok(decoded) = result.recv() else {
            unreachable!("a chunk that was sent off to be decoded always comes back");
        };
        progress.lines.fetch_add(decoded.lines, Ordering::Relaxed);
        flow = joiner.join(decoded).into_iter().try_for_each(&mut emit);
        if flow.is_break() {
            break;
        }
    }
    if flow.is_continue() {
        let _stopped = joiner.finish().into_iter().try_for_each(&mut emit);
    }
    drop(results);
    if reading.join().is_err() {
        unreachable!("the reading thread meets no panic");
    }
    joiner.tally
}

/// Reads chunks and sends each off to be decoded; `queue` keeps their order and bounds how many are under way.
fn read<R: Rows>(
    files: Vec<Arc<LogFile>>,
    window: Window,
    make_rows: &impl Fn() -> R,
    progress: &Progress,
    queue: &mpsc::SyncSender<mpsc::Receiver<Decoded<R>>>,
) {
    let (recycle, recycled) = mpsc::channel::<Vec<u8>>();
    progress.expected_bytes.fetch_add(files.iter().filter_map(|file| file.disk_bytes).sum(), Ordering::Relaxed);
    let mut reader = Reader::new(files);
    let mut read_before = 0;
    while let Some(chunk) = reader.next_chunk(recycled.try_recv().unwrap_or_default()) {
        // Each file's count starts anew.
        let read_now = chunk.disk_bytes_read;
        let more = if read_now < read_before { read_now } else { read_now - read_before };
        progress.disk_bytes.fetch_add(more, Ordering::Relaxed);
        read_before = read_now;
        let (done, result) = mpsc::sync_channel(1);
        if queue.send(result).is_err() {
            return;
        }
        let (rows, recycle) = (make_rows(), recycle.clone());
        rayon::spawn(move || {
            let mut decoded = decode_chunk(chunk, rows, window);
            let _reader_is_done = recycle.send(std::mem::take(&mut decoded.buffer));
            let _nobody_waits = done.send(decoded);
        });
    }
}

/// The latest stage in `files`: from the end of plain files, by reading compressed ones whole.
pub fn last_event_at(files: &[Arc<LogFile>], progress: &Arc<Progress>) -> Option<Micros> {
    let (plain, others): (Vec<_>, Vec<_>) =
        files.iter().cloned().partition(|file| file.compression == Some(Compression::Plain));
    let of_plain = plain.iter().filter_map(|file| last_event_in_tail(file)).max();
    let tally = scan(others, Window::default(), || NoRows, progress, |_| ControlFlow::Continue(()));
    of_plain.max(tally.last_at())
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
