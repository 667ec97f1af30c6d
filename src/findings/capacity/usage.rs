//! What each client used, and what explains a change of its LISTs: more instances, more LISTs of each, or bigger responses.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{CapacityThresholds, ClientLists, ClientPeriod, float};
use crate::findings::Bytes;

/// What a client used in one period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Requests of all kinds.
    pub requests: u64,
    /// LISTs, without those that a watch begins with.
    pub lists: u64,
    /// Watches, including those that begin with a list.
    pub watches: u64,
    /// Watches that begin with a list. What they return counts among what LISTs return.
    pub watch_lists: u64,
    /// Creations, updates, patches and deletions.
    pub writes: u64,
    /// Requests that API Priority and Fairness rejected.
    pub rejected: u64,
    /// Seat-seconds: the low end of the range.
    pub low_seat_secs: f64,
    /// Seat-seconds: the high end of the range.
    pub high_seat_secs: f64,
    /// Instances that read collections; `None` where it read none.
    pub instances: Option<u64>,
    /// Lists of whole collections of the cluster.
    pub whole_lists: u64,
    /// What its lists returned; `None` where no size is known.
    pub response_bytes: Option<Bytes>,
    /// Its lists in flight at once, at most.
    pub peak_lists: u64,
    /// What they held at once at most; `None` where no size is known.
    pub peak_bytes: Option<Bytes>,
}

/// What a client used in both periods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientUsage {
    /// What kind of client it is, such as `operator`.
    pub client_type: String,
    /// Its name; empty for all clients of a type together.
    pub client: String,
    /// In this period; `None` if it sent nothing.
    pub this: Option<Usage>,
    /// In the period before; `None` if it sent nothing, or the logs don't hold that period.
    pub before: Option<Usage>,
    /// What explains the change of its LISTs; `None` where there is too little change to explain.
    pub change: Option<ListChange>,
}

/// How a client's LISTs changed, as factors: the value in this period divided by the one in the period before, counts as
/// rates over the time that the logs cover. What changed little is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ListChange {
    /// LISTs per second.
    pub lists: f64,
    /// Instances.
    pub instances: Option<InstanceChange>,
    /// LISTs of each instance.
    pub lists_per_instance: Option<f64>,
    /// Bytes in each response.
    pub bytes_per_list: Option<f64>,
}

/// How the number of a client's instances changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceChange {
    /// In the period before.
    pub before: u64,
    /// In this period.
    pub now: u64,
}

impl ClientUsage {
    /// How much it used: by the bytes its lists returned, then by requests.
    fn rank(&self) -> (u64, u64) {
        let usage = self.this.as_ref().or(self.before.as_ref());
        usage.map_or((0, 0), |usage| {
            (usage.response_bytes.map_or(0, |bytes| bytes.high.unwrap_or(bytes.low)), usage.requests)
        })
    }
}

/// All clients, those whose lists return most first. `pace` is what counts of the period before are multiplied with; `None`
/// where the periods aren't compared.
pub(super) fn compare_clients(
    periods: &[ClientPeriod],
    lists: &[ClientLists],
    pace: Option<f64>,
    thresholds: &CapacityThresholds,
) -> Vec<ClientUsage> {
    let mut names: BTreeSet<(&str, &str)> =
        periods.iter().map(|row| (row.client_type.as_str(), row.client.as_str())).collect();
    names.extend(lists.iter().map(|row| (row.client_type.as_str(), row.client.as_str())));
    let mut usages: BTreeMap<(&str, &str, bool), Usage> = BTreeMap::new();
    for row in periods {
        usages.entry((&row.client_type, &row.client, row.is_this)).or_default().add_requests(row);
    }
    for row in lists {
        usages.entry((&row.client_type, &row.client, row.is_this)).or_default().add_lists(row);
    }
    let mut clients: Vec<ClientUsage> = names
        .into_iter()
        .map(|(client_type, client)| {
            let of = |is_this| usages.get(&(client_type, client, is_this)).cloned();
            let (this, before) = (of(true), of(false).filter(|_| pace.is_some()));
            let both = this.as_ref().zip(before.as_ref()).zip(pace);
            let change = both.and_then(|((this, before), pace)| explain_change(this, before, pace, thresholds));
            ClientUsage { client_type: client_type.to_owned(), client: client.to_owned(), this, before, change }
        })
        .filter(|client| client.this.is_some() || client.before.is_some())
        .collect();
    clients.sort_by_key(|client| std::cmp::Reverse(client.rank()));
    clients
}

/// All clients of each type together, the types whose lists return most first.
pub(super) fn sum_by_type(clients: &[ClientUsage]) -> Vec<ClientUsage> {
    let mut types: BTreeMap<&str, (Option<Usage>, Option<Usage>)> = BTreeMap::new();
    for client in clients {
        let (this, before) = types.entry(&client.client_type).or_default();
        for (sum, part) in [(this, &client.this), (before, &client.before)] {
            if let Some(part) = part {
                sum.get_or_insert_with(Usage::default).add(part);
            }
        }
    }
    let of_type = types.into_iter().map(|(client_type, (this, before))| ClientUsage {
        client_type: client_type.to_owned(),
        client: String::new(),
        this,
        before,
        change: None,
    });
    let mut types: Vec<ClientUsage> = of_type.collect();
    types.sort_by_key(|client| std::cmp::Reverse(client.rank()));
    types
}

/// All usage together.
pub(super) fn sum_usage<'c>(usages: impl Iterator<Item = &'c Usage>) -> Usage {
    usages.fold(Usage::default(), |mut sum, usage| {
        sum.add(usage);
        sum
    })
}

