//! What the log itself gives away of a resource's size.

use serde::Deserialize;

use super::range::Range;
use super::source::SizeSource;
use super::whole_lists::WholeLists;
use crate::tables::TypedRow;

/// A row of the query `resource_evidence`. Counts are of successful requests only.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Observed {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource, in the plural.
    pub resource: String,
    /// Objects named by reads and writes.
    pub name_count: u64,
    /// Those of them that were deleted.
    pub deleted_name_count: u64,
    /// Nodes whose kubelet touched an object.
    pub kubelet_count: u64,
    /// Objects whose body was logged.
    pub sized_object_count: u64,
    /// JSON bytes of the middle one of them; `None` without bodies, as the next three.
    pub median_object_bytes: Option<u64>,
    /// JSON bytes of them on average.
    pub mean_object_bytes: Option<u64>,
    /// JSON bytes of the largest of them.
    pub max_object_bytes: Option<u64>,
    /// JSON bytes of the largest logged body of a whole LIST.
    pub max_collection_bytes: Option<u64>,
    /// Chains of pages over the whole collection.
    pub chain_count: u64,
    /// Further pages of the longest of them, the first not counted; `None` without chains, as the limit.
    pub longest_chain_page_count: Option<u64>,
    /// Objects per page of the longest.
    pub longest_chain_limit: Option<u64>,
    /// Chains as long as the longest, itself included.
    pub equal_chain_count: u64,
    /// LISTs of the most recent state, without a limit, that took over 0.5 s and say where.
    pub slow_full_list_count: u64,
    /// Those of them that decoded what etcd sent, so were not served from the watch cache.
    pub decoded_list_count: u64,
    /// How quickly the whole collection was listed; `None` where it was not, or nobody asked.
    #[serde(skip)]
    pub whole_lists: Option<WholeLists>,
}

impl TypedRow for Observed {
    const QUERY: &'static str = "resource_evidence";
}

/// So many chains that end on the same page make it believable that they went to the end: a client that gives up does
/// so anywhere.
const AGREEING_CHAINS: u64 = 2;

/// A node more than was seen for each ten: those that were down, or whose requests were not logged.
const UNSEEN_NODES: (f64, f64) = (1.0, 1.1);

/// Upstream's default for a kubelet's `maxPods`, so the most pods that nodes run.
const PODS_PER_NODE: u64 = 110;

/// How many nodes there are, by their kubelets' requests; `None` when none was seen.
pub fn node_count(observed: &[Observed]) -> Option<Range> {
    let seen = observed.iter().map(|row| row.kubelet_count).max().filter(|count| *count > 0)?;
    Some(Range::exactly(seen).scaled(UNSEEN_NODES))
}

impl Observed {
    /// How many objects there are, by the longest chain of pages; `None` without chains.
    ///
    /// The chain shows more than `pages × limit` objects, as the first page comes before those that are counted. Not
    /// more than one page above that if it ran to its end, which only other chains of the same length can confirm.
    pub(super) fn paged_count(&self) -> Option<(Range, SizeSource)> {
        let (pages, limit) = self.longest_chain_page_count.zip(self.longest_chain_limit)?;
        let full = pages.saturating_mul(limit);
        let is_confirmed = self.equal_chain_count >= AGREEING_CHAINS;
        let range = Range { low: full + 1, high: is_confirmed.then(|| full.saturating_add(limit)) };
        let source = SizeSource::Pages {
            equal_chain_count: self.equal_chain_count,
            chain_count: self.chain_count,
            last_page: pages + 1,
            limit,
        };
        Some((range, source))
    }

    /// How many objects there are, by the names that were seen; `None` where that says nothing.
    ///
    /// Events are left out: they vanish after an hour without a request.
    pub(super) fn counted(&self, nodes: Option<Range>) -> Option<(Range, SizeSource)> {
        let alive = self.name_count.saturating_sub(self.deleted_name_count);
        match (self.api_group.as_str(), self.resource.as_str()) {
            (_, "events") => None,
            ("", "nodes") => nodes.map(|nodes| {
                let nodes = nodes.or_more(Range::exactly(alive));
                (nodes, SizeSource::Kubelets)
            }),
            ("", "pods") if nodes.is_some() => {
                let nodes = nodes?;
                let most = nodes.times(Range::exactly(PODS_PER_NODE)).high.map(|most| most.max(alive));
                let source = SizeSource::NamesAndNodes { named: alive, per_node: PODS_PER_NODE, nodes };
                Some((Range { low: alive, high: most }, source))
            }
            _ if alive > 0 => Some((Range::at_least(alive), SizeSource::Names { named: alive })),
            _ => None,
        }
    }

    /// JSON bytes of one object, by logged bodies; `None` without any.
    ///
    /// From half to twice the middle and the average, as those that were touched needn't be like the rest. Never above
    /// the largest, once a fair number was seen.
    pub(super) fn logged_object_bytes(&self) -> Option<(Range, SizeSource)> {
        /// From so many on, the largest bounds what an average may be.
        const FAIR_SAMPLE: u64 = 20;
        let (median, mean) = self.median_object_bytes.zip(self.mean_object_bytes)?;
        let mut range = Range::between(median, mean).scaled((0.5, 2.0));
        if let Some(largest) = self.max_object_bytes.filter(|_| self.sized_object_count >= FAIR_SAMPLE) {
            range = range.capped(Some(largest));
        }
        Some((range, SizeSource::LoggedBodies { object_count: self.sized_object_count }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_chains_of_one_length_bound_the_count() {
        let chains = |equal_chain_count| Observed {
            chain_count: 120,
            longest_chain_page_count: Some(3),
            longest_chain_limit: Some(500),
            equal_chain_count,
            ..Observed::default()
        };
        // There were 1,764 pods.
        assert_eq!(chains(114).paged_count().unwrap().0, Range::between(1_501, 2_000));
        assert_eq!(chains(1).paged_count().unwrap().0, Range::at_least(1_501));
        let source = SizeSource::Pages { equal_chain_count: 114, chain_count: 120, last_page: 4, limit: 500 };
        assert_eq!(chains(114).paged_count().unwrap().1, source);
        assert_eq!(Observed::default().paged_count(), None);
    }

    #[test]
    fn nodes_bound_pods() {
        let pods =
            Observed { resource: "pods".to_owned(), name_count: 425, deleted_name_count: 153, ..Observed::default() };
        assert_eq!(pods.counted(None).unwrap().0, Range::at_least(272));
        assert_eq!(pods.counted(Some(Range::between(100, 110))).unwrap().0, Range::between(272, 12_100));
    }

    #[test]
    fn events_are_not_counted_by_name() {
        let events = Observed { resource: "events".to_owned(), name_count: 225, ..Observed::default() };
        assert_eq!(events.counted(None), None);
    }

    #[test]
    fn few_bodies_don_t_bound_the_size_by_their_largest() {
        let bodies = |sized_object_count| Observed {
            sized_object_count,
            median_object_bytes: Some(5_563),
            mean_object_bytes: Some(5_563),
            max_object_bytes: Some(5_563),
            ..Observed::default()
        };
        assert_eq!(bodies(197).logged_object_bytes().unwrap().0, Range::between(2_782, 5_563));
        assert_eq!(bodies(3).logged_object_bytes().unwrap().0, Range::between(2_782, 11_126));
    }
}
