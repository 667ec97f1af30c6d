//! What each part of a LIST costs, by least squares.
//!
//! A LIST costs the sum of its parts: reading from etcd or from the watch cache, and, if it isn't encoded object by object,
//! a buffer. The parts are the same on all ways that have them, so all ways are fitted at once.

use super::runs::{Content, LeavesOut, Run};

/// A part of what a run holds: the index of its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// From etcd, once for all LISTs: for each byte, and each map, of one.
    EtcdOnce,
    EtcdOnceMap,
    /// From etcd, for each byte and map of each LIST.
    EtcdByte,
    EtcdMap,
    /// From the cache, likewise, and for each object.
    CacheOnce,
    CacheOnceMap,
    CacheByte,
    CacheObject,
    CacheMap,
    /// Into a buffer, for each byte (in JSON) of each LIST.
    JsonBuffer,
    ProtobufBuffer,
}

pub(super) const PARTS: [Part; 11] = [
    Part::EtcdOnce,
    Part::EtcdOnceMap,
    Part::EtcdByte,
    Part::EtcdMap,
    Part::CacheOnce,
    Part::CacheOnceMap,
    Part::CacheByte,
    Part::CacheObject,
    Part::CacheMap,
    Part::JsonBuffer,
    Part::ProtobufBuffer,
];

/// Bytes for one of each part.
pub(super) type Prices = [f64; PARTS.len()];

/// How many of each part a run has.
pub(super) type Terms = [f64; PARTS.len()];

/// The prices of each content.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AllPrices {
    pub(super) structs: Prices,
    pub(super) strings: Prices,
    pub(super) maps: Prices,
}

impl AllPrices {
    pub(super) const fn of(&self, content: Content) -> &Prices {
        match content {
            Content::Structs => &self.structs,
            Content::Strings => &self.strings,
            Content::Maps => &self.maps,
        }
    }
}

/// How much one run weighs that says a price is what strings cost. Where runs determine a price, that changes it by less
/// than a hundredth; where they don't, it is the best guess.
const PRIOR: f64 = 0.1;

/// Prices by all fitted runs that aren't left out with a run.
pub(super) fn fit(runs: &[Run], left_out: &Run, leaves_out: LeavesOut) -> AllPrices {
    let of = |content, prior: &Prices| {
        let included = runs.iter().filter(|run| run.is_fitted() && run.content() == content);
        let terms = included
            .filter(|run| !leaves_out(left_out, run))
            .map(|run| (terms(run, content, maps(run)), run.rise_bytes));
        solve(terms, prior)
    };
    let strings = of(Content::Strings, &Prices::default());
    let only = |parts: &[Part]| {
        let mut prior = Prices::default();
        for part in parts {
            prior[*part as usize] = strings[*part as usize];
        }
        prior
    };
    // Of structs from the cache, the objects are what counts.
    let structs = of(Content::Structs, &only(&[Part::CacheByte, Part::JsonBuffer, Part::ProtobufBuffer]));
    let maps =
        of(Content::Maps, &only(&[Part::EtcdOnce, Part::EtcdByte, Part::CacheOnce, Part::CacheByte, Part::JsonBuffer]));
    AllPrices { structs, strings, maps }
}

/// All maps in a response.
pub(super) fn maps(run: &Run) -> f64 {
    run.maps_per_object() * run.objects()
}

/// How many of each part a run has, with so many maps in a response. A page has no part of its own that comes once.
pub(super) fn terms(run: &Run, content: Content, maps: f64) -> Terms {
    let way = run.way();
    let (bytes, count) = (run.bytes(), run.count());
    let mut terms = Terms::default();
    let mut add = |part: Part, value: f64| terms[part as usize] = value;
    if way.is_etcd {
        add(Part::EtcdByte, count * bytes);
        add(Part::EtcdMap, count * maps);
    } else {
        add(Part::CacheByte, count * bytes);
        add(Part::CacheMap, count * maps);
    }
    if !way.is_etcd && content == Content::Structs {
        add(Part::CacheObject, count * run.objects());
    }
    if !run.is_paged() {
        let (byte, map) =
            if way.is_etcd { (Part::EtcdOnce, Part::EtcdOnceMap) } else { (Part::CacheOnce, Part::CacheOnceMap) };
        add(byte, bytes);
        add(map, maps);
    }
    match way.buffered_json {
        Some(true) => add(Part::JsonBuffer, count * bytes),
        Some(false) => add(Part::ProtobufBuffer, count * bytes),
        None => {}
    }
    terms
}

/// Bytes that are held once, and bytes that all LISTs in flight hold.
pub(super) fn once_and_each(terms: &Terms, prices: &Prices) -> (f64, f64) {
    let sum = |is_once: bool| {
        let parts = PARTS.iter().filter(|part| part.is_once() == is_once);
        parts.map(|part| terms[*part as usize] * prices[*part as usize]).sum()
    };
    (sum(true), sum(false))
}

impl Part {
    const fn is_once(self) -> bool {
        matches!(self, Self::EtcdOnce | Self::EtcdOnceMap | Self::CacheOnce | Self::CacheOnceMap)
    }
}

/// The prices, none below 0, that minimize the squares of the relative errors, and of the distance to the prior where
/// it has a price. A price that nothing determines is 0.
pub(super) fn solve<const N: usize>(runs: impl Iterator<Item = ([f64; N], f64)>, prior: &[f64; N]) -> [f64; N] {
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for (terms, rise) in runs {
        let row = terms.map(|term| term / rise);
        for (index, factor) in row.iter().enumerate() {
            right[index] += factor;
            matrix[index].iter_mut().zip(&row).for_each(|(sum, value)| *sum += factor * value);
        }
    }
    for (index, price) in prior.iter().enumerate().filter(|(_, price)| **price > 0.0) {
        matrix[index][index] += (PRIOR / price).powi(2);
        right[index] += PRIOR.powi(2) / price;
    }
    descend(&matrix, &right)
}

/// Minimizes coordinate by coordinate, which comes to the one minimum as the matrix is positive.
fn descend<const N: usize>(matrix: &[[f64; N]; N], right: &[f64; N]) -> [f64; N] {
    const SWEEPS: usize = 200_000;
    let mut prices = [0.0; N];
    for _ in 0..SWEEPS {
        let mut change: f64 = 0.0;
        for index in (0..N).filter(|index| matrix[*index][*index] > 0.0) {
            let row = &matrix[index];
            let sum: f64 = row.iter().zip(&prices).map(|(factor, price)| factor * price).sum();
            let price = (prices[index] + (right[index] - sum) / row[index]).max(0.0);
            change = change.max((price - prices[index]).abs() / price.max(1e-3));
            prices[index] = price;
        }
        if change < 1e-9 {
            break;
        }
    }
    prices
}
