//! Which clients grew, and what explains it: more instances, more of each, or bigger answers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{ClientLists, ClientPeriod};
use crate::findings::Bytes;
use crate::units;

/// What a client used in one period.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Requests.
    pub requests: u64,
    /// Lists.
    pub lists: u64,
    /// Watches, those that begin with a list among them.
    pub watches: u64,
    /// Writes.
    pub writes: u64,
    /// Requests that API Priority and Fairness refused.
    pub rejected: u64,
    /// Seat-seconds, at least.
    pub low_seat_secs: f64,
    /// Seat-seconds, at most.
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

/// A client in both periods.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientUsage {
    /// Its type.
    pub client_type: String,
    /// The client; empty for all of a type.
    pub client: String,
    /// In this period; `None` if it wasn't there.
    pub this: Option<Usage>,
    /// In the one before; `None` if it wasn't there, or that isn't in the logs.
    pub before: Option<Usage>,
    /// What explains the change, in words; empty where there is nothing to explain.
    pub why: String,
}

impl ClientUsage {
    /// How much it used in this period.
    fn rank(&self) -> (u64, u64) {
        let usage = self.this.as_ref().or(self.before.as_ref());
        usage.map_or((0, 0), |usage| {
            (usage.response_bytes.map_or(0, |bytes| bytes.high.unwrap_or(bytes.low)), usage.requests)
        })
    }
}

/// All clients, those whose lists return most first.
pub(super) fn clients(periods: &[ClientPeriod], lists: &[ClientLists], has_before: bool) -> Vec<ClientUsage> {
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
            let (this, before) = (of(true), of(false).filter(|_| has_before));
            let why = this.as_ref().zip(before.as_ref()).map(|(this, before)| why(this, before)).unwrap_or_default();
            ClientUsage { client_type: client_type.to_owned(), client: client.to_owned(), this, before, why }
        })
        .filter(|client| client.this.is_some() || client.before.is_some())
        .collect();
    clients.sort_by_key(|client| std::cmp::Reverse(client.rank()));
    clients
}

/// The same by type.
pub(super) fn types(clients: &[ClientUsage]) -> Vec<ClientUsage> {
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
        why: String::new(),
    });
    let mut types: Vec<ClientUsage> = of_type.collect();
    types.sort_by_key(|client| std::cmp::Reverse(client.rank()));
    types
}

/// All of one period together.
pub(super) fn total<'c>(usages: impl Iterator<Item = &'c Usage>) -> Usage {
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

    /// Peaks aren't of the same instant, so the highest stands for all.
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.lists += other.lists;
        self.watches += other.watches;
        self.writes += other.writes;
        self.rejected += other.rejected;
        self.low_seat_secs += other.low_seat_secs;
        self.high_seat_secs += other.high_seat_secs;
        self.instances =
            self.instances.map_or(other.instances, |count| Some(count + other.instances.unwrap_or_default()));
        self.whole_lists += other.whole_lists;
        self.response_bytes = plus(self.response_bytes, other.response_bytes);
        self.peak_lists = self.peak_lists.max(other.peak_lists);
        self.peak_bytes = self.peak_bytes.max_by_low(other.peak_bytes);
    }
}

trait MaxByLow {
    fn max_by_low(self, other: Self) -> Self;
}

impl MaxByLow for Option<Bytes> {
    fn max_by_low(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(other)) if other.low > one.low => Some(other),
            (Some(one), _) => Some(one),
            (None, other) => other,
        }
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

/// Less of a change than this has no reason that could be told from chance.
const CHANGED: f64 = 0.1;
/// Of so few lists nothing can be told.
const LEAST_LISTS: u64 = 20;

/// What explains a change of a client's lists.
fn why(this: &Usage, before: &Usage) -> String {
    let (lists, lists_before) = (this.lists.max(1), before.lists.max(1));
    let Some(change) = change(lists, lists_before).filter(|_| lists.max(lists_before) >= LEAST_LISTS) else {
        return String::new();
    };
    let mut reasons = Vec::new();
    if let (Some(now), Some(then)) = (this.instances, before.instances) {
        if let Some(change) = self::change(now, then) {
            reasons.push(format!("{change} instances ({} → {})", units::count(then), units::count(now)));
        }
        let each = |lists: u64, instances: u64| ratio(lists, instances.max(1));
        if let Some(change) = change_of(each(lists, now), each(lists_before, then)) {
            reasons.push(format!("{change} LISTs of each"));
        }
    }
    let size = |usage: &Usage| usage.response_bytes.map(|bytes| ratio(bytes.middle(), usage.lists.max(1)));
    if let Some(change) = size(this).zip(size(before)).and_then(|(now, then)| change_of(now, then)) {
        reasons.push(format!("{change} bytes in each answer, as it lists other things or in other ways"));
    }
    if reasons.is_empty() { format!("{change} LISTs") } else { format!("{change} LISTs: {}", reasons.join(", ")) }
}

/// A change in words, such as `+20 %`; `None` where there is as good as none.
pub(super) fn change(now: u64, then: u64) -> Option<String> {
    change_of(float(now), float(then))
}

fn change_of(now: f64, then: f64) -> Option<String> {
    if then <= 0.0 {
        return None;
    }
    let change = now / then - 1.0;
    (change.abs() >= CHANGED)
        .then(|| if change >= 4.0 { format!("×{:.0}", change + 1.0) } else { format!("{:+.0} %", change * 100.0) })
}

fn ratio(part: u64, whole: u64) -> f64 {
    float(part) / float(whole)
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes of which a few digits are told")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(why(&usage(150, 15, 1_500), &usage(100, 10, 1_000)), "+50 % LISTs: +50 % instances (10 → 15)");
        assert_eq!(why(&usage(300, 10, 3_000), &usage(100, 10, 1_000)), "+200 % LISTs: +200 % LISTs of each");
        assert_eq!(why(&usage(900, 10, 9_000), &usage(100, 10, 1_000)), "×9 LISTs: ×9 LISTs of each");
        assert_eq!(why(&usage(103, 10, 1_000), &usage(100, 10, 1_000)), "");
        assert_eq!(why(&usage(10, 1, 1_000), &usage(1, 1, 1_000)), "");
    }
}
