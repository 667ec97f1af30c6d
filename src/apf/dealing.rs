//! Which queues a flow may use: shuffle sharding, which leaves most queues of other flows free when one flow floods its
//! own (`k8s.io/apiserver/pkg/util/shufflesharding`, `pkg/util/flowcontrol/apf_controller.go`, `hashFlowID`).
//!
//! A flow is always dealt the same hand of distinct queues, by its hash. A request joins the queue of the hand with the
//! least work waiting.

use sha2::{Digest, Sha256};

/// How many bits of the hash may be used for dealing; larger hands are not allowed.
const MAXIMUM_HASH_BITS: u32 = 60;

/// The hash of a flow: the first eight bytes, little-endian, of SHA-256 over the FlowSchema's name, a zero byte and the
/// flow distinguisher.
pub fn flow_hash(flow_schema: &str, distinguisher: &str) -> u64 {
    let mut digest = Sha256::new();
    digest.update(flow_schema);
    digest.update([0]);
    digest.update(distinguisher);
    let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = digest.finalize().into();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Whether hands of that size can be dealt: no larger than the number of queues, and within the bits of the hash.
pub fn is_valid_dealer(queues: i32, hand_size: i32) -> bool {
    let (Ok(queues_below), Ok(cards)) = (u64::try_from(queues), u32::try_from(hand_size)) else {
        return false;
    };
    let has_enough_bits = || queues_below.checked_pow(cards).is_some_and(|hands| hands <= 1 << MAXIMUM_HASH_BITS);
    (1..=queues).contains(&hand_size) && has_enough_bits()
}

/// Deals a hand: distinct queues, from 0, in the order in which they are tried. A hand larger than the number of queues
/// has all of them.
pub fn deal(hash: u64, queues: u32, hand_size: u32) -> Vec<u32> {
    let mut rest = hash;
    let mut places = Vec::new();
    let mut hand = Vec::new();
    for left in (1..=queues).rev().take(usize::try_from(hand_size).unwrap_or(usize::MAX)) {
        // An index among the remaining queues, and the queue at that index.
        let place = u32::try_from(rest % u64::from(left)).unwrap_or_default();
        rest /= u64::from(left);
        let skip = |queue: u32, taken: &u32| if queue >= *taken { queue + 1 } else { queue };
        hand.push(places.iter().rev().fold(place, skip));
        places.push(place);
    }
    hand
}

/// The probability, 0 to 1, that the hands of `heavy_flows` other flows include the whole hand of a light flow, so that
/// it waits behind them in every queue.
///
/// Hands are taken as random. The computation adds one heavy flow after another, with the probability of each number of
/// covered queues.
pub fn collision_probability(queues: u32, hand_size: u32, heavy_flows: u32) -> f64 {
    let hand_size = hand_size.min(queues);
    let mut covered = vec![1.0];
    for _ in 0..heavy_flows {
        covered = with_one_more(&covered, queues, hand_size);
    }
    (0..).zip(&covered).map(|(count, probability)| probability * probability_of_new(queues, count, hand_size, 0)).sum()
}

/// The probability of each number of covered queues after one more hand.
fn with_one_more(covered: &[f64], queues: u32, hand_size: u32) -> Vec<f64> {
    let before = (0..).zip(covered).filter(|(_, probability)| **probability > 0.0);
    let mut after = Vec::new();
    for (count, probability) in before {
        for new in 0..=hand_size.min(queues - count) {
            let index = usize::try_from(count + new).unwrap_or(usize::MAX);
            after.resize(after.len().max(index.saturating_add(1)), 0.0);
            after[index] += probability * probability_of_new(queues, count, hand_size, new);
        }
    }
    after
}

/// The probability that a hand has exactly `new` queues that aren't among the `covered` ones.
fn probability_of_new(queues: u32, covered: u32, hand_size: u32, new: u32) -> f64 {
    let hands = combinations(queues - covered, new) * combinations(covered, hand_size - new);
    hands / combinations(queues, hand_size)
}

/// The number of ways to choose `chosen` of `things`; 0 if there are too few.
fn combinations(things: u32, chosen: u32) -> f64 {
    if chosen > things {
        return 0.0;
    }
    (0..chosen).map(|index| f64::from(things - index) / f64::from(index + 1)).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flow_is_always_dealt_the_same_hand() {
        for (flow_schema, distinguisher, queues, hash, hand) in [
            (
                "service-accounts",
                "system:serviceaccount:default:demo",
                128,
                13_265_666_640_421_718_024,
                &[8, 38, 79, 55, 12, 88][..],
            ),
            ("system-nodes", "system:node:node-1", 64, 11_909_065_898_299_811_039, &[31, 41, 53, 23, 38, 17]),
            ("global-default", "", 128, 5_449_774_753_716_172_163, &[3, 72, 82, 58, 1, 116]),
            (
                "limit-pod-list",
                "system:serviceaccount:monitoring:prometheus",
                64,
                13_321_936_920_150_170_692,
                &[4, 13, 53, 10, 3, 30, 12, 15],
            ),
        ] {
            assert_eq!(flow_hash(flow_schema, distinguisher), hash, "{flow_schema} {distinguisher}");
            assert_eq!(deal(hash, queues, u32::try_from(hand.len()).unwrap()), hand, "{flow_schema} {distinguisher}");
        }
    }

    #[test]
    fn the_largest_hands_use_all_bits_of_the_hash() {
        for (queues, largest) in [
            (1, 1),
            (8, 8),
            (15, 15),
            (16, 15),
            (32, 12),
            (64, 10),
            (128, 8),
            (256, 7),
            (512, 6),
            (1024, 6),
            (2048, 5),
            (4096, 5),
        ] {
            assert!(is_valid_dealer(queues, largest), "{queues} {largest}");
            assert!(!is_valid_dealer(queues, largest + 1), "{queues} {largest}");
        }
        for (queues, hand_size) in [(0, 0), (0, 1), (8, 0), (8, -1), (-8, 1), (-8, -9)] {
            assert!(!is_valid_dealer(queues, hand_size), "{queues} {hand_size}");
        }
    }

    /// The table in the documentation of Kubernetes, "API Priority and Fairness".
    #[test]
    fn collisions_are_as_likely_as_the_documentation_says() {
        for (hand_size, queues, heavy_flows, expected) in [
            (12, 32, 1, 4.428838398950118e-09),
            (12, 32, 4, 0.11431348830099144),
            (12, 32, 16, 0.9935089607656024),
            (10, 32, 1, 1.550093439632541e-08),
            (10, 32, 4, 0.0626479840223545),
            (10, 32, 16, 0.9753101519027554),
        ] {
            let probability = collision_probability(queues, hand_size, heavy_flows);
            assert!((probability / expected - 1.0).abs() < 1e-9, "{hand_size} {queues} {heavy_flows}: {probability}");
        }
    }

    #[test]
    fn one_queue_collides_with_anything_and_no_flow_with_nothing() {
        for (queues, hand_size, heavy_flows, expected) in
            [(1, 1, 1, 1.0), (8, 8, 3, 1.0), (64, 6, 0, 0.0), (2, 1, 1, 0.5)]
        {
            let probability = collision_probability(queues, hand_size, heavy_flows);
            assert!((probability - expected).abs() < 1e-12, "{queues} {hand_size} {heavy_flows}: {probability}");
        }
    }

    proptest! {
        #[test]
        fn hands_are_of_distinct_queues(hash: u64, queues in 1_u32..300, hand_size in 1_u32..16) {
            let hand = deal(hash, queues, hand_size);
            let distinct: std::collections::BTreeSet<_> = hand.iter().collect();
            prop_assert_eq!(distinct.len(), hand.len());
            prop_assert_eq!(u32::try_from(hand.len()).unwrap(), hand_size.min(queues));
            prop_assert!(hand.iter().all(|queue| *queue < queues));
        }
    }
}
