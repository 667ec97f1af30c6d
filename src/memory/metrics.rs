//! Object counts and sizes from a kube-apiserver's `/metrics` page (Prometheus' text format).
//!
//! Read by hand: four metrics of one line each are wanted, and what can't be read is to be counted. The crate
//! `prometheus-parse` passes over such lines in silence, keeps all samples of a page in maps without an order, and
//! brings a clock and regular expressions along.

use std::collections::BTreeMap;

use thiserror::Error;

use super::range::Range;
use crate::kubernetes::GroupResource;

/// Numbers of objects by group and resource, from 1.34 on.
const OBJECTS: &str = "apiserver_resource_objects";
/// The same by `resource.group`: what it was called before, and 1.22's predecessor of that.
const OLD_OBJECTS: [&str; 2] = ["apiserver_storage_objects", "etcd_object_counts"];
/// Bytes in etcd of all objects of a resource, from 1.34 on.
const BYTES: &str = "apiserver_resource_size_estimate_bytes";

/// Fewer bytes than any object takes in etcd, as its name, UID and creation time alone are more. An estimate below it
/// is one the server has not caught up on: for minutes after a start or a mass creation it may be far too low.
const LEAST_OBJECT_BYTES: u64 = 100;

/// What the server assumes of objects whose size it has not estimated yet (`list_work_estimator.go`, `maxObjectSize`).
const MOST_OBJECT_BYTES: u64 = 1_500_000;

/// The sizes in one file of metrics. It may hold the pages of several apiservers, or of several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken, as its line `# taken <RFC 3339>` has it; `None` without such a line.
    pub taken: Option<String>,
    /// Lines that are neither comments nor samples.
    pub unreadable_line_count: u64,
    resources: BTreeMap<(String, String), Sample>,
}

/// What is known of a resource; `None` where the server didn't know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) object_count: Option<Range>,
    /// Bytes in etcd of the whole collection.
    pub(super) stored_bytes: Option<Range>,
    /// Whether a server that keeps such an estimate had none of this resource.
    pub(super) is_size_unknown: bool,
}

impl Sample {
    /// Bytes in etcd of one object; `None` where that isn't known or can't be.
    pub(super) fn stored_object_bytes(&self) -> Option<Range> {
        self.own_object_bytes().filter(|each| each.low >= LEAST_OBJECT_BYTES)
    }

    /// Bytes in etcd of one object as the server itself takes it to be, right or not: where it has no estimate, the most
    /// that an object can be. `None` from servers that don't estimate.
    pub(super) fn assumed_object_bytes(&self) -> Option<Range> {
        let unknown = self.is_size_unknown.then_some(Range::exactly(MOST_OBJECT_BYTES));
        self.own_object_bytes().into_iter().chain(unknown).reduce(Range::union)
    }

    fn own_object_bytes(&self) -> Option<Range> {
        let (bytes, count) = (self.stored_bytes?, self.object_count?);
        if count.low == count.high? && count.low > 0 {
            let count = count.low;
            Some(Range { low: bytes.low / count, high: bytes.high.map(|high| high.div_ceil(count)) })
        } else {
            bytes.over(count)
        }
    }
}

/// Why a file of metrics can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MetricsError {
    /// It has no object counts or sizes.
    #[error(
        "no apiserver metrics found: expected {OBJECTS}, {}, {} or {BYTES}",
        OLD_OBJECTS[0],
        OLD_OBJECTS[1]
    )]
    NoMetrics,
}

impl Snapshot {
    /// Reads a page of metrics.
    ///
    /// # Errors
    /// When it has no value of any metric that is wanted here.
    pub fn read(text: &str) -> Result<Self, MetricsError> {
        let mut snapshot = Self::default();
        for line in text.lines() {
            snapshot.take(line.trim());
        }
        if snapshot.resources.is_empty() {
            return Err(MetricsError::NoMetrics);
        }
        Ok(snapshot)
    }

    /// Resources and what is known of them, sorted by group and resource.
    pub(super) fn resources(&self) -> impl Iterator<Item = (&str, &str, Sample)> {
        self.resources.iter().map(|((group, resource), sample)| (group.as_str(), resource.as_str(), *sample))
    }

    fn take(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(at) = comment.trim_start().strip_prefix("taken ") {
                self.taken.get_or_insert_with(|| at.trim().to_owned());
            }
            return;
        }
        if line.is_empty() {
            return;
        }
        let Some(sample) = Line::read(line) else {
            self.unreadable_line_count += 1;
            return;
        };
        let (group, resource) = match sample.metric {
            OBJECTS | BYTES => (sample.label("group").unwrap_or_default(), sample.label("resource")),
            metric if OLD_OBJECTS.contains(&metric) => {
                let name = sample.label("resource").map(GroupResource::parse);
                (name.map_or("", |name| name.api_group), name.map(|name| name.resource))
            }
            _ => return,
        };
        // -1 is how the server says that it doesn't know.
        if let (BYTES, Some(resource), None) = (sample.metric, resource, whole(sample.value)) {
            self.resources.entry((group.to_owned(), resource.to_owned())).or_default().is_size_unknown = true;
        }
        if let (Some(resource), Some(value)) = (resource, whole(sample.value)) {
            let known = self.resources.entry((group.to_owned(), resource.to_owned())).or_default();
            let slot = if sample.metric == BYTES { &mut known.stored_bytes } else { &mut known.object_count };
            let value = Range::exactly(value);
            *slot = Some(slot.map_or(value, |range| range.union(value)));
        }
    }
}

