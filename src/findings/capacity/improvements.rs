//! What to do first: clients whose whole LISTs could be watches, by what that would save.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ClientUsage;
use crate::findings::{Bytes, ClientProfile};
use crate::units;

/// Something to do, and what it would save.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Improvement {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// What to do, in words.
    pub what: String,
    /// Lists of whole collections that would not be.
    pub lists_saved: u64,
    /// The part of all bytes that lists returned in the period, from 0 to 1, middle of the estimate; `None` where unknown.
    pub share: Option<f64>,
    /// Bytes that would not be returned in the period; `None` where no size is known.
    pub response_bytes: Option<Bytes>,
    /// What the client's lists held at once at most, which would not be held; `None` where no size is known.
    pub peak_bytes: Option<Bytes>,
}

/// Of fewer lists than this nothing is to be gained.
const LEAST_SAVED: u64 = 10;

/// Clients by the bytes that a watch in place of repeated whole lists would save: all but the one list that each instance
/// begins with.
pub(super) fn improvements(clients: &[ClientUsage], notes: &BTreeMap<String, ClientProfile>) -> Vec<Improvement> {
    let this = || clients.iter().filter_map(|client| Some((client, client.this.as_ref()?)));
    let all: u64 = this().filter_map(|(_, usage)| usage.response_bytes.map(Bytes::middle)).sum();
    let mut found: Vec<Improvement> = this()
        // The server's own clients are not for anybody to change.
        .filter(|(client, _)| client.client_type != "apiserver")
        .filter_map(|(client, usage)| {
            let lists_saved = usage.whole_lists.saturating_sub(usage.instances.unwrap_or_default());
            if lists_saved < LEAST_SAVED {
                return None;
            }
            let part = |bytes: u64| {
                #[expect(clippy::cast_possible_truncation, reason = "no more than what it is a part of")]
                let part =
                    (u128::from(bytes) * u128::from(lists_saved) / u128::from(usage.lists.max(lists_saved))) as u64;
                part
            };
            let response_bytes =
                usage.response_bytes.map(|bytes| Bytes { low: part(bytes.low), high: bytes.high.map(part) });
            Some(Improvement {
                client_type: client.client_type.clone(),
                client: client.client.clone(),
                what: what(client, lists_saved, notes),
                lists_saved,
                #[expect(clippy::cast_precision_loss, reason = "a share")]
                share: response_bytes.filter(|_| all > 0).map(|bytes| bytes.middle() as f64 / all as f64),
                response_bytes,
                peak_bytes: usage.peak_bytes,
            })
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse((one.response_bytes.map(Bytes::middle), one.lists_saved)));
    found
}

fn what(client: &ClientUsage, lists_saved: u64, notes: &BTreeMap<String, ClientProfile>) -> String {
    let advice = notes.get(&client.client).and_then(|note| note.advice.clone());
    let advice = advice.unwrap_or_else(|| {
        "watch in place of listing (an informer), or list with resourceVersion=0 and selectors, and less often"
            .to_owned()
    });
    format!("{advice} ({} LISTs of whole collections beyond the first of each instance)", units::count(lists_saved))
}
