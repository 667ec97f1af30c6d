//! The number and the size of each resource's objects, from the most trusted of several sources.

use std::collections::BTreeSet;

use serde::Serialize;

use super::defaults::{handful, is_custom, usual_object_bytes};
use super::given::Given;
use super::list_sizes::{Collection, ListContext};
use super::metrics::{Sample, Snapshot};
use super::observed::{Observed, node_count};
use super::range::Range;
use super::source::SizeSource;
use super::whole_lists::TELLING_BYTES;

/// The kind of source that an estimate is based on, the most trusted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeBasis {
    /// The command line.
    Given,
    /// The apiserver's metrics.
    Metrics,
    /// Bodies in the log.
    Bodies,
    /// How many pages a collection takes.
    Paging,
    /// Names seen in the log.
    Counting,
    /// How quickly it was listed.
    Timing,
    /// What is usual for the kind.
    Default,
}

/// A quantity and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The quantity.
    pub range: Range,
    /// The kind of its source; of a product, the less trusted of the two.
    pub basis: SizeBasis,
    /// Where the number itself comes from.
    pub source: SizeSource,
}

/// The size of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResourceSize {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource, in the plural.
    pub resource: String,
    /// Number of objects; `None` where no source has it.
    pub object_count: Option<Estimate>,
    /// Bytes of one object on average, in JSON as clients receive it.
    pub object_bytes: Estimate,
    /// Bytes of all objects in JSON; `None` where no source has them.
    pub collection_bytes: Option<Estimate>,
    /// Number of objects that the apiserver itself assumes when it charges a LIST with seats: its own where metrics have
    /// it, whatever was given. `None` where no source has it.
    pub seat_object_count: Option<Range>,
    /// Bytes of one object on average as they lie in etcd, for seats alike: from metrics it is what the apiserver itself
    /// assumes, however wrong.
    pub stored_object_bytes: Range,
}

/// JSON bytes for each byte in etcd, of kinds that are stored as protobuf. 1,000 pods measured 4,993,303 to 3,833,258
/// (1.30), most of it long strings, which take as much either way; field names, and base64 in secrets, make it more.
const JSON_PER_PROTOBUF: (f64, f64) = (1.2, 2.0);

/// The same of custom resources, which are stored as JSON.
const JSON_PER_STORED_JSON: (f64, f64) = (1.0, 1.1);

/// A collection is not always what it was when the largest body was logged.
const SINCE_LOGGED: (f64, f64) = (0.8, 1.2);

/// JSON bytes that any object takes: name, UID, creation time, its kind, and the field that manages it.
const LEAST_OBJECT_BYTES: u64 = 300;

/// The feature gate of compressed responses.
const COMPRESSION_GATE: &str = "APIResponseCompression";

/// Estimates the sizes of all resources that any source has, sorted by group and resource.
///
/// Several snapshots are several servers, or several times: the range holds them all.
pub fn estimate_sizes(given: &[Given], metrics: &[Snapshot], observed: &[Observed]) -> Vec<ResourceSize> {
    let mut names: BTreeSet<(&str, &str)> = BTreeSet::new();
    names.extend(given.iter().map(|given| (given.api_group.as_str(), given.resource.as_str())));
    names.extend(metrics.iter().flat_map(Snapshot::resources).map(|(group, resource, _)| (group, resource)));
    names.extend(observed.iter().map(|row| (row.api_group.as_str(), row.resource.as_str())));
    let nodes = node_count(observed);
    let sources = names.into_iter().map(|(api_group, resource)| {
        let is_it = |group: &str, name: &str| (group, name) == (api_group, resource);
        let samples = metrics.iter().flat_map(|snapshot| {
            let compresses = snapshot.gate(COMPRESSION_GATE);
            snapshot.resources().map(move |(group, name, sample)| (group, name, (sample, compresses)))
        });
        Sources {
            api_group,
            resource,
            // Who says it twice means the last.
            given: given.iter().rev().find(|given| is_it(&given.api_group, &given.resource)),
            samples: samples.filter(|(group, name, _)| is_it(group, name)).map(|(.., sample)| sample).collect(),
            observed: observed.iter().find(|row| is_it(&row.api_group, &row.resource)),
            nodes,
        }
    });
    sources.map(|sources| sources.size()).collect()
}

/// The default size of a resource that no source has.
pub fn assume_size(api_group: &str, resource: &str) -> ResourceSize {
    Sources { api_group, resource, given: None, samples: Vec::new(), observed: None, nodes: None }.size()
}

/// All sources of one resource.
struct Sources<'s> {
    api_group: &'s str,
    resource: &'s str,
    given: Option<&'s Given>,
    /// Each with whether its server compresses responses.
    samples: Vec<(&'s Sample, Option<bool>)>,
    observed: Option<&'s Observed>,
    nodes: Option<Range>,
}

