//! How big a collection can be, by how quickly it was listed.

use serde::Deserialize;

use super::observed::Observed;
use crate::tables::TypedRow;

/// No server sends a LIST faster than this, in bytes of JSON a second, whatever is sent. The quickest of 2,100 on a real
/// server: 533 MB/s in protobuf, 442 in JSON, of custom resources 74; a factor of two is for newer CPUs.
pub(super) const MOST_BYTES_PER_SEC: f64 = 1e9;

/// A bound by time above this leaves open whether it is a big collection: a few dozen LISTs of 10 MB are what kills a small
/// server. Where nothing else bounds the collection, it stays unbounded then.
pub(super) const TELLING_BYTES: u64 = 10_000_000;

/// A row of the query `whole_lists`. Counts are of successful LISTs over all namespaces.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct WholeLists {
    /// The API group; empty for the core group.
    pub api_group: String,
    /// The resource, in the plural.
    pub resource: String,
    /// LISTs of the whole collection.
    pub whole_list_count: u64,
    /// Pages, and LISTs with a selector.
    pub partial_list_count: u64,
    /// Clients (users and user agents) whose LISTs were timed.
    pub caller_count: u64,
    /// How long the quickest LIST took of a client that is among the quickest quarter, but not the very first of several,
    /// in seconds; `None` where none was timed.
    pub quickest_secs: Option<f64>,
}

impl TypedRow for WholeLists {
    const QUERY: &'static str = "whole_lists";
}

impl WholeLists {
    /// JSON bytes of the collection at most; `None` where no LIST was timed.
    pub(super) fn most_bytes(&self) -> Option<u64> {
        let secs = self.quickest_secs.filter(|secs| *secs > 0.0)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and a cast saturates")]
        let bytes = (secs * MOST_BYTES_PER_SEC).ceil() as u64;
        Some(bytes)
    }
}

/// Adds to what the log gives away of each resource how quickly it was listed. A resource that was only listed is added
/// where that tells anything.
pub fn add_whole_lists(observed: &mut Vec<Observed>, lists: Vec<WholeLists>) {
    for row in lists {
        let is_it = |known: &&mut Observed| known.api_group == row.api_group && known.resource == row.resource;
        if let Some(known) = observed.iter_mut().find(is_it) {
            known.whole_lists = Some(row);
        } else if row.most_bytes().is_some_and(|bytes| bytes <= TELLING_BYTES) {
            let (api_group, resource) = (row.api_group.clone(), row.resource.clone());
            observed.push(Observed { api_group, resource, whole_lists: Some(row), ..Observed::default() });
        }
    }
}
