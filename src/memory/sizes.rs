//! The number and the size of each resource's objects, from the most trusted of several sources.

use std::collections::BTreeSet;

use serde::Serialize;

use super::defaults::{handful, is_custom, usual_object_bytes};
use super::given::Given;
use super::metrics::{Sample, Snapshot};
use super::observed::{Observed, node_count};
use super::range::Range;
use super::source::SizeSource;

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
    /// Bytes of one object on average as they lie in etcd. From metrics it is what the apiserver itself assumes, however
    /// wrong, since the seats of a LIST rest on it.
    pub stored_object_bytes: Range,
}

/// JSON bytes for each byte in etcd, of kinds that are stored as protobuf. 1,000 pods measured 4,993,303 to 3,833,258
/// (1.30), most of it long strings, which take as much either way; field names, and base64 in secrets, make it more.
const JSON_PER_PROTOBUF: (f64, f64) = (1.2, 2.0);

/// The same of custom resources, which are stored as JSON.
const JSON_PER_STORED_JSON: (f64, f64) = (1.0, 1.1);

/// A collection is not always what it was when the largest body was logged.
const SINCE_LOGGED: (f64, f64) = (0.8, 1.2);

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
        Sources {
            api_group,
            resource,
            // Who says it twice means the last.
            given: given.iter().rev().find(|given| is_it(&given.api_group, &given.resource)),
            samples: metrics
                .iter()
                .flat_map(Snapshot::resources)
                .filter(|(group, name, _)| is_it(group, name))
                .map(|(.., sample)| sample)
                .collect(),
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
    samples: Vec<Sample>,
    observed: Option<&'s Observed>,
    nodes: Option<Range>,
}

impl Sources<'_> {
    fn size(&self) -> ResourceSize {
        let object_bytes = self.object_bytes();
        let object_count = self.object_count(&object_bytes);
        let collection_bytes = self.collection_bytes(object_count.as_ref(), &object_bytes);
        let stored_object_bytes = self.stored_object_bytes(&object_bytes);
        ResourceSize {
            api_group: self.api_group.to_owned(),
            resource: self.resource.to_owned(),
            object_count,
            object_bytes,
            collection_bytes,
            stored_object_bytes,
        }
    }

    fn stored_object_bytes(&self, object_bytes: &Estimate) -> Range {
        let own = self.measured(Sample::assumed_object_bytes).filter(|_| object_bytes.basis != SizeBasis::Given);
        let (least, most) = self.json_per_stored_byte();
        let usual = object_bytes.range.scaled((1.0 / most, 1.0 / least));
        match (own, self.samples.as_slice()) {
            (None, _) => usual,
            // Sizes that aren't known now may be so a minute later.
            (Some((bytes, _)), [only]) if only.is_size_unknown => bytes.union(usual),
            (Some((bytes, _)), _) => bytes,
        }
    }

    fn json_per_stored_byte(&self) -> (f64, f64) {
        if is_custom(self.api_group) { JSON_PER_STORED_JSON } else { JSON_PER_PROTOBUF }
    }

    fn object_bytes(&self) -> Estimate {
        if let Some(bytes) = self.given.and_then(|given| given.object_bytes) {
            return estimate((Range::exactly(bytes), SizeSource::Given), SizeBasis::Given);
        }
        let factor = self.json_per_stored_byte();
        if let Some((stored, snapshot_count)) = self.measured(Sample::stored_object_bytes) {
            return estimate((stored.scaled(factor), SizeSource::StoredBytes { snapshot_count }), SizeBasis::Metrics);
        }
        if let Some(found) = self.observed.and_then(Observed::logged_object_bytes) {
            return estimate(found, SizeBasis::Bodies);
        }
        let usual = usual_object_bytes(self.api_group, self.resource);
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

    /// By pages, with the upper bound that counting has, where pages have none.
    fn paged_count(&self, observed: &Observed) -> Option<Estimate> {
        let (mut range, source) = observed.paged_count()?;
        if range.high.is_none() {
            let counted = observed.counted(self.nodes).and_then(|(counted, _)| counted.high);
            range.high = counted.filter(|high| *high >= range.low);
        }
        Some(estimate((range, source), SizeBasis::Paging))
    }

    fn collection_bytes(&self, count: Option<&Estimate>, each: &Estimate) -> Option<Estimate> {
        let product = count.map(|count| Estimate {
            range: count.range.times(each.range),
            basis: count.basis.max(each.basis),
            source: SizeSource::CountTimesSize,
        });
        if let Some(product) = product.as_ref().filter(|product| product.basis <= SizeBasis::Metrics) {
            return Some(*product);
        }
        let logged = self.observed.and_then(|row| row.max_collection_bytes).map(|bytes| {
            estimate((Range::exactly(bytes).scaled(SINCE_LOGGED), SizeSource::LargestBody), SizeBasis::Bodies)
        });
        logged.or(product)
    }

    /// The range of what the snapshots say, and how many of them do; `None` if none does.
    fn measured(&self, of: impl Fn(&Sample) -> Option<Range>) -> Option<(Range, usize)> {
        let values: Vec<_> = self.samples.iter().filter_map(of).collect();
        let range = values.iter().copied().reduce(Range::union)?;
        Some((range, values.len()))
    }
}

