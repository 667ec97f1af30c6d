//! The second wave: who came back when the server did, and how hard.

use serde::Serialize;

use super::{ClientReturn, Moment, Scene};
use crate::findings::Bytes;
use crate::findings::finding::as_maybe_instant;
use crate::units;

/// What met the server when it was back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wave {
    /// That in a sentence or two.
    pub summary: String,
    /// Instances of all clients.
    pub instances: u64,
    /// Their lists, and watches that begin with one.
    pub lists: u64,
    /// What those returned; `None` where no size is known.
    pub response_bytes: Option<Bytes>,
    /// When the server died again; `None` if it didn't within five minutes.
    #[serde(serialize_with = "as_maybe_instant")]
    pub died_again_at: Option<i64>,
    /// The clients, those with most lists first.
    pub clients: Vec<ClientReturn>,
}

/// The wave is looked at for so long: the default of `$wave_secs` in `returns`.
const WAVE_SECS: i64 = 60;
const AGAIN_MICROS: i64 = 300_000_000;

/// `None` where no server came back.
pub(super) fn wave(scene: &Scene<'_>, moments: &[Moment]) -> Option<Wave> {
    let back_at = scene.moment.back_at?;
    let clients = scene.returns;
    let hardest = clients.first()?;
    let first = clients.iter().min_by(|one, other| one.first_secs.total_cmp(&other.first_secs))?;
    let sum = |of: fn(&ClientReturn) -> u64| clients.iter().map(of).sum::<u64>();
    let known: Vec<Bytes> = clients.iter().filter_map(returned).collect();
    let response_bytes = (!known.is_empty()).then(|| Bytes {
        low: known.iter().map(|bytes| bytes.low).sum(),
        high: known.iter().map(|bytes| bytes.high).sum(),
    });
    let again = moments.iter().filter(|moment| {
        moment.apiserver == scene.moment.apiserver && moment.at > back_at && moment.at - back_at <= AGAIN_MICROS
    });
    let died_again_at = again.map(|moment| moment.at).min();
    let again = died_again_at.map_or_else(String::new, |at| {
        format!(
            " The server died again {} after it had come back.",
            units::span((at - back_at) / 1_000_000 * 1_000_000)
        )
    });
    let heaviest = clients.iter().filter_map(|client| Some((client, returned(client)?)));
    let heaviest = heaviest.max_by_key(|(_, bytes)| bytes.middle()).filter(|(_, bytes)| bytes.middle() > 0);
    let heaviest = heaviest.map(|(client, bytes)| {
        format!("; the lists of {} returned most, an estimated {}", client.client, bytes.words())
    });
    let (instances, lists) = (sum(|client| client.instance_count), sum(|client| client.list_count));
    let summary = format!(
        "Within {WAVE_SECS} s of the first sign of life {} instances of {} clients were back with {} lists. {} came first; {} came \
         hardest, with {} lists from {} instances{}.{again}",
        units::count(instances),
        clients.len(),
        units::count(lists),
        first.client,
        hardest.client,
        units::count(hardest.list_count),
        units::count(hardest.instance_count),
        heaviest.unwrap_or_default(),
    );
    Some(Wave { summary, instances, lists, response_bytes, died_again_at, clients: clients.to_vec() })
}

/// What a client's lists returned; `None` where no size is known.
fn returned(client: &ClientReturn) -> Option<Bytes> {
    Some(Bytes { low: client.response_low_bytes?, high: client.response_high_bytes })
}
