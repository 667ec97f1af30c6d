//! The memory that a LIST in flight makes the apiserver hold, and that of all LISTs together.

use serde::Serialize;

use super::coefficients::{
    Bounds, Coefficients, MAPS_FOR_STRUCTS, SMALLER_STRUCTS, STANDING_GARBAGE_BYTES, TURNOVER, WATCH_BYTES,
    coefficients,
};
use super::defaults::is_custom;
use super::range::Range;
use super::response::{ListResponse, ListShape};
use super::routes::{Route, Server, routes};

/// How a response is encoded. Kubernetes' own components ask for protobuf, most others for JSON; custom resources come
/// in JSON whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
}

/// The memory that a LIST holds while it is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryCost {
    /// Bytes that each LIST of its kind adds.
    pub per_list: Range,
    /// Bytes of garbage that come once, however many LISTs are in flight: of all kinds only the largest counts.
    pub shared_garbage: Range,
}

impl MemoryCost {
    /// A LIST without memory.
    pub const ZERO: Self = Self { per_list: Range::ZERO, shared_garbage: Range::ZERO };

    /// The larger of two costs, bound by bound.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            per_list: self.per_list.or_more(other.per_list),
            shared_garbage: self.shared_garbage.or_more(other.shared_garbage),
        }
    }

    /// The smallest range that holds both costs.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            per_list: self.per_list.union(other.per_list),
            shared_garbage: self.shared_garbage.union(other.shared_garbage),
        }
    }
}

/// Estimates the memory that a LIST holds, over all ways it may take on the server.
pub fn estimate_memory(list: &ListShape<'_>, server: &Server, response: &ListResponse) -> MemoryCost {
    let is_custom = is_custom(list.api_group);
    let encodings: &[Encoding] = match list.encoding {
        _ if is_custom => &[Encoding::Json],
        Some(Encoding::Json) => &[Encoding::Json],
        Some(Encoding::Protobuf) => &[Encoding::Protobuf],
        None => &[Encoding::Json, Encoding::Protobuf],
    };
    let ways = routes(list, server);
    let each_way = ways
        .iter()
        .flat_map(|route| encodings.iter().map(|encoding| estimate_route(list, *route, *encoding, response)));
    let mut cost = each_way.reduce(MemoryCost::union).unwrap_or(MemoryCost::ZERO);
    // A body that is logged is encoded a second time, for the log.
    cost.per_list = cost.per_list.plus(list.response_bytes.map_or(Range::ZERO, Range::exactly));
    cost
}

/// Estimates the same for a LIST that follows others, as under a limit with a queue behind it.
///
/// Go's collector, as it comes (GOGC=100), lets the heap grow to twice what lived when it last looked. So each LIST in
/// flight is joined by garbage of finished ones, up to its own live part; and the server's own live heap allows for as
/// much garbage. A burst has some of the first already, and ends before it comes to the second.
#[must_use]
pub fn estimate_sustained(cost: MemoryCost) -> MemoryCost {
    MemoryCost {
        per_list: cost.per_list.scaled(TURNOVER),
        shared_garbage: cost.shared_garbage.or_more(Range::between(0, STANDING_GARBAGE_BYTES)),
    }
}

/// Sums up the memory of LISTs in flight at once, given as (number, cost of each).
pub fn sum_in_flight(in_flight: impl IntoIterator<Item = (u64, MemoryCost)>) -> Range {
    let (sum, shared_garbage) = in_flight.into_iter().filter(|(count, _)| *count > 0).fold(
        (Range::ZERO, Range::ZERO),
        |(sum, shared_garbage), (count, cost)| {
            (sum.plus(cost.per_list.times(Range::exactly(count))), shared_garbage.or_more(cost.shared_garbage))
        },
    );
    sum.plus(shared_garbage)
}

fn estimate_route(list: &ListShape<'_>, route: Route, encoding: Encoding, response: &ListResponse) -> MemoryCost {
    let Some(prices) = coefficients(route, encoding) else {
        let (low, high) = WATCH_BYTES;
        return MemoryCost { per_list: Range::between(low, high), shared_garbage: Range::ZERO };
    };
    let is_pod = (list.api_group, list.resource) == ("", "pods");
    let Coefficients { per_read_byte, per_byte, per_object, shared_garbage } = *prices;
    let per_object = if is_pod { per_object } else { (per_object.0 * SMALLER_STRUCTS, per_object.1) };
    let per_read_byte = if is_custom(list.api_group) { more(per_read_byte) } else { per_read_byte };
    let reads_etcd = matches!(route, Route::EtcdBuffered | Route::EtcdStreamed);
    let touched = if reads_etcd { response.read_bytes } else { response.bytes };
    MemoryCost {
        per_list: response
            .read_bytes
            .scaled(per_read_byte)
            .plus(response.bytes.scaled(per_byte))
            .plus(response.object_count.scaled(per_object)),
        shared_garbage: touched.scaled(if response.is_further_page {
            shared_garbage.per_page_byte
        } else {
            shared_garbage.per_whole_byte
        }),
    }
}

