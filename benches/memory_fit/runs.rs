//! The measured runs, as `cells.csv` holds them.

use anyhow::{Context, Result, bail, ensure};

pub(super) const HEADER: &str = "set,profile,mode,encoding,pods,object_bytes,in_flight,asked,rise_bytes,cell";

/// Objects per page.
const PAGE: u32 = 500;

/// A measured run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) set: String,
    /// Server 1.36 with its default gates; otherwise it reads LISTs from etcd and encodes them into a buffer, like 1.30.
    is_new: bool,
    pub(super) mode: Mode,
    pub(super) is_json: bool,
    pods: u32,
    /// Bytes of a pod in JSON, rounded to two digits.
    object_bytes: u32,
    /// The highest number of LISTs in flight at once.
    pub(super) in_flight: u32,
    /// Peak of the resident memory over its base.
    pub(super) rise_bytes: f64,
    /// Name of the run.
    pub(super) cell: String,
}

/// What the LISTs asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// All objects, without a resource version.
    Full,
    /// All objects with resourceVersion=0, from the watch cache.
    Cached,
    /// Pages of 500 objects, to the last page.
    Paged,
}

/// Where a LIST is read from, and how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    EtcdBuffered,
    CacheBuffered,
    CacheStreamed,
}

/// Parses `cells.csv`.
pub(super) fn parse_all(text: &str) -> Result<Vec<Run>> {
    let (header, lines) = text.split_once('\n').context("cells.csv is empty")?;
    ensure!(header == HEADER, "cells.csv has other columns: {header}");
    lines.lines().map(|line| parse(line).with_context(|| format!("invalid cell {line:?}"))).collect()
}

fn parse(line: &str) -> Result<Run> {
    let fields: Vec<_> = line.split(',').collect();
    let [set, profile, mode, encoding, pods, object_bytes, in_flight, _, rise_bytes, cell] = fields[..] else {
        bail!("expected ten columns")
    };
    Ok(Run {
        set: set.to_owned(),
        is_new: profile == "v136",
        mode: match mode {
            "rv0" => Mode::Cached,
            "limit500" => Mode::Paged,
            _ => Mode::Full,
        },
        is_json: encoding == "json",
        pods: pods.parse()?,
        object_bytes: object_bytes.parse()?,
        in_flight: in_flight.parse()?,
        rise_bytes: rise_bytes.parse()?,
        cell: cell.to_owned(),
    })
}

impl Run {
    pub(super) fn is_paged(&self) -> bool {
        self.mode == Mode::Paged
    }

    /// Whether the new server was measured.
    pub(super) const fn is_new(&self) -> bool {
        self.is_new
    }

    /// From the old server's cache, as protobuf, there is only one run. It is predicted by the line of streaming.
    pub(super) fn is_single(&self) -> bool {
        !self.is_new && self.mode == Mode::Cached && !self.is_json
    }

    /// Whether it belongs to a line of whole LISTs.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_paged() && !self.is_single()
    }

    pub(super) fn route(&self) -> Route {
        match self.mode {
            _ if self.is_new || self.is_single() => Route::CacheStreamed,
            Mode::Cached => Route::CacheBuffered,
            _ => Route::EtcdBuffered,
        }
    }

    /// The terms of its line: first the bytes of one response in JSON, the measure of what is held once; then what is held
    /// for each LIST.
    pub(super) fn terms(&self) -> Vec<f64> {
        let objects = f64::from(if self.is_paged() { PAGE } else { self.pods });
        let bytes = objects * f64::from(self.object_bytes);
        let count = f64::from(self.in_flight);
        let if_json = f64::from(u8::from(self.is_json));
        match self.route() {
            Route::EtcdBuffered => vec![bytes, count * bytes, count * bytes * if_json],
            Route::CacheBuffered => vec![bytes, count * bytes],
            Route::CacheStreamed => vec![bytes, count * objects, count * bytes],
        }
    }
}

pub(super) fn is_same(one: &Run, other: &Run) -> bool {
    one.cell == other.cell
}

pub(super) fn has_same_collection(one: &Run, other: &Run) -> bool {
    (one.pods, one.object_bytes) == (other.pods, other.object_bytes)
}
