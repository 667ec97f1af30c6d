//! What one LIST returns, and what the server reads for it, by the size of its resource.

use super::cost::Encoding;
use super::range::Range;
use super::sizes::ResourceSize;
use crate::kubernetes::ListKind;

/// The parameters of a LIST that its cost depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListShape<'l> {
    /// Its kind.
    pub kind: ListKind,
    /// The API group; empty for the core group.
    pub api_group: &'l str,
    /// The resource, in the plural.
    pub resource: &'l str,
    /// The page size asked for; `None` without one. Kinds that are answered whole ignore it, as the server does.
    pub limit: Option<u64>,
    /// Whether it is of one namespace only.
    pub is_namespaced: bool,
    /// Which share of the resource's objects is in that namespace, from 0 to 1; `None` if unknown.
    pub namespace_share: Option<f64>,
    /// Whether a label or field selector narrows it.
    pub has_selector: bool,
    /// Whether it selects the pods of one node (`spec.nodeName=…`).
    pub selects_node: bool,
    /// How the response is encoded, which no log says; `None` for either.
    pub encoding: Option<Encoding>,
    /// Whether the response is indented ([`is_pretty_printed`](crate::kubernetes::is_pretty_printed)), and so not streamed.
    pub is_pretty: bool,
    /// Bytes of the response's logged body; `None` without one.
    pub response_bytes: Option<u64>,
}

impl ListShape<'static> {
    /// A LIST of all pods, of a kind.
    pub const fn of(kind: ListKind) -> Self {
        Self {
            kind,
            api_group: "",
            resource: "pods",
            limit: None,
            is_namespaced: false,
            namespace_share: None,
            has_selector: false,
            selects_node: false,
            encoding: None,
            is_pretty: false,
            response_bytes: None,
        }
    }
}

/// The response of a LIST, and what the server reads for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListResponse {
    /// Objects in the response.
    pub object_count: Range,
    /// Bytes of the response, as JSON whatever its encoding.
    pub bytes: Range,
    /// Objects that are read to find them, if they are read from etcd: selectors don't narrow that.
    pub read_count: Range,
    /// Bytes in JSON of those.
    pub read_bytes: Range,
    /// Bytes in JSON of the whole list that it is a further page of, whose earlier pages have left garbage; `None` if it is
    /// no further page.
    pub chain_bytes: Option<Range>,
}

impl ListResponse {
    /// What the server returns instead if it heeds a limit that the watch cache would ignore: the first page.
    pub(super) fn first_page(&self, limit: u64) -> Self {
        let page = |count: Range, bytes: Range| {
            let page = count.at_most(Range::exactly(limit));
            let each = bytes.over(count).unwrap_or(bytes.or_less());
            (page, page.times(each).capped(bytes.high))
        };
        let (object_count, page_bytes) = page(self.object_count, self.bytes);
        let (read_count, read_bytes) = page(self.read_count, self.read_bytes);
        Self { object_count, bytes: page_bytes, read_count, read_bytes, chain_bytes: None }
    }
}

/// How unevenly pods are spread over nodes: a node's share against the average.
const NODE_SPREAD: (f64, f64) = (0.3, 3.0);

/// Estimates what a LIST returns; `None` if the size of its resource is unknown and nothing bounds it.
///
/// `nodes` is the number of nodes, for LISTs of the pods of one.
pub fn estimate_response(list: &ListShape<'_>, size: &ResourceSize, nodes: Option<Range>) -> Option<ListResponse> {
    let object_bytes = size.object_bytes.range;
    if list.kind == ListKind::ByName {
        let bytes = list.response_bytes.map_or(object_bytes, Range::exactly);
        return Some(ListResponse {
            object_count: Range::exactly(1),
            bytes,
            read_count: Range::exactly(1),
            read_bytes: bytes,
            chain_bytes: None,
        });
    }
    let limit = list.limit.filter(|limit| *limit > 0 && heeds_limit(list.kind));
    let scope = in_scope(list, size.object_count.as_ref().map(|count| count.range));
    let selected = selected(list, scope, nodes);
    let page = |count: Range| limit.map_or(count, |limit| count.at_most(Range::exactly(limit)));
    let (count, read) = (page(selected), if list.has_selector { scope } else { page(scope) });
    let bytes_of = |count: Range| {
        let bytes = count.times(object_bytes);
        match &size.collection_bytes {
            Some(all) if count == scope && !list.is_namespaced => all.range,
            Some(all) => bytes.capped(all.range.high),
            None => bytes,
        }
    };
    let (mut object_count, mut bytes) = (count, bytes_of(count));
    if let Some(logged) = list.response_bytes {
        bytes = Range::exactly(logged);
        object_count = bytes.over(object_bytes).unwrap_or(count);
    } else if size.object_count.is_none() && count.high.is_none() {
        return None;
    }
    let (read_count, read_bytes) =
        if list.has_selector { (read, bytes_of(read).or_more(bytes)) } else { (object_count, bytes) };
    let chain_bytes = (list.kind == ListKind::NextPage).then(|| bytes_of(selected).or_more(bytes));
    Some(ListResponse { object_count, bytes, read_count, read_bytes, chain_bytes })
}

