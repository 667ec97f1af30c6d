//! Which source of a resource's size counts, case by case.

use super::metrics::Snapshot;
use super::observed::Observed;
use super::range::Range;
use super::sizes::*;
use super::source::SizeSource;
use super::whole_lists::WholeLists;

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
fn json_is_bigger_than_what_is_stored_of_objects_that_changed() {
    let size = one(&[], &[metrics(1_000, "3833258")], &[]);
    // 4,993 bytes each were measured. Pods that didn't change may be as big as is usual.
    assert_eq!(size.object_bytes.range, Range::between(4_600, 20_000));
    assert_eq!(size.object_bytes.source, SizeSource::StoredBytes { snapshot_count: 1 });
}

#[test]
fn a_size_given_by_hand_is_for_memory_and_the_server_s_own_for_seats() {
    let size = one(&["pods=5000x17KiB"], &[metrics(1_000, "3833258")], &[paged_pods()]);
    assert_eq!(size.collection_bytes.unwrap().range, Range::exactly(5_000 * (17 << 10)));
    assert_eq!(
        (size.seat_object_count, size.stored_object_bytes),
        (Some(Range::exactly(1_000)), Range::between(3_833, 3_834))
    );
    let alone = one(&["pods=5000x17KiB"], &[], &[]);
    assert_eq!(alone.seat_object_count, Some(Range::exactly(5_000)));
    assert_eq!(alone.stored_object_bytes.low, (17 << 10) / 2);
}

#[test]
fn what_the_server_sent_counts_for_memory_and_not_for_seats() {
    // The estimate knows objects that changed, of 275 bytes; those at rest have 9 kB.
    let text = "apiserver_resource_objects{group=\"\",resource=\"configmaps\"} 2004\n\
                apiserver_resource_size_estimate_bytes{group=\"\",resource=\"configmaps\"} 551100\n\
                apiserver_response_sizes_bucket{group=\"\",resource=\"configmaps\",scope=\"cluster\",verb=\"LIST\",le=\"1e+07\"} 0\n\
                apiserver_response_sizes_bucket{group=\"\",resource=\"configmaps\",scope=\"cluster\",verb=\"LIST\",le=\"1e+08\"} 205\n\
                apiserver_response_sizes_sum{group=\"\",resource=\"configmaps\",scope=\"cluster\",verb=\"LIST\"} 3.872897922e+09\n\
                apiserver_response_sizes_count{group=\"\",resource=\"configmaps\",scope=\"cluster\",verb=\"LIST\"} 205\n\
                apiserver_response_sizes_sum{group=\"\",resource=\"configmaps\",scope=\"cluster\",verb=\"WATCH\"} 7e+12\n\
                apiserver_cache_list_returned_objects_total{group=\"\",resource=\"configmaps\"} 410820\n\
                kubernetes_feature_enabled{name=\"APIResponseCompression\",stage=\"BETA\"} 0\n";
    let size = one(&[], &[Snapshot::read(text).unwrap()], &[]);
    let collection = size.collection_bytes.unwrap();
    assert_eq!((collection.range, collection.basis), (Range::between(18_892_184, 26_449_059), SizeBasis::Metrics));
    let sent_bytes = Range::between(18_892_184, 18_892_185);
    assert_eq!(collection.source, SizeSource::ListResponses { list_count: 205, sent_bytes });
    assert_eq!(size.object_bytes.range, Range::between(9_427, 13_199));
    assert_eq!(size.stored_object_bytes, Range::exactly(275));
    let given = one(&["configmaps=3000"], &[Snapshot::read(text).unwrap()], &[]);
    assert_eq!(given.collection_bytes.unwrap().range, Range::between(3_000 * 9_427, 3_000 * 13_199));
}

fn timed(quickest_secs: f64) -> WholeLists {
    WholeLists { whole_list_count: 9, caller_count: 3, quickest_secs: Some(quickest_secs), ..WholeLists::default() }
}

#[test]
fn quick_lists_are_small() {
    let listed = |secs| one(&[], &[], &[Observed { whole_lists: Some(timed(secs)), ..pods() }]);
    let size = listed(0.008);
    let collection = size.collection_bytes.unwrap();
    assert_eq!((collection.range, collection.basis), (Range::between(0, 8_000_000), SizeBasis::Timing));
    assert_eq!(collection.source, SizeSource::QuickestList { micros: 8_000, client_count: 3 });
    assert_eq!(size.object_count.unwrap().range, Range::between(0, 2_000));
    assert_eq!(size.seat_object_count, None, "the server knows nothing of how quick it was");
    assert_eq!(listed(40.0).collection_bytes, None, "40 GB at most is nothing to go by");
}

#[test]
fn what_is_known_otherwise_is_bounded_by_time_too() {
    let listed = |secs| {
        let observed = Observed { whole_lists: Some(timed(secs)), ..paged_pods() };
        one(&[], &[], &[observed]).collection_bytes.unwrap()
    };
    assert_eq!(listed(0.01).range, Range::between(6_004_000, 10_000_000));
    assert_eq!(listed(1.0).range, Range::between(6_004_000, 40_000_000));
    // 1,501 pods are listed too quickly to have 4 kB each.
    assert_eq!((listed(0.002).range, listed(0.002).basis), (Range::between(450_300, 2_000_000), SizeBasis::Timing));
    let given = one(&["pods=3000x5KB"], &[], &[Observed { whole_lists: Some(timed(0.002)), ..paged_pods() }]);
    assert_eq!(given.collection_bytes.unwrap().range, Range::exactly(15_000_000), "what is given holds");
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
    let nodes = Observed { resource: "nodes".to_owned(), max_collection_bytes: Some(130_685), ..Observed::default() };
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
