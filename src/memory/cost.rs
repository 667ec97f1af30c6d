//! The memory that a LIST in flight makes the apiserver hold, and that of all LISTs together.

use serde::Serialize;

use super::coefficients::{
    BYTES_PER_MAP, LEAST_MAPS_PER_OBJECT, PAGE_GARBAGE_BYTES, PAGE_GARBAGE_PER_BYTE, Prices, Reading,
    STANDING_GARBAGE_BYTES, TURNOVER, WATCH_BYTES, prices,
};
use super::defaults::is_custom;
use super::range::Range;
use super::response::{ListResponse, ListShape};
use super::routes::{Route, Server, routes};
use crate::kubernetes::ListKind;

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

    /// The same cost, or anything below it, down to so many bytes for each LIST.
    fn down_to(self, least: u64) -> Self {
        let per_list = Range { low: least.min(self.per_list.low), high: self.per_list.high };
        Self { per_list, shared_garbage: self.shared_garbage.or_less() }
    }
}

/// Estimates the memory that a LIST holds, over all ways it may take on the server.
pub fn estimate_memory(list: &ListShape<'_>, server: &Server, response: &ListResponse) -> MemoryCost {
    let encodings: &[Encoding] = match list.encoding {
        // Only JSON is ever indented.
        _ if is_custom(list.api_group) || list.is_pretty => &[Encoding::Json],
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
    let prices = prices(list.api_group, list.resource);
    let (is_etcd, is_buffered) = match route {
        Route::Watch => {
            let (low, high) = WATCH_BYTES;
            return MemoryCost { per_list: Range::between(low, high), shared_garbage: Range::ZERO };
        }
        Route::EtcdBuffered => (true, true),
        Route::EtcdStreamed | Route::EtcdRangeStreamed => (true, false),
        Route::CacheBuffered => (false, true),
        Route::CacheStreamed => (false, false),
    };
    // Where the cache ignores the limit, etcd doesn't.
    let page = list.limit.filter(|_| is_etcd && list.kind == ListKind::Reflector);
    let response = &page.map_or(*response, |limit| response.first_page(limit));
    let (reading, touched) = if is_etcd {
        (&prices.etcd, Touched { objects: response.read_count, bytes: response.read_bytes })
    } else {
        (&prices.cache, Touched { objects: response.object_count, bytes: response.bytes })
    };
    let mut per_list = touched.each(reading);
    if is_buffered {
        per_list = per_list.plus(buffer(list, prices, encoding, response));
    }
    let shared_garbage = match response.chain_bytes {
        // The garbage of one page is among that of all.
        Some(chain) => Range::between(0, PAGE_GARBAGE_BYTES).at_most(chain.scaled((0.0, PAGE_GARBAGE_PER_BYTE))),
        None => touched.once(reading).scaled(prices.spread),
    };
    let cost = MemoryCost { per_list: per_list.scaled(prices.spread), shared_garbage };
    if route == Route::EtcdRangeStreamed {
        let least = touched.each(&prices.cache).scaled(prices.spread).low;
        return cost.down_to(least);
    }
    cost
}

/// What encoding into a buffer holds.
fn buffer(list: &ListShape<'_>, prices: &Prices, encoding: Encoding, response: &ListResponse) -> Range {
    match encoding {
        Encoding::Json if list.is_pretty => {
            response.bytes.scaled(prices.json_buffer).plus(response.bytes.scaled(prices.indentation))
        }
        Encoding::Json => response.bytes.scaled(prices.json_buffer),
        Encoding::Protobuf => response.bytes.scaled(prices.protobuf_buffer),
    }
}

/// The objects that are read for a LIST.
struct Touched {
    objects: Range,
    bytes: Range,
}

impl Touched {
    /// Bytes that come for each LIST.
    fn each(&self, reading: &Reading) -> Range {
        self.bytes
            .scaled(reading.per_byte)
            .plus(self.objects.scaled(reading.per_object))
            .plus(self.maps().scaled(reading.per_map))
    }

    /// Bytes of garbage that come once.
    fn once(&self, reading: &Reading) -> Range {
        self.bytes.scaled(reading.once_per_byte).plus(self.maps().scaled(reading.once_per_map))
    }

    /// Maps in all objects, if they are custom resources; no log has their number.
    fn maps(&self) -> Range {
        let (fewest_bytes, most_bytes) = BYTES_PER_MAP;
        let by_bytes = self.bytes.scaled((1.0 / most_bytes, 1.0 / fewest_bytes));
        let by_objects = self.objects.low.saturating_mul(LEAST_MAPS_PER_OBJECT);
        Range { low: by_objects.min(by_bytes.low), high: by_bytes.high }
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::estimate_response;
    use super::super::sizes::{ResourceSize, estimate_sizes};
    use super::*;
    use crate::kubernetes::Version;

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
        assert_eq!((old.low, old.high), (139_870_000, Some(474_525_000)));
        assert_eq!((new.low, new.high), (0, Some(84_523_500)));
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
        for (server, high) in [(OLD, 1_240), (NEW, 340)] {
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

    const CUSTOM: ListShape<'static> =
        ListShape { api_group: "example.com", resource: "widgets", ..ListShape::of(ListKind::Full) };

    /// In MB.
    fn megabytes(range: Range) -> (u64, Option<u64>) {
        (range.low / MB, range.high.map(|high| high / MB))
    }

    #[test]
    fn custom_resources_are_json_and_cost_by_their_maps() {
        let list = ListShape { encoding: Some(Encoding::Protobuf), ..CUSTOM };
        let widgets = size("widgets.example.com=1000x5KB");
        assert_eq!(megabytes(of(&list, &OLD, &widgets).per_list), (32, Some(164)));
        assert_eq!(megabytes(of(&list, &NEW, &widgets).per_list), (4, Some(74)));
        // Tiny ones have no room for the maps that others have in their metadata.
        let tiny = size("widgets.example.com=10000x500");
        assert_eq!(megabytes(of(&list, &NEW, &tiny).per_list), (19, Some(74)));
    }

    #[test]
    fn kinds_that_were_not_measured_cost_from_strings_to_structs_and_schemas_up_to_maps() {
        let of_kind = |api_group, resource, given: &str| {
            of(&ListShape { api_group, resource, ..ListShape::of(ListKind::Full) }, &NEW, &size(given)).per_list
        };
        let services = of_kind("", "services", "services=1000x5KB");
        assert_eq!(megabytes(services), (1, Some(14)));
        for (resource, given) in [("pods", "pods=1000x5KB"), ("configmaps", "configmaps=1000x5KB")] {
            assert!(services.high >= of_kind("", resource, given).high, "{resource}");
        }
        let group = "apiextensions.k8s.io";
        let schemas =
            of_kind(group, "customresourcedefinitions", "customresourcedefinitions.apiextensions.k8s.io=100x50KB");
        let nested = of(&CUSTOM, &NEW, &size("widgets.example.com=100x50KB")).per_list;
        assert!(schemas.high >= nested.high);
    }

    #[test]
    fn what_is_indented_is_held_whole_and_with_its_spaces() {
        let pretty = ListShape { is_pretty: true, ..ListShape::of(ListKind::Full) };
        let configmaps = size("configmaps=2000x10KB");
        let list = ListShape { resource: "configmaps", ..pretty };
        let plain = ListShape { is_pretty: false, ..list };
        assert_eq!(megabytes(of(&plain, &NEW, &configmaps).per_list), (2, Some(16)));
        assert_eq!(megabytes(of(&list, &NEW, &configmaps).per_list), (64, Some(133)));
        // On an old server it is no more than the indentation.
        let (plain, list) = (of(&plain, &OLD, &configmaps), of(&list, &OLD, &configmaps));
        assert_eq!(megabytes(list.per_list).1, Some(207));
        assert!(list.per_list.low > plain.per_list.low);
    }

    #[test]
    fn a_chain_of_pages_leaves_garbage_up_to_a_bound() {
        let page = ListShape { limit: Some(500), ..ListShape::of(ListKind::NextPage) };
        let garbage = |given: &str| megabytes(of(&page, &NEW, &size(given)).shared_garbage);
        assert_eq!(garbage("pods=1000x5KB"), (0, Some(300)));
        assert_eq!(garbage("pods=100000x5KB"), (0, Some(520)));
        assert_eq!(garbage("pods=x5KB"), (0, Some(520)));
    }

    #[test]
    fn a_way_that_was_not_measured_lies_between_those_that_hold_less_and_more() {
        let (newer, unknown) = (Server { version: Some(Version::new(1, 37)), ..NEW }, Server::default());
        let events = ListShape { resource: "events", ..ListShape::of(ListKind::Full) };
        let on = |server: &Server| of(&events, server, &size("events=1000x1KB")).per_list;
        assert_eq!(megabytes(on(&NEW)), (2, Some(5)));
        // A copy of each object, as from the cache, takes more than events need from etcd: they have a smaller struct.
        assert_eq!((on(&newer).low, on(&newer).high), (on(&NEW).low, on(&NEW).high));
        let secrets = ListShape { kind: ListKind::Exact, resource: "secrets", ..events };
        let of_secrets = of(&secrets, &newer, &size("secrets=1000x10KB")).per_list;
        assert_eq!(megabytes(of_secrets), (1, Some(44)));
        // Knowing the version never widens a range.
        assert_eq!(on(&unknown).union(on(&newer)), on(&unknown));
    }

    #[test]
    fn an_informers_first_page_of_a_custom_resource_may_come_from_etcd() {
        let informer = ListShape { kind: ListKind::Reflector, limit: Some(500), ..CUSTOM };
        let cached = ListShape { kind: ListKind::Cached, limit: None, ..CUSTOM };
        // Of many, a page is less than all from the cache; of few, it costs what etcd costs.
        let (many, few) = (size("widgets.example.com=10000x5KB"), size("widgets.example.com=400x5KB"));
        let (of_many, of_few) = (of(&informer, &NEW, &many).per_list, of(&informer, &NEW, &few).per_list);
        assert_eq!(of_many.high, of(&cached, &NEW, &many).per_list.high);
        assert!(of_few.high > of(&cached, &NEW, &few).per_list.high);
        assert!(of_many.low < of(&cached, &NEW, &many).per_list.low);
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
