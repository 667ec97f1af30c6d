//! What stands behind each `flow_key`: gathered while the log is read, since text of every request costs far more than its
//! key.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use foldhash::fast::FixedState;
use rayon::prelude::*;

use super::row::{Row, apf_user, object_text, timeout};
use crate::apf::{ListQuery, RequestDigest};
use crate::audit::{Text, parse_duration_secs};

/// The digests found so far, by their keys. Which request one is taken from makes no difference: the key is made of all
/// that is in it.
#[derive(Debug)]
pub(super) struct FlowDigests {
    shards: [Mutex<HashMap<i64, RequestDigest, FixedState>>; SHARDS],
    /// Keys that were noted, each in the place that some of its bits name: most requests need no more than a look here.
    noted: Box<[AtomicI64]>,
}

/// Enough that threads seldom meet.
const SHARDS: usize = 16;
/// A busy hour of a cluster has some ten thousand keys; half a megabyte stays near the processor.
const NOTED: usize = 1 << 16;

impl Default for FlowDigests {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(FixedState::with_seed(0)))),
            noted: (0..NOTED).map(|_| AtomicI64::new(0)).collect(),
        }
    }
}

impl FlowDigests {
    /// Takes note of a request with this key.
    pub(super) fn note(&self, flow_key: i64, row: &Row<'_>) {
        let bytes = flow_key.to_le_bytes();
        let noted = &self.noted[usize::from(u16::from_le_bytes([bytes[1], bytes[2]])) % NOTED];
        if noted.load(Ordering::Relaxed) == flow_key {
            return;
        }
        let shard = usize::from(bytes[0]) % SHARDS;
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        shard.entry(flow_key).or_insert_with(|| digest(row));
        noted.store(flow_key, Ordering::Relaxed);
    }

    /// Takes all of them, by key.
    pub(super) fn take(&self) -> Vec<(i64, RequestDigest)> {
        self.noted.iter().for_each(|noted| noted.store(0, Ordering::Relaxed));
        let taken = self.shards.par_iter().flat_map_iter(|shard| {
            std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner)).into_iter()
        });
        let mut all: Vec<_> = taken.collect();
        all.par_sort_unstable_by_key(|(flow_key, _)| *flow_key);
        all
    }
}

fn digest(row: &Row<'_>) -> RequestDigest {
    let event = row.request.event;
    let text = |text: Option<Text<'_>>| text.map(|text| text.decode().into_owned()).unwrap_or_default();
    let user = apf_user(row);
    let verb = text(event.verb);
    let (path, query) = row.uri.split_once('?').unwrap_or((row.uri, ""));
    let object = event.object_ref.as_ref();
    RequestDigest {
        user: text(user.name),
        groups: user.groups.into_iter().flat_map(|groups| groups.iter()).map(|name| name.decode().into()).collect(),
        api_group: object.map(|object| text(object.api_group)),
        resource: text(object_text(row, |object| object.resource)),
        subresource: text(object_text(row, |object| object.subresource)),
        namespace: text(object_text(row, |object| object.namespace)),
        path: if object.is_none() { path.to_owned() } else { String::new() },
        has_name: object_text(row, |object| object.name).is_some(),
        list: if matches!(verb.as_str(), "list" | "watch") { ListQuery::parse(query) } else { None },
        timeout_secs: timeout(row).and_then(parse_duration_secs),
        verb,
    }
}
