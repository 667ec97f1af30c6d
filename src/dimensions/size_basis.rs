//! What the estimate of a resource's size is based on, as text for the columns `count_basis`, `bytes_basis` and `cost_basis`.

use crate::memory::{Range, ResourceSize, SizeSource};
use crate::units;

/// What the number of objects is based on.
pub(super) fn count_basis(size: &ResourceSize) -> String {
    size.object_count.map_or_else(|| "unknown".to_owned(), |count| source_words(&count.source, &size.resource))
}

/// What the size of one object is based on.
pub(super) fn bytes_basis(size: &ResourceSize) -> String {
    source_words(&size.object_bytes.source, &size.resource)
}

/// What the estimate of a LIST's memory is based on.
pub(super) fn cost_basis(size: &ResourceSize) -> String {
    let count = size.object_count;
    let objects = count.map_or_else(
        || "an unknown number of objects".to_owned(),
        |count| format!("{} objects ({})", count_words(count.range), count_basis(size)),
    );
    let Range { low, high } = size.object_bytes.range;
    format!("{objects} of {} each ({})", units::bytes_range(low, high), bytes_basis(size))
}

fn source_words(source: &SizeSource, resource: &str) -> String {
    match source {
        SizeSource::Given => "as given".to_owned(),
        SizeSource::Metrics { snapshot_count } => snapshots(*snapshot_count),
        SizeSource::StoredBytes { snapshot_count } => {
            format!("{}, in JSON, of objects that changed", snapshots(*snapshot_count))
        }
        SizeSource::ListResponses { list_count, sent_bytes } => list_responses(*list_count, *sent_bytes),
        SizeSource::QuickestList { micros, client_count } => {
            let clients = if *client_count == 1 {
                "a client".to_owned()
            } else {
                format!("{} clients", units::count(*client_count))
            };
            let micros = i64::try_from(*micros).unwrap_or(i64::MAX);
            format!("by the quickest LISTs of {clients}, {} at 1 GB/s at most", units::span(micros))
        }
        SizeSource::LoggedBodies { object_count } => format!("by the logged bodies of {object_count} objects"),
        SizeSource::LargestBody => "by the largest logged body of a whole LIST".to_owned(),
        SizeSource::Pages { equal_chain_count, chain_count, last_page, limit } => {
            format!("{equal_chain_count} of {chain_count} chains of pages reach page {last_page} of {limit}")
        }
        SizeSource::Kubelets => "by the kubelets seen in the log".to_owned(),
        SizeSource::Names { named } => format!("{named} named in the log"),
        SizeSource::NamesAndNodes { named, per_node, nodes } => {
            format!("{named} named in the log, and at most {per_node} on each of {} nodes", count_words(*nodes))
        }
        SizeSource::CountTimesSize => "by the number of objects and the size of one".to_owned(),
        SizeSource::UsualSize => format!("usual for {resource}"),
        SizeSource::FewByNature => "of a kind of which there are few".to_owned(),
    }
}

fn snapshots(count: usize) -> String {
    if count == 1 { "by metrics".to_owned() } else { format!("by {count} snapshots of metrics") }
}

/// Whether responses were compressed isn't counted, so what was sent is said beside what it may be.
fn list_responses(list_count: u64, sent_bytes: Range) -> String {
    let lists = if list_count == 1 { "1 LIST".to_owned() } else { format!("{} LISTs", units::count(list_count)) };
    let each = if list_count == 1 { "" } else { " each" };
    format!("by metrics of {lists}, {}{each} as sent", units::bytes_range(sent_bytes.low, sent_bytes.high))
}

fn count_words(Range { low, high }: Range) -> String {
    units::count_range(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Observed, estimate_sizes};

    #[test]
    fn a_basis_names_the_source_of_both_numbers() {
        let paged = Observed {
            resource: "pods".to_owned(),
            chain_count: 120,
            longest_chain_page_count: Some(3),
            longest_chain_limit: Some(500),
            equal_chain_count: 114,
            name_count: 425,
            ..Observed::default()
        };
        assert_eq!(
            cost_basis(&estimate_sizes(&[], &[], &[paged])[0]),
            "1,501 to 2,000 objects (114 of 120 chains of pages reach page 4 of 500) of 3.9 KiB to 20 KiB each (usual for pods)"
        );
    }
}
