//! Where the numbers of a resource's size come from.

use serde::Serialize;

use super::range::Range;

/// What a count or a size was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SizeSource {
    /// The command line.
    Given,
    /// The apiserver's metrics.
    Metrics {
        /// Files of metrics that have it.
        snapshot_count: usize,
    },
    /// The bytes in etcd that the apiserver's metrics have of objects that changed, converted to JSON: others may be as
    /// big as is usual for the kind.
    StoredBytes {
        /// Files of metrics that have them.
        snapshot_count: usize,
    },
    /// The bytes of whole LISTs that the apiserver's metrics have.
    ListResponses {
        /// LISTs of about the whole collection.
        list_count: u64,
        /// Bytes of one of them as sent: compressed or not, in JSON or protobuf.
        sent_bytes: Range,
    },
    /// How long the quickest LISTs of the whole collection took.
    QuickestList {
        /// Microseconds.
        micros: u64,
        /// Clients whose LISTs were timed.
        client_count: u64,
    },
    /// Objects whose body was logged.
    LoggedBodies {
        /// Objects.
        object_count: u64,
    },
    /// The largest logged body of a LIST of the whole collection.
    LargestBody,
    /// The longest chain of pages.
    Pages {
        /// Chains as long as the longest, itself included.
        equal_chain_count: u64,
        /// All chains over the whole collection.
        chain_count: u64,
        /// The number of the last page, from 1.
        last_page: u64,
        /// Objects per page.
        limit: u64,
    },
    /// The kubelets seen in the log.
    Kubelets,
    /// Objects named in the log and not deleted.
    Names {
        /// Objects.
        named: u64,
    },
    /// Pods named in the log, and the most that the nodes can run.
    NamesAndNodes {
        /// Pods.
        named: u64,
        /// The most pods on a node.
        per_node: u64,
        /// Nodes.
        nodes: Range,
    },
    /// The number of objects times the size of one.
    CountTimesSize,
    /// The usual size of an object of this kind.
    UsualSize,
    /// A kind of which every cluster has few.
    FewByNature,
}
