//! Object counts, sizes of objects and of LISTs, version and feature gates from a kube-apiserver's `/metrics` page
//! (Prometheus' text format). Each is used for what it holds: a page without some of them is as good as any.

use std::collections::BTreeMap;

use thiserror::Error;

use super::list_sizes::ListSizes;
use super::prometheus::Line;
use super::range::Range;
use crate::kubernetes::{GroupResource, Version};

/// Numbers of objects by group and resource, from 1.34 on.
const OBJECTS: &str = "apiserver_resource_objects";
/// The same by `resource.group`: what it was called before, and 1.22's predecessor of that.
const OLD_OBJECTS: [&str; 2] = ["apiserver_storage_objects", "etcd_object_counts"];
/// Bytes in etcd of all objects of a resource, from 1.34 on. The mean is that of objects that changed since the server
/// started, so it may be far from that of all.
const BYTES: &str = "apiserver_resource_size_estimate_bytes";
/// Bytes of responses by verb, resource and scope, in all versions: `_sum`, `_count`, `_bucket`.
const RESPONSE_SIZES: &str = "apiserver_response_sizes_";
/// Objects that LISTs returned, from the watch cache and from etcd.
const RETURNED_OBJECTS: [&str; 2] =
    ["apiserver_cache_list_returned_objects_total", "apiserver_storage_list_returned_objects_total"];
/// What the server was built from.
const BUILD: &str = "kubernetes_build_info";
/// From 1.33 on, what it was built from and which version it emulates.
const COMPATIBILITY: &str = "version_info";
/// Feature gates, 1 if on, from 1.26 on.
const GATES: &str = "kubernetes_feature_enabled";

/// Fewer bytes than any object takes in etcd, as its name, UID and creation time alone are more. An estimate below it
/// is one the server has not caught up on: for minutes after a start or a mass creation it may be far too low.
const LEAST_OBJECT_BYTES: u64 = 100;

/// What the server assumes of objects whose size it has not estimated yet (`list_work_estimator.go`, `maxObjectSize`).
const MOST_OBJECT_BYTES: u64 = 1_500_000;

/// One file of metrics. It may hold the pages of several apiservers, or of several times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken, as its line `# taken <RFC 3339>` has it; `None` without such a line.
    pub taken: Option<String>,
    /// Lines that are neither comments nor samples.
    pub unreadable_line_count: u64,
    /// Whether it holds any metric that is of use here.
    is_useful: bool,
    resources: BTreeMap<(String, String), Sample>,
    /// The version built, and the one emulated.
    built: Told<Version>,
    emulated: Told<Version>,
    gates: BTreeMap<String, Told<bool>>,
}

/// What the pages of a file say of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told<T> {
    /// Nothing.
    #[default]
    Nothing,
    /// All that say anything say this.
    Value(T),
    /// They contradict each other.
    Several,
}

impl<T: Copy + PartialEq> Told<T> {
    fn add(&mut self, value: T) {
        *self = match self {
            Self::Nothing => Self::Value(value),
            Self::Value(known) if *known == value => return,
            _ => Self::Several,
        };
    }

    const fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Several => None,
        }
    }
}

