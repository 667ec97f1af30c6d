//! What to do first: clients whose repeated LISTs of whole collections could be watches, by what that would save.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ClientUsage;
use crate::findings::{Bytes, ClientProfile};

/// A client that could watch instead of listing whole collections again and again, and what that would save.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Improvement {
    /// What kind of client it is, such as `operator`.
    pub client_type: String,
    /// Its name.
    pub client: String,
    /// What the client catalogue advises; `None` where it has no advice.
    pub advice: Option<String>,
    /// Lists of whole collections saved: all beyond the first of each instance.
    pub lists_saved: u64,
    /// The part saved of all bytes that lists returned in the period, from 0 to 1, middle of the estimate; `None` where
    /// unknown.
    pub share: Option<f64>,
    /// Bytes saved in the period; `None` where no size is known.
    pub response_bytes: Option<Bytes>,
    /// What the client's lists held at once at most, which they would no longer hold; `None` where no size is known.
    pub peak_bytes: Option<Bytes>,
}

/// Clients by the bytes that a watch in place of repeated whole lists would save: all but the one list that each instance
/// begins with.
pub(super) fn find_improvements(
    clients: &[ClientUsage],
    profiles: &BTreeMap<String, ClientProfile>,
    min_saved_lists: u64,
) -> Vec<Improvement> {
    let this = || clients.iter().filter_map(|client| Some((client, client.this.as_ref()?)));
    let all: u64 = this().filter_map(|(_, usage)| usage.response_bytes.map(Bytes::middle)).sum();
    let mut found: Vec<Improvement> = this()
        // The apiserver's own clients can't be changed.
        .filter(|(client, _)| client.client_type != "apiserver")
        .filter_map(|(client, usage)| {
            let lists_saved = usage.whole_lists.saturating_sub(usage.instances.unwrap_or_default());
            if lists_saved < min_saved_lists {
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
                advice: profiles.get(&client.client).and_then(|profile| profile.advice.clone()),
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