impl Usage {
    fn add_requests(&mut self, row: &ClientPeriod) {
        self.requests += row.request_count;
        self.lists += row.list_count;
        self.watches += row.watch_count;
        self.watch_lists += row.watch_list_count;
        self.writes += row.write_count;
        self.rejected += row.rejected_count;
        self.low_seat_secs += row.low_seat_secs.unwrap_or_default();
        self.high_seat_secs += row.high_seat_secs.unwrap_or_default();
    }

    fn add_lists(&mut self, row: &ClientLists) {
        self.instances = Some(self.instances.unwrap_or_default() + row.instance_count);
        self.whole_lists += row.whole_list_count;
        self.response_bytes = plus(self.response_bytes, bytes(row.response_low_bytes, row.response_high_bytes));
        self.peak_lists = self.peak_lists.max(row.peak_list_count.unwrap_or_default());
        self.peak_bytes = bytes(row.peak_low_bytes, row.peak_high_bytes);
    }

    /// Peaks are of different instants, so they can't be added: the highest is taken.
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.lists += other.lists;
        self.watches += other.watches;
        self.watch_lists += other.watch_lists;
        self.writes += other.writes;
        self.rejected += other.rejected;
        self.low_seat_secs += other.low_seat_secs;
        self.high_seat_secs += other.high_seat_secs;
        self.instances =
            self.instances.map_or(other.instances, |count| Some(count + other.instances.unwrap_or_default()));
        self.whole_lists += other.whole_lists;
        self.response_bytes = plus(self.response_bytes, other.response_bytes);
        self.peak_lists = self.peak_lists.max(other.peak_lists);
        self.peak_bytes = higher(self.peak_bytes, other.peak_bytes);
    }
}

/// The one with the higher low end.
fn higher(one: Option<Bytes>, other: Option<Bytes>) -> Option<Bytes> {
    match (one, other) {
        (Some(one), Some(other)) if other.low > one.low => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

fn bytes(low: Option<u64>, high: Option<u64>) -> Option<Bytes> {
    Some(Bytes { low: low?, high })
}

fn plus(one: Option<Bytes>, other: Option<Bytes>) -> Option<Bytes> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Bytes { low: one.low + other.low, high: one.high.zip(other.high).map(|(one, other)| one + other) })
        }
        (one, other) => one.or(other),
    }
}

/// What explains a change of a client's lists; `None` where there was little change, or of few lists.
fn explain_change(this: &Usage, before: &Usage, pace: f64, thresholds: &CapacityThresholds) -> Option<ListChange> {
    let (lists, lists_before) = (this.lists.max(1), before.lists.max(1));
    let factor = |now: f64, then: f64| {
        (then > 0.0).then(|| now / then).filter(|factor| (factor - 1.0).abs() >= thresholds.min_change)
    };
    let is_enough = lists.max(lists_before) >= thresholds.min_explained_lists;
    let lists_factor = factor(float(lists), float(lists_before) * pace).filter(|_| is_enough)?;
    let instances = this.instances.zip(before.instances);
    let per_instance = |lists: u64, instances: u64| ratio(lists, instances.max(1));
    let size = |usage: &Usage| {
        usage.response_bytes.map(|bytes| ratio(bytes.middle(), (usage.lists + usage.watch_lists).max(1)))
    };
    Some(ListChange {
        lists: lists_factor,
        instances: instances
            .filter(|(now, before)| factor(float(*now), float(*before)).is_some())
            .map(|(now, before)| InstanceChange { before, now }),
        lists_per_instance: instances
            .and_then(|(now, before)| factor(per_instance(lists, now), per_instance(lists_before, before) * pace)),
        bytes_per_list: size(this).zip(size(before)).and_then(|(now, then)| factor(now, then)),
    })
}

fn ratio(part: u64, whole: u64) -> f64 {
    float(part) / float(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Thresholds;

    fn usage(lists: u64, instances: u64, bytes: u64) -> Usage {
        Usage {
            lists,
            instances: Some(instances),
            response_bytes: Some(Bytes { low: bytes, high: Some(bytes) }),
            ..Usage::default()
        }
    }

    #[test]
    fn growth_is_explained_by_what_grew() {
        let explained =
            |this: Usage, before: Usage| explain_change(&this, &before, 1.0, &Thresholds::embedded().capacity);
        let more_instances = ListChange {
            lists: 1.5,
            instances: Some(InstanceChange { before: 10, now: 15 }),
            lists_per_instance: None,
            bytes_per_list: None,
        };
        assert_eq!(explained(usage(150, 15, 1_500), usage(100, 10, 1_000)), Some(more_instances));
        let more_of_each =
            ListChange { lists: 9.0, instances: None, lists_per_instance: Some(9.0), bytes_per_list: None };
        assert_eq!(explained(usage(900, 10, 9_000), usage(100, 10, 1_000)), Some(more_of_each));
        assert_eq!(explained(usage(103, 10, 1_000), usage(100, 10, 1_000)), None, "too little change");
        assert_eq!(explained(usage(10, 1, 1_000), usage(1, 1, 1_000)), None, "too few lists");
    }

    #[test]
    fn a_shorter_log_is_no_change() {
        let explained =
            |this: Usage, before: Usage| explain_change(&this, &before, 0.85, &Thresholds::embedded().capacity);
        assert_eq!(
            explained(usage(850, 10, 8_500), usage(1_000, 10, 10_000)),
            None,
            "85 % of the time, 85 % of the LISTs"
        );
        let grown = explained(usage(1_000, 10, 10_000), usage(1_000, 10, 10_000)).unwrap();
        assert!((grown.lists - 1.0 / 0.85).abs() < 1e-9);
    }
}