/// What is known of a resource; `None` where the server didn't know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) object_count: Option<Range>,
    /// Bytes in etcd of the whole collection.
    pub(super) stored_bytes: Option<Range>,
    /// Whether a server that keeps such an estimate had none of this resource.
    pub(super) is_size_unknown: bool,
    /// Sizes of LISTs.
    pub(super) list_sizes: ListSizes,
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
    /// It has none of the metrics that are used.
    #[error(
        "no apiserver metrics found: expected {OBJECTS}, {}, {}, {BYTES}, {RESPONSE_SIZES}*, {BUILD} or {GATES}",
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
        if snapshot.is_useful { Ok(snapshot) } else { Err(MetricsError::NoMetrics) }
    }

    /// The version that the server behaves as: the one it emulates, else the one it was built from. `None` where the file
    /// doesn't say, or where servers differ.
    pub fn version(&self) -> Option<Version> {
        match self.emulated {
            Told::Nothing => self.built.value(),
            emulated => emulated.value(),
        }
    }

    /// Whether a feature gate is on; `None` where the file doesn't say, or where servers differ.
    pub fn gate(&self, name: &str) -> Option<bool> {
        self.gates.get(name)?.value()
    }

    /// Resources and what is known of them, sorted by group and resource.
    pub(super) fn resources(&self) -> impl Iterator<Item = (&str, &str, &Sample)> {
        self.resources.iter().map(|((group, resource), sample)| (group.as_str(), resource.as_str(), sample))
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
        match sample.metric {
            BUILD => self.take_version(sample.label("git_version"), |snapshot| &mut snapshot.built),
            COMPATIBILITY if sample.label("component").is_none_or(|component| component == "kube") => {
                self.take_version(sample.label("emulation"), |snapshot| &mut snapshot.emulated);
            }
            GATES => self.take_gate(&sample),
            metric if OLD_OBJECTS.contains(&metric) || is_returned(metric) && sample.label("group").is_none() => {
                if let Some(GroupResource { api_group, resource }) = sample.label("resource").map(GroupResource::parse)
                {
                    self.take_sample(api_group, resource, &sample);
                }
            }
            metric if is_wanted(metric) => {
                if let Some(resource) = sample.label("resource").filter(|resource| !resource.is_empty()) {
                    self.take_sample(sample.label("group").unwrap_or_default(), resource, &sample);
                }
            }
            _ => {}
        }
    }

    fn take_version(&mut self, text: Option<&str>, slot: impl Fn(&mut Self) -> &mut Told<Version>) {
        if let Some(version) = text.and_then(Version::parse) {
            self.is_useful = true;
            slot(self).add(version);
        }
    }

    fn take_gate(&mut self, sample: &Line<'_>) {
        if let (Some(name), Some(value)) = (sample.label("name"), whole(sample.value)) {
            self.is_useful = true;
            self.gates.entry(name.to_owned()).or_default().add(value == 1);
        }
    }

    fn take_sample(&mut self, group: &str, resource: &str, sample: &Line<'_>) {
        let is_list = || {
            sample.label("verb") == Some("LIST")
                && sample.label("subresource").is_none_or(|subresource| subresource.is_empty())
        };
        let part = sample.metric.strip_prefix(RESPONSE_SIZES);
        if part.is_some() && !is_list() {
            return;
        }
        let value = whole(sample.value);
        // -1 is how the server says that it doesn't know.
        if value.is_none() && sample.metric != BYTES {
            return;
        }
        self.is_useful |= value.is_some();
        let known = self.resources.entry((group.to_owned(), resource.to_owned())).or_default();
        let Some(value) = value else {
            known.is_size_unknown = true;
            return;
        };
        if let Some(part) = part {
            known.list_sizes.add(sample.label("scope"), part, sample.label("le"), value);
        } else if is_returned(sample.metric) {
            known.list_sizes.add_returned(value);
        } else {
            let slot = if sample.metric == BYTES { &mut known.stored_bytes } else { &mut known.object_count };
            let value = Range::exactly(value);
            *slot = Some(slot.map_or(value, |range| range.union(value)));
        }
    }
}

/// Whether a metric is wanted that has the resource and its group as labels.
fn is_wanted(metric: &str) -> bool {
    metric == OBJECTS || metric == BYTES || metric.starts_with(RESPONSE_SIZES) || is_returned(metric)
}

fn is_returned(metric: &str) -> bool {
    RETURNED_OBJECTS.contains(&metric)
}

/// A count or a size; `None` for what is none (negative, not a number, infinite).
fn whole(value: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..9e15).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str, group: &str, resource: &str) -> Option<Sample> {
        let snapshot = Snapshot::read(text).unwrap();
        snapshot.resources().find(|(g, r, _)| (*g, *r) == (group, resource)).map(|(_, _, sample)| sample.clone())
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

    #[test]
    fn version_and_gates_are_read_where_all_agree() {
        let build = |version: &str| format!("kubernetes_build_info{{git_version=\"{version}\",major=\"1\"}} 1\n");
        let gate = |is_on| format!("kubernetes_feature_enabled{{name=\"WatchList\",stage=\"BETA\"}} {is_on}\n");
        let read = |text: &str| {
            let snapshot = Snapshot::read(text).unwrap();
            (snapshot.version(), snapshot.gate("WatchList"))
        };
        let minor = |minor| Some(Version::new(1, minor));
        assert_eq!(read(&(build("v1.36.2") + &gate(1) + &build("v1.36.3"))), (minor(36), Some(true)));
        assert_eq!(read(&(build("v1.36.2") + &gate(1) + &build("v1.35.9") + &gate(0))), (None, None));
        let emulated = "version_info{binary=\"1.36.2\",component=\"kube\",emulation=\"1.33\",min_compat=\"1.33\"} 1\n";
        assert_eq!(read(&(build("v1.36.2") + emulated)), (minor(33), None));
        assert_eq!(read(&(build("v0.0.0-master+$Format") + &gate(0))), (None, Some(false)));
    }
}