impl Sources<'_> {
    fn size(&self) -> ResourceSize {
        let listed = self.listed();
        let each = self.known_object_bytes();
        let object_bytes = self.listed_object_bytes(listed.as_ref()).unwrap_or(each);
        let counted = self.object_count(&object_bytes);
        let object_count = self.bounded_count(counted, &object_bytes);
        let collection_bytes = self.collection_bytes(object_count.as_ref(), &object_bytes, listed.as_ref());
        let own_count = self.measured(|sample| sample.object_count).map(|(count, _)| count);
        ResourceSize {
            api_group: self.api_group.to_owned(),
            resource: self.resource.to_owned(),
            object_count,
            object_bytes,
            collection_bytes,
            seat_object_count: own_count.or(counted.map(|count| count.range)),
            stored_object_bytes: self.stored_object_bytes(&each),
        }
    }

    fn stored_object_bytes(&self, object_bytes: &Estimate) -> Range {
        let own = self.measured(Sample::assumed_object_bytes);
        let (least, most) = self.json_per_stored_byte();
        let usual = object_bytes.range.scaled((1.0 / most, 1.0 / least));
        match (own, self.samples.as_slice()) {
            (None, _) => usual,
            // Sizes that aren't known now may be so a minute later.
            (Some((bytes, _)), [(only, _)]) if only.is_size_unknown => bytes.union(usual),
            (Some((bytes, _)), _) => bytes,
        }
    }

    fn json_per_stored_byte(&self) -> (f64, f64) {
        if is_custom(self.api_group) { JSON_PER_STORED_JSON } else { JSON_PER_PROTOBUF }
    }

    /// What the server's counters of LISTs say of the collection. Each counter bounds it from below; of several, the
    /// highest bounds count, as it was that big at some time.
    fn listed(&self) -> Option<Collection> {
        let whole_lists = self.observed.and_then(|row| row.whole_lists.as_ref());
        let of_sample = |(sample, compresses): &(&Sample, Option<bool>)| {
            sample.list_sizes.collection(&ListContext {
                api_group: self.api_group,
                resource: self.resource,
                object_count: sample.object_count,
                usual_object_bytes: usual_object_bytes(self.api_group, self.resource),
                logged: whole_lists.map(|lists| (lists.whole_list_count, lists.partial_list_count)),
                quickest_secs: whole_lists.and_then(|lists| lists.quickest_secs),
                compresses: *compresses,
            })
        };
        self.samples.iter().filter_map(of_sample).reduce(|one, other| Collection {
            bytes: one.bytes.or_more(other.bytes),
            list_count: one.list_count.max(other.list_count),
            sent_bytes: one.sent_bytes.or_more(other.sent_bytes),
        })
    }

    /// Bytes of one object by the bytes of all; `None` where one is given, or their number isn't known.
    fn listed_object_bytes(&self, listed: Option<&Collection>) -> Option<Estimate> {
        let listed = listed.filter(|_| self.given.is_none_or(|given| given.object_bytes.is_none()))?;
        let (count, _) = self.measured(|sample| sample.object_count)?;
        Some(estimate((listed.bytes.over(count)?, list_responses(listed)), SizeBasis::Metrics))
    }

    /// Bytes of one object by all sources but LISTs of the whole collection.
    fn known_object_bytes(&self) -> Estimate {
        if let Some(bytes) = self.given.and_then(|given| given.object_bytes) {
            return estimate((Range::exactly(bytes), SizeSource::Given), SizeBasis::Given);
        }
        let usual = usual_object_bytes(self.api_group, self.resource);
        if let Some((stored, snapshot_count)) = self.measured(Sample::stored_object_bytes) {
            // Only objects that changed are in it; those at rest may be as big as is usual.
            let changed = stored.scaled(self.json_per_stored_byte());
            let range = Range { low: changed.low, high: changed.or_more(usual).high };
            return estimate((range, SizeSource::StoredBytes { snapshot_count }), SizeBasis::Metrics);
        }
        if let Some(found) = self.observed.and_then(Observed::logged_object_bytes) {
            return estimate(found, SizeBasis::Bodies);
        }
        estimate((usual, SizeSource::UsualSize), SizeBasis::Default)
    }

    fn object_count(&self, object_bytes: &Estimate) -> Option<Estimate> {
        if let Some(count) = self.given.and_then(|given| given.object_count) {
            return Some(estimate((Range::exactly(count), SizeSource::Given), SizeBasis::Given));
        }
        if let Some((count, snapshot_count)) = self.measured(|sample| sample.object_count) {
            return Some(estimate((count, SizeSource::Metrics { snapshot_count }), SizeBasis::Metrics));
        }
        let handful = handful(self.api_group, self.resource);
        let by_nature = || handful.map(|range| estimate((range, SizeSource::FewByNature), SizeBasis::Default));
        let Some(observed) = self.observed else {
            return by_nature();
        };
        let by_bodies = || {
            let bytes = Range::exactly(observed.max_collection_bytes?).scaled(SINCE_LOGGED);
            Some(estimate((bytes.over(object_bytes.range)?, SizeSource::LargestBody), SizeBasis::Bodies))
        };
        let by_logged_sizes = if object_bytes.basis <= SizeBasis::Bodies { by_bodies() } else { None };
        by_logged_sizes
            .or_else(|| self.paged_count(observed))
            .or_else(by_bodies)
            .or_else(by_nature)
            .or_else(|| observed.counted(self.nodes).map(|found| estimate(found, SizeBasis::Counting)))
    }

    /// The same where nothing else bounds it from above: as many as fit into what was listed so quickly, if that tells
    /// anything.
    fn bounded_count(&self, count: Option<Estimate>, object_bytes: &Estimate) -> Option<Estimate> {
        let each = object_bytes.range.low.max(1);
        let Some((most, source)) = self.quickest() else { return count };
        match count {
            None if most <= TELLING_BYTES => {
                Some(estimate((Range::between(0, most / each), source), SizeBasis::Timing))
            }
            Some(count) if count.range.high.is_none() && is_telling(most, count.range.low.saturating_mul(each)) => {
                let high = Some(most / each).filter(|high| *high >= count.range.low);
                Some(Estimate { range: Range { high, ..count.range }, ..count })
            }
            known => known,
        }
    }

    /// JSON bytes of the collection at most, by the quickest LISTs of it; `None` where none was timed.
    fn quickest(&self) -> Option<(u64, SizeSource)> {
        let lists = self.observed?.whole_lists.as_ref()?;
        let most = lists.most_bytes()?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and a cast saturates")]
        let micros = (lists.quickest_secs? * 1e6).round() as u64;
        Some((most, SizeSource::QuickestList { micros, client_count: lists.caller_count }))
    }

    /// By pages, with the upper bound that counting has, where pages have none.
    fn paged_count(&self, observed: &Observed) -> Option<Estimate> {
        let (mut range, source) = observed.paged_count()?;
        if range.high.is_none() {
            let counted = observed.counted(self.nodes).and_then(|(counted, _)| counted.high);
            range.high = counted.filter(|high| *high >= range.low);
        }
        Some(estimate((range, source), SizeBasis::Paging))
    }

    fn collection_bytes(
        &self,
        count: Option<&Estimate>,
        each: &Estimate,
        listed: Option<&Collection>,
    ) -> Option<Estimate> {
        let product = count.map(|count| Estimate {
            range: count.range.times(each.range),
            basis: count.basis.max(each.basis),
            source: SizeSource::CountTimesSize,
        });
        let is_given = |known: &Estimate| known.basis == SizeBasis::Given;
        let of_given = product.filter(|_| count.is_some_and(is_given) || is_given(each));
        let measured = |product: &Estimate| product.basis <= SizeBasis::Metrics;
        if let Some(product) = of_given.filter(measured) {
            return Some(product);
        }
        if let Some(listed) = listed {
            return Some(estimate((listed.bytes, list_responses(listed)), SizeBasis::Metrics));
        }
        let logged = self.observed.and_then(|row| row.max_collection_bytes).map(|bytes| {
            estimate((Range::exactly(bytes).scaled(SINCE_LOGGED), SizeSource::LargestBody), SizeBasis::Bodies)
        });
        self.bounded_by_time(product.filter(measured).or(logged).or(product)?, count)
    }

    /// The same, at most what was listed so quickly. What contradicts that is the usual size of an object, if the
    /// estimate is based on it; then only as much is known as the least of objects have.
    fn bounded_by_time(&self, known: Estimate, count: Option<&Estimate>) -> Option<Estimate> {
        let Some((most, source)) = self.quickest() else { return Some(known) };
        let is_known = known.range.high.map_or(!is_telling(most, known.range.low), |high| high <= most);
        if is_known {
            return Some(known);
        }
        if known.range.low <= most {
            let by_time = known.range.low == 0;
            return Some(Estimate {
                range: Range { high: Some(most), ..known.range },
                basis: if by_time { SizeBasis::Timing } else { known.basis },
                source: if by_time { source } else { known.source },
            });
        }
        if known.basis <= SizeBasis::Bodies {
            return Some(known);
        }
        let low = count.map_or(0, |count| count.range.low).saturating_mul(LEAST_OBJECT_BYTES).min(most);
        Some(estimate((Range::between(low, most), source), SizeBasis::Timing))
    }

    /// The range of what the snapshots say, and how many of them do; `None` if none does.
    fn measured(&self, of: impl Fn(&Sample) -> Option<Range>) -> Option<(Range, usize)> {
        let values: Vec<_> = self.samples.iter().filter_map(|(sample, _)| of(sample)).collect();
        let range = values.iter().copied().reduce(Range::union)?;
        Some((range, values.len()))
    }
}

/// Whether a bound by time tells anything of a collection that nothing else bounds, but from below.
const fn is_telling(most: u64, least: u64) -> bool {
    most <= TELLING_BYTES || most / 10 < least
}

fn list_responses(listed: &Collection) -> SizeSource {
    SizeSource::ListResponses { list_count: listed.list_count, sent_bytes: listed.sent_bytes }
}

fn estimate((range, source): (Range, SizeSource), basis: SizeBasis) -> Estimate {
    Estimate { range, basis, source }
}
