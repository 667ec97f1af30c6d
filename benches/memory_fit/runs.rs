//! The measured runs, as `cells.csv` holds them.

use anyhow::{Context, Result, bail, ensure};

pub(super) const HEADER: &str =
    "set,profile,mode,encoding,form,kind,objects,object_bytes,in_flight,asked,rise_bytes,cell";

/// Objects per page.
const PAGE: u32 = 500;

/// A measured run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) set: Set,
    profile: String,
    mode: String,
    pub(super) is_json: bool,
    pub(super) form: Form,
    /// The resource.
    pub(super) kind: String,
    objects: u32,
    /// Bytes of an object in JSON; of pods rounded to two digits.
    object_bytes: u32,
    /// The highest number of LISTs in flight at once.
    pub(super) in_flight: u32,
    /// Peak of the resident memory over its base.
    pub(super) rise_bytes: f64,
    /// Name of the run.
    pub(super) cell: String,
}

/// How the LISTs of a run came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// All together.
    Burst,
    /// One after another.
    Series,
    /// Six at once, others waiting.
    Capped,
    /// Under API Priority and Fairness in other ways: nothing is fitted to them.
    Other,
}

/// What is special about the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// Compressed.
    Gzip,
    /// Indented.
    Pretty,
    /// A table, or the metadata only: less than the objects.
    Partial,
}

/// What the objects consist of, which decides the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Fields of many kinds: pods, events.
    Structs,
    /// A few big strings: ConfigMaps, Secrets.
    Strings,
    /// Custom resources: maps in maps.
    Maps,
}

/// Where a LIST is read from, and how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) is_etcd: bool,
    /// `None`: object by object. Otherwise into a buffer, as JSON or not.
    pub(super) buffered_json: Option<bool>,
}

impl Way {
    pub(super) const fn name(self) -> &'static str {
        match (self.is_etcd, self.buffered_json) {
            (true, Some(true)) => "etcd, JSON in a buffer",
            (true, Some(false)) => "etcd, protobuf in a buffer",
            (true, None) => "etcd, streamed",
            (false, Some(true)) => "cache, JSON in a buffer",
            (false, Some(false)) => "cache, protobuf in a buffer",
            (false, None) => "cache, streamed",
        }
    }
}

/// Parses `cells.csv`.
pub(super) fn parse_all(text: &str) -> Result<Vec<Run>> {
    let (header, lines) = text.split_once('\n').context("cells.csv is empty")?;
    ensure!(header == HEADER, "cells.csv has other columns: {header}");
    lines.lines().map(|line| parse(line).with_context(|| format!("invalid cell {line:?}"))).collect()
}

fn parse(line: &str) -> Result<Run> {
    let fields: Vec<_> = line.split(',').collect();
    let [set, profile, mode, encoding, form, kind, objects, object_bytes, in_flight, _, rise_bytes, cell] = fields[..]
    else {
        bail!("expected twelve columns")
    };
    Ok(Run {
        set: match set {
            "burst" => Set::Burst,
            "series" => Set::Series,
            "capped" => Set::Capped,
            _ => Set::Other,
        },
        profile: profile.to_owned(),
        mode: mode.to_owned(),
        is_json: encoding == "json",
        form: match form {
            "gzip" => Form::Gzip,
            "curl" => Form::Pretty,
            "table" | "meta" => Form::Partial,
            _ => Form::Plain,
        },
        kind: kind.to_owned(),
        objects: objects.parse()?,
        object_bytes: object_bytes.parse()?,
        in_flight: in_flight.parse()?,
        rise_bytes: rise_bytes.parse()?,
        cell: cell.to_owned(),
    })
}

impl Run {
    /// Whether it follows pages of 500 to the last one, more than one.
    pub(super) fn is_paged(&self) -> bool {
        self.mode == "limit500"
    }

    /// Whether prices are fitted to it: whole LISTs of whole objects that no limit holds back.
    pub(super) fn is_fitted(&self) -> bool {
        let is_free = matches!(self.set, Set::Burst | Set::Series);
        is_free && !self.is_paged() && matches!(self.form, Form::Plain | Form::Gzip)
    }

    /// Whether the range of its LISTs must hold it.
    pub(super) fn is_judged(&self) -> bool {
        self.is_fitted() || self.is_paged()
    }

    pub(super) fn content(&self) -> Content {
        match self.kind.as_str() {
            "pods" | "events" => Content::Structs,
            "configmaps" | "secrets" => Content::Strings,
            _ => Content::Maps,
        }
    }

    /// Maps in an object, as counted in one; 0 for what has a struct.
    pub(super) fn maps_per_object(&self) -> f64 {
        match self.kind.as_str() {
            "widgets" => 109.0,
            "gadgets" => 27.0,
            "blobs" => 14.0,
            _ => 0.0,
        }
    }

    /// The old profile reads from etcd what isn't asked for with resourceVersion=0, and encodes into a buffer. Nobody caches
    /// events.
    pub(super) fn way(&self) -> Way {
        let is_etcd = match self.profile.as_str() {
            _ if self.kind == "events" => true,
            "legacy" => self.mode != "rv0",
            "v136" => false,
            _ => true,
        };
        let is_buffered = self.profile == "legacy" || self.form == Form::Pretty;
        Way { is_etcd, buffered_json: is_buffered.then_some(self.is_json) }
    }

    pub(super) fn count(&self) -> f64 {
        f64::from(self.in_flight)
    }

    /// Objects in a response.
    pub(super) fn objects(&self) -> f64 {
        f64::from(if self.is_paged() { self.objects.min(PAGE) } else { self.objects })
    }

    /// Bytes of an object in JSON.
    pub(super) fn object_bytes(&self) -> f64 {
        f64::from(self.object_bytes)
    }

    /// Bytes of a response in JSON.
    pub(super) fn bytes(&self) -> f64 {
        self.objects() * self.object_bytes()
    }

    /// Bytes of the whole collection in JSON.
    pub(super) fn collection_bytes(&self) -> f64 {
        f64::from(self.objects) * self.object_bytes()
    }
}

/// Whether the second run is left out when the first is predicted.
pub(super) type LeavesOut = fn(&Run, &Run) -> bool;

pub(super) fn nothing(_: &Run, _: &Run) -> bool {
    false
}

/// The run, and its repeats.
pub(super) fn is_same(one: &Run, other: &Run) -> bool {
    let key = |run: &Run| (run.profile.clone(), run.mode.clone(), run.is_json, run.form as u8, run.in_flight);
    has_same_collection(one, other) && key(one) == key(other)
}

pub(super) fn has_same_collection(one: &Run, other: &Run) -> bool {
    is_same_kind(one, other) && (one.objects, one.object_bytes) == (other.objects, other.object_bytes)
}

pub(super) fn is_same_kind(one: &Run, other: &Run) -> bool {
    one.kind == other.kind
}

/// Pages are of no way of their own.
pub(super) fn is_same_way(one: &Run, other: &Run) -> bool {
    one.way() == other.way()
}