fn more((low, high): Bounds) -> Bounds {
    (low, high * MAPS_FOR_STRUCTS)
}

#[cfg(test)]
mod tests {
    use super::super::response::estimate_response;
    use super::super::sizes::{ResourceSize, estimate_sizes};
    use super::*;
    use crate::kubernetes::{ListKind, Version};

    const MB: u64 = 1_000_000;
    const OLD: Server =
        Server { version: Some(Version::new(1, 30)), reads_lists_from_etcd: None, streams_encoding: None };
    const NEW: Server =
        Server { version: Some(Version::new(1, 36)), reads_lists_from_etcd: None, streams_encoding: None };

    fn size(text: &str) -> ResourceSize {
        estimate_sizes(&[text.parse().unwrap()], &[], &[]).remove(0)
    }

    fn of(list: &ListShape<'_>, server: &Server, size: &ResourceSize) -> MemoryCost {
        estimate_memory(list, server, &estimate_response(list, size, None).unwrap())
    }

    #[test]
    fn a_selector_spares_the_cache_but_not_a_read_from_etcd() {
        let list = ListShape { has_selector: true, ..ListShape::of(ListKind::Full) };
        let pods = size("pods=10000x5KB");
        let (old, new) = (of(&list, &OLD, &pods).per_list, of(&list, &NEW, &pods).per_list);
        assert_eq!((old.low, old.high), (165 * MB, Some(485 * MB)));
        assert_eq!((new.low, new.high), (0, Some(84 * MB)));
    }

    #[test]
    fn a_watch_list_holds_the_same_whatever_the_collection() {
        let list = ListShape::of(ListKind::WatchList);
        let cost = of(&list, &NEW, &size("pods=100000x20KB"));
        assert_eq!(sum_in_flight([(100, cost)]), Range::between(100 * MB, 400 * MB));
    }

    #[test]
    fn shared_garbage_comes_once() {
        let list = ListShape { encoding: Some(Encoding::Json), ..ListShape::of(ListKind::Full) };
        let (big, small) = (of(&list, &OLD, &size("pods=2000x5KB")), of(&list, &OLD, &size("pods=1000x5KB")));
        let both = sum_in_flight([(3, big), (2, small), (0, big)]);
        let each = big.per_list.times(Range::exactly(3)).plus(small.per_list.times(Range::exactly(2)));
        assert_eq!(both, each.plus(big.shared_garbage));
        assert_eq!(sum_in_flight([]), Range::ZERO);
    }

    #[test]
    fn lists_that_follow_one_another_hold_more_at_most_but_not_at_least() {
        let list = ListShape { encoding: Some(Encoding::Json), ..ListShape::of(ListKind::Full) };
        for (server, high) in [(OLD, 1_240), (NEW, 330)] {
            let burst = of(&list, &server, &size("pods=3000x5KB"));
            let (once, kept_up) = (sum_in_flight([(6, burst)]), sum_in_flight([(6, estimate_sustained(burst))]));
            assert_eq!((kept_up.low, kept_up.high.map(|high| high / (10 * MB) * 10)), (once.low, Some(high)));
        }
    }

    #[test]
    fn a_logged_body_is_held_a_second_time() {
        let list = ListShape { response_bytes: Some(5 * MB), ..ListShape::of(ListKind::Full) };
        let pods = size("pods=1000x5KB");
        let logged = of(&list, &NEW, &pods).per_list;
        let unlogged = of(&ListShape::of(ListKind::Full), &NEW, &pods).per_list;
        assert_eq!(logged, unlogged.plus(Range::exactly(5 * MB)));
    }

    #[test]
    fn custom_resources_are_json_and_cost_more_to_decode() {
        let list = ListShape {
            api_group: "example.com",
            resource: "widgets",
            encoding: Some(Encoding::Protobuf),
            ..ListShape::of(ListKind::Full)
        };
        let each = of(&list, &OLD, &size("widgets.example.com=1000x5KB")).per_list;
        assert_eq!((each.low, each.high), (28 * MB, Some(77 * MB)));
    }

    #[test]
    fn an_open_collection_gives_an_open_estimate() {
        let list = ListShape::of(ListKind::Full);
        let mut pods = size("pods=1000x5KB");
        for estimate in [pods.object_count.as_mut(), pods.collection_bytes.as_mut()].into_iter().flatten() {
            estimate.range.high = None;
        }
        let all = sum_in_flight([(10, of(&list, &NEW, &pods))]);
        assert_eq!((all.low > 50 * MB, all.high), (true, None));
    }
}