/// A count or a size; `None` for what is none (negative, not a number, infinite).
fn whole(value: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..9e15).contains(&value).then_some(value as u64)
}

/// A sample's line. Label values stay as they are written: names of groups and resources hold nothing to unescape.
struct Line<'t> {
    metric: &'t str,
    labels: Vec<(&'t str, &'t str)>,
    value: f64,
}

impl<'t> Line<'t> {
    /// `metric{label="value",…} number [timestamp]`.
    fn read(line: &'t str) -> Option<Self> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let (metric, mut rest) = line.split_at(line.find(|c| !is_name(c))?);
        let mut labels = Vec::new();
        if let Some(mut inner) = rest.strip_prefix('{') {
            loop {
                inner = inner.trim_start_matches([' ', ',']);
                if let Some(after) = inner.strip_prefix('}') {
                    rest = after;
                    break;
                }
                let (name, quoted) = inner.split_once('=')?;
                let (value, after) = split_quoted(quoted.trim_start())?;
                labels.push((name.trim(), value));
                inner = after;
            }
        }
        let value = rest.split_whitespace().next()?.parse().ok()?;
        (!metric.is_empty()).then_some(Self { metric, labels, value })
    }

    fn label(&self, name: &str) -> Option<&'t str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| *value)
    }
}

/// What stands in quotes at the start, and what follows.
fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, group: &str, resource: &str) -> Option<Sample> {
        let snapshot = Snapshot::read(text).unwrap();
        snapshot.resources().find(|(g, r, _)| (*g, *r) == (group, resource)).map(|(_, _, sample)| sample)
    }

    #[test]
    fn a_page_of_1_36_has_counts_and_sizes() {
        let text = r#"# taken 2026-11-24T10:39:08.751719Z
# HELP apiserver_resource_objects [ALPHA] Number of stored objects at the time of last check split by kind.
# TYPE apiserver_resource_objects gauge
apiserver_resource_objects{group="",resource="pods"} 1680
apiserver_resource_objects{group="coordination.k8s.io",resource="leases"} 63
apiserver_resource_objects{group="admissionregistration.k8s.io",resource="mutatingadmissionpolicybindings"} -1
apiserver_resource_size_estimate_bytes{group="",resource="pods"} 6.96864e+06
apiserver_resource_size_estimate_bytes{group="coordination.k8s.io",resource="leases"} 19845
apiserver_storage_objects{resource="leases.coordination.k8s.io"} 63
process_start_time_seconds 1.79549912e+09 1795500000000
"#;
        let pods = sample(text, "", "pods").unwrap();
        assert_eq!(pods.object_count, Some(Range::exactly(1_680)));
        assert_eq!(pods.stored_object_bytes(), Some(Range::exactly(4_148)));
        let leases = sample(text, "coordination.k8s.io", "leases").unwrap();
        assert_eq!(leases.stored_object_bytes(), Some(Range::exactly(315)));
        assert_eq!(sample(text, "admissionregistration.k8s.io", "mutatingadmissionpolicybindings"), None);
        let snapshot = Snapshot::read(text).unwrap();
        assert_eq!(snapshot.taken.as_deref(), Some("2026-11-24T10:39:08.751719Z"));
        assert_eq!(snapshot.unreadable_line_count, 0);
    }

    #[test]
    fn older_names_put_the_group_into_the_resource() {
        let text = "apiserver_storage_objects{resource=\"deployments.apps\"} 33\n\
                    apiserver_storage_objects{resource=\"pods.\"} 5\n\
                    etcd_object_counts{resource=\"endpointslices.discovery.k8s.io\"} 32\n";
        assert_eq!(sample(text, "apps", "deployments").unwrap().object_count, Some(Range::exactly(33)));
        assert_eq!(sample(text, "", "pods").unwrap().object_count, Some(Range::exactly(5)));
        assert_eq!(sample(text, "discovery.k8s.io", "endpointslices").unwrap().object_count, Some(Range::exactly(32)));
    }

    #[test]
    fn several_servers_in_one_file_give_a_range() {
        let text = "apiserver_resource_objects{instance=\"a, \\\"b\\\"}\",group=\"\",resource=\"pods\"} 100\n\
                    apiserver_resource_objects{instance=\"c\",group=\"\",resource=\"pods\",} 104\n";
        assert_eq!(sample(text, "", "pods").unwrap().object_count, Some(Range::between(100, 104)));
    }

    #[test]
    fn an_estimate_that_is_too_low_to_be_true_is_none() {
        let text = "apiserver_resource_objects{group=\"\",resource=\"pods\"} 3000\n\
                    apiserver_resource_size_estimate_bytes{group=\"\",resource=\"pods\"} 230000\n";
        assert_eq!(sample(text, "", "pods").unwrap().stored_object_bytes(), None);
    }

    #[test]
    fn junk_is_counted_and_a_page_without_use_is_an_error() {
        let text = "<html>\netcd_object_counts{resource=\"pods\"} 7\netcd_object_counts{resource=\"pods\nup one\n";
        assert_eq!(Snapshot::read(text).unwrap().unreadable_line_count, 3);
        let unknown = "apiserver_resource_objects{group=\"\",resource=\"pods\"} -1\nup NaN\n";
        assert_eq!(Snapshot::read(unknown), Err(MetricsError::NoMetrics));
        assert!(MetricsError::NoMetrics.to_string().starts_with("no apiserver metrics found"));
    }
}
