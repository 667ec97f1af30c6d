//! The second wave: which clients came back when the server did, and with how many lists.

use serde::Serialize;

use super::thresholds::micros;
use super::{ClientReturn, IncidentInput};
use crate::audit::Micros;
use crate::findings::Bytes;
use crate::findings::finding::as_maybe_instant;

/// What the server had to serve once it was back, within `wave_secs` of its first sign of life.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReturnWave {
    /// Instances of all clients.
    pub instances: u64,
    /// Their lists, and watches that begin with one.
    pub lists: u64,
    /// What those returned; `None` where no size is known.
    pub response_bytes: Option<Bytes>,
    /// When the server died again; `None` if it didn't within `died_again_secs`.
    #[serde(serialize_with = "as_maybe_instant")]
    pub died_again_at: Option<Micros>,
    /// The clients, those with most lists first.
    pub clients: Vec<ClientReturn>,
}

impl ClientReturn {
    /// What its lists returned; `None` where no size is known.
    pub fn response_bytes(&self) -> Option<Bytes> {
        Some(Bytes { low: self.response_low_bytes?, high: self.response_high_bytes })
    }
}

/// `None` where no server came back.
pub(super) fn summarize_returns(input: &IncidentInput<'_>) -> Option<ReturnWave> {
    let back_at = input.moment.back_at?;
    let clients = input.returns;
    if clients.is_empty() {
        return None;
    }
    let sum = |of: fn(&ClientReturn) -> u64| clients.iter().map(of).sum::<u64>();
    let known: Vec<Bytes> = clients.iter().filter_map(ClientReturn::response_bytes).collect();
    let response_bytes = (!known.is_empty()).then(|| Bytes {
        low: known.iter().map(|bytes| bytes.low).sum(),
        high: known.iter().map(|bytes| bytes.high).sum(),
    });
    let soon = micros(input.thresholds.incident.died_again_secs);
    let again = input.moments.iter().filter(|moment| {
        moment.apiserver == input.moment.apiserver && moment.at > back_at && moment.at - back_at <= soon
    });
    Some(ReturnWave {
        instances: sum(|client| client.instance_count),
        lists: sum(|client| client.list_count),
        response_bytes,
        died_again_at: again.map(|moment| moment.at).min(),
        clients: clients.to_vec(),
    })
}