fn estimate((range, source): (Range, SizeSource), basis: SizeBasis) -> Estimate {
    Estimate { range, basis, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> Observed {
        Observed { resource: "pods".to_owned(), ..Observed::default() }
    }

    fn paged_pods() -> Observed {
        Observed {
            chain_count: 120,
            longest_chain_page_count: Some(3),
            longest_chain_limit: Some(500),
            equal_chain_count: 114,
            name_count: 425,
            ..pods()
        }
    }

    fn metrics(count: u64, bytes: &str) -> Snapshot {
        Snapshot::read(&format!(
            "apiserver_resource_objects{{group=\"\",resource=\"pods\"}} {count}\n\
             apiserver_resource_size_estimate_bytes{{group=\"\",resource=\"pods\"}} {bytes}\n"
        ))
        .unwrap()
    }

    fn one(given: &[&str], metrics: &[Snapshot], observed: &[Observed]) -> ResourceSize {
        let given: Vec<_> = given.iter().map(|text| text.parse().unwrap()).collect();
        let mut sizes = estimate_sizes(&given, metrics, observed);
        assert_eq!(sizes.len(), 1);
        sizes.remove(0)
    }

    #[test]
    fn the_most_trusted_source_of_each_number_is_taken() {
        let metrics = [metrics(1_680, "6.96864e+06"), metrics(1_764, "-1")];
        let both = one(&["pods=x17KiB"], &metrics, &[paged_pods()]);
        let count = both.object_count.unwrap();
        assert_eq!((count.range, count.basis), (Range::between(1_680, 1_764), SizeBasis::Metrics));
        assert_eq!(count.source, SizeSource::Metrics { snapshot_count: 2 });
        assert_eq!((both.object_bytes.range, both.object_bytes.basis), (Range::exactly(17 << 10), SizeBasis::Given));
        let collection = both.collection_bytes.unwrap();
        assert_eq!(collection.basis, SizeBasis::Metrics);
        assert_eq!(collection.range, Range::between(1_680 * (17 << 10), 1_764 * (17 << 10)));
    }

    #[test]
    fn json_is_bigger_than_what_is_stored() {
        let size = one(&[], &[metrics(1_000, "3833258")], &[]);
        // 4,993 bytes each were measured.
        assert_eq!(size.object_bytes.range, Range::between(4_600, 7_668));
        assert_eq!(size.object_bytes.source, SizeSource::StoredBytes { snapshot_count: 1 });
    }

    #[test]
    fn without_metrics_pages_count() {
        let size = one(&[], &[], &[paged_pods()]);
        let count = size.object_count.unwrap();
        assert_eq!((count.range, count.basis), (Range::between(1_501, 2_000), SizeBasis::Paging));
        let collection = size.collection_bytes.unwrap();
        assert_eq!((collection.range, collection.basis), (Range::between(6_004_000, 40_000_000), SizeBasis::Default));
        assert_eq!(collection.source, SizeSource::CountTimesSize);
    }

    #[test]
    fn a_single_chain_is_bounded_by_what_nodes_can_run() {
        let nodes = Observed { resource: "nodes".to_owned(), kubelet_count: 100, ..Observed::default() };
        let found = estimate_sizes(&[], &[], &[nodes, Observed { equal_chain_count: 1, ..paged_pods() }]);
        let pods = found.iter().find(|size| size.resource == "pods").unwrap();
        assert_eq!(pods.object_count.as_ref().unwrap().range, Range::between(1_501, 12_100));
    }

    #[test]
    fn a_logged_list_tells_the_size_of_the_collection_and_the_count_too() {
        let nodes =
            Observed { resource: "nodes".to_owned(), max_collection_bytes: Some(130_685), ..Observed::default() };
        let size = one(&[], &[], &[nodes]);
        assert_eq!(size.collection_bytes.unwrap().basis, SizeBasis::Bodies);
        assert_eq!(size.object_count.unwrap().range, Range::between(3, 32));
    }

    #[test]
    fn how_many_there_are_stays_unknown_without_a_trace() {
        let size = one(&[], &[], &[pods()]);
        assert_eq!((&size.object_count, &size.collection_bytes), (&None, &None));
        assert_eq!(size.object_bytes.basis, SizeBasis::Default);
        assert_eq!(assume_size("", "pods"), size);
    }

    #[test]
    fn resources_come_sorted_and_the_last_word_counts() {
        let given = ["pods=1", "deployments.apps=2", "pods=3"].map(|text| text.parse().unwrap());
        let found: Vec<_> = estimate_sizes(&given, &[], &[])
            .into_iter()
            .map(|size| (size.resource, size.object_count.map(|count| count.range.low)))
            .collect();
        assert_eq!(found, [("pods".to_owned(), Some(3)), ("deployments".to_owned(), Some(2))]);
    }
}
