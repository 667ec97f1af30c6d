//! Decoding, one core: `STORMGLASS_BENCH_LOG=FILE cargo bench` measures a log of your own, else the samples are read.
//!
//! Bytes per second are of the log. "To Arrow" fills all columns of `requests`.

use divan::Bencher;
use divan::counter::BytesCount;
use stormglass::audit::{Item, Stage, decode, decode_clean, decode_generally, is_clean};
use stormglass::requests::{Outcome, Request, Rows};
use stormglass::source::{Chunk, Reader, discover};
use stormglass::tables::RequestRows;

fn main() {
    divan::main();
}

/// The first 32 MB of the log.
#[expect(clippy::disallowed_methods, reason = "a benchmark takes its input so")]
fn chunks() -> Vec<Chunk> {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-logs");
    let log = std::env::var("STORMGLASS_BENCH_LOG").unwrap_or_else(|_| samples.to_owned());
    let Ok(found) = discover(&[log]) else {
        unreachable!("the log is there");
    };
    let mut reader = Reader::new(found.files);
    std::iter::from_fn(|| reader.next_chunk(Vec::new())).take(32).collect()
}

fn bytes(chunks: &[Chunk]) -> BytesCount {
    BytesCount::of_many::<u8>(chunks.iter().map(|chunk| chunk.bytes.len()).sum())
}

#[derive(Clone, Copy, Debug)]
enum Path {
    Fast,
    General,
}

/// Hands over each event of a chunk by one of the two paths.
fn events(path: Path, chunk: &Chunk, mut take: impl FnMut(&Item<'_, '_>)) {
    let is_clean = is_clean(&chunk.bytes);
    for line in chunk.lines() {
        let Ok(text) = std::str::from_utf8(line.bytes) else {
            continue;
        };
        match path {
            Path::Fast if is_clean => decode_clean(text, &mut |item| take(&item)),
            Path::Fast => decode(line.bytes, |item| take(&item)),
            Path::General => decode_generally(text, &mut |item| take(&item)),
        }
    }
}

#[divan::bench(args = [Path::Fast, Path::General], sample_count = 20, sample_size = 1)]
fn to_events(bencher: Bencher<'_, '_>, path: Path) {
    let chunks = chunks();
    bencher.counter(bytes(&chunks)).bench_local(|| {
        for chunk in &chunks {
            events(path, chunk, |item| {
                divan::black_box(item);
            });
        }
    });
}

#[divan::bench(args = [Path::Fast, Path::General], sample_count = 20, sample_size = 1)]
fn to_arrow(bencher: Bencher<'_, '_>, path: Path) {
    let chunks = chunks();
    bencher.counter(bytes(&chunks)).bench_local(|| {
        for chunk in &chunks {
            let mut rows = RequestRows::all();
            events(path, chunk, |item| {
                let Item::Event { event, .. } = item else { return };
                if event.stage == Stage::ResponseComplete {
                    rows.append(&Request {
                        event,
                        apiserver: Some("apiserver-1"),
                        file: "audit.log",
                        line: 1,
                        started_at: None,
                        completed_at: event.stage_at,
                        outcome: Outcome::Complete,
                    });
                }
            });
            divan::black_box(rows.into_batch().is_ok());
        }
    });
}