/// Whether the server returns pages of such a LIST. The watch cache ignores limits, so others are whole.
const fn heeds_limit(kind: ListKind) -> bool {
    matches!(kind, ListKind::FirstPage | ListKind::NextPage | ListKind::Exact)
}

/// How many objects are in the namespace asked for, or in all.
fn in_scope(list: &ListShape<'_>, all: Option<Range>) -> Range {
    let all = all.unwrap_or(Range::at_least(0));
    match list.namespace_share {
        _ if !list.is_namespaced => all,
        Some(share) => all.scaled((share, share)),
        None => all.or_less(),
    }
}

/// How many of those the selectors leave.
fn selected(list: &ListShape<'_>, scope: Range, nodes: Option<Range>) -> Range {
    if !list.has_selector {
        return scope;
    }
    let of_one_node = if list.selects_node { nodes.and_then(|nodes| scope.over(nodes)) } else { None };
    match of_one_node {
        Some(each) => each.scaled(NODE_SPREAD).capped(scope.high),
        None => scope.or_less(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sizes::{assume_size, estimate_sizes};
    use super::*;

    fn pods(text: &str) -> ResourceSize {
        estimate_sizes(&[text.parse().unwrap()], &[], &[]).remove(0)
    }

    fn of(list: ListShape<'_>) -> ListResponse {
        estimate_response(&list, &pods("pods=10000x5KB"), Some(Range::between(100, 110))).unwrap()
    }

    #[test]
    fn a_whole_list_is_the_collection() {
        let whole = of(ListShape::of(ListKind::Full));
        assert_eq!((whole.object_count, whole.bytes), (Range::exactly(10_000), Range::exactly(50_000_000)));
        // The watch cache ignores the limit.
        let reflector = of(ListShape { limit: Some(500), ..ListShape::of(ListKind::Reflector) });
        assert_eq!((reflector.bytes, reflector.chain_bytes), (Range::exactly(50_000_000), None));
        assert_eq!(reflector.first_page(500).bytes, Range::exactly(2_500_000));
        assert_eq!(reflector.first_page(20_000), whole);
    }

    #[test]
    fn a_page_is_no_bigger_than_its_limit_or_the_collection() {
        let page = ListShape { limit: Some(500), ..ListShape::of(ListKind::NextPage) };
        let (bytes, chain_bytes) = (of(page).bytes, of(page).chain_bytes);
        assert_eq!((bytes, chain_bytes), (Range::exactly(2_500_000), Some(Range::exactly(50_000_000))));
        let small = estimate_response(&page, &pods("pods=20x5KB"), None).unwrap();
        assert_eq!(small.bytes, Range::exactly(100_000));
        let first = ListShape { kind: ListKind::FirstPage, ..page };
        assert_eq!((of(first).bytes, of(first).chain_bytes), (Range::exactly(2_500_000), None));
        let unknown = estimate_response(&page, &pods("pods=x5KB"), None).unwrap();
        assert_eq!(unknown.bytes, Range::between(0, 2_500_000));
    }

    #[test]
    fn selectors_narrow_what_is_returned_but_not_what_is_read() {
        let list = ListShape { has_selector: true, ..ListShape::of(ListKind::Full) };
        assert_eq!((of(list).bytes, of(list).read_bytes), (Range::between(0, 50_000_000), Range::exactly(50_000_000)));
        let of_a_node = of(ListShape { selects_node: true, ..list });
        assert_eq!(of_a_node.object_count, Range::between(27, 300));
        assert_eq!(of_a_node.read_bytes, Range::exactly(50_000_000));
    }

    #[test]
    fn a_namespace_is_anything_up_to_all_unless_its_share_is_known() {
        let list = ListShape { is_namespaced: true, ..ListShape::of(ListKind::Full) };
        assert_eq!(of(list).bytes, Range::between(0, 50_000_000));
        let known = of(ListShape { namespace_share: Some(0.25), ..list });
        assert_eq!((known.bytes, known.read_bytes), (Range::exactly(12_500_000), Range::exactly(12_500_000)));
    }

    #[test]
    fn an_unknown_collection_is_unknown_unless_the_body_was_logged() {
        let list = ListShape::of(ListKind::Full);
        assert_eq!(estimate_response(&list, &assume_size("", "pods"), None), None);
        let logged = ListShape { response_bytes: Some(1_000_000), ..list };
        let found = estimate_response(&logged, &assume_size("", "pods"), None).unwrap();
        assert_eq!((found.bytes, found.object_count), (Range::exactly(1_000_000), Range::between(50, 250)));
    }
}
