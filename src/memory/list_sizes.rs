//! How big the responses to LISTs were, by the server's own counters, and what that says of the collection.
//!
//! `apiserver_response_sizes` counts the bytes of each response as sent, by verb, resource and scope. Measured on 1.36
//! and on the old way: sum and count are exact for responses that were sent whole, whatever their form. But the same
//! counter holds
//!
//! ```text
//! cut off before the first byte, 504                  0 bytes
//! "too old", "storage is (re)initializing"            165 to 181 bytes
//! cut off while streaming (from 1.33 on)              anything below the whole
//! pages, LISTs with a selector, metadata, tables      anything below the whole
//! compressed, for clients that accept gzip            a half to a tenth, if the response is over 128 KiB
//! protobuf                                            three quarters and more
//! rejected by APF, forbidden, watches                 not counted
//! ```
//!
//! Everything makes it smaller, nothing makes it bigger. So the mean of the highest bucket in use is a sound lower bound
//! of the collection in JSON; how far above it the collection may be is what this file is about.

use std::collections::BTreeMap;

use super::defaults::is_custom;
use super::range::Range;

/// Responses of up to so many bytes are errors, empty lists, or were cut off: no collection of a size that matters.
const TINY_BYTES: u64 = 1_000;

/// Smaller responses are never compressed (`apiserver/pkg/endpoints/handlers/responsewriters/writers.go`,
/// `defaultGzipThresholdBytes`).
const COMPRESSED_FROM_BYTES: u64 = 128 << 10;

/// What gzip at level 1 makes of JSON, as bytes before over bytes after: 2.3 was measured of long random strings; what
/// repeats itself shrinks to a tenth.
const COMPRESSION: (u64, u64) = (2, 12);

/// The most JSON that is written compressed in a second. Measured was 80 MB/s by all, and this leaves a factor of two for
/// newer CPUs, as [`MOST_BYTES_PER_SEC`](super::whole_lists::MOST_BYTES_PER_SEC) does.
const MOST_COMPRESSED_BYTES_PER_SEC: f64 = 160e6;

/// JSON bytes for each byte of protobuf, as sent: pods 1.30, configmaps 1.09, secrets up to 1.4 for their base64.
const JSON_PER_SENT_BYTE: f64 = 1.4;

/// A share of responses that are less than the whole which changes a mean by less than its spread.
const FEW: f64 = 0.05;

/// Bytes of responses to LISTs of a resource, as the server has counted them since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ListSizes {
    /// Bytes of LISTs over all namespaces.
    sum_bytes: u64,
    /// Those LISTs.
    count: u64,
    /// How many of them had at most so many bytes. Empty where the buckets are missing.
    at_most: BTreeMap<u64, u64>,
    /// Bytes of LISTs of any scope.
    all_bytes: u64,
    /// LISTs of any scope of up to [`TINY_BYTES`].
    tiny_count: u64,
    /// Objects that LISTs of any scope returned; 0 where that isn't counted.
    returned_object_count: u64,
}

/// What else is known of the LISTs of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListContext<'c> {
    pub(super) api_group: &'c str,
    pub(super) resource: &'c str,
    /// Objects of the collection.
    pub(super) object_count: Option<Range>,
    /// JSON bytes of one, usually.
    pub(super) usual_object_bytes: Range,
    /// LISTs of the whole collection in the log, and those over all namespaces of less; `None` where it has neither.
    pub(super) logged: Option<(u64, u64)>,
    /// How long the quickest LIST of the whole collection took, in seconds.
    pub(super) quickest_secs: Option<f64>,
    /// Whether the server compresses responses; `None` where that isn't known.
    pub(super) compresses: Option<bool>,
}

/// What counters say of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Collection {
    /// JSON bytes of it.
    pub(super) bytes: Range,
    /// LISTs in the highest bucket in use.
    pub(super) list_count: u64,
    /// Bytes of one of them on average, as sent.
    pub(super) sent_bytes: Range,
}

impl ListSizes {
    /// Adds a sample of `apiserver_response_sizes`; `part` is `sum`, `count` or `bucket`, `most` the bucket's `le`.
    pub(super) fn add(&mut self, scope: Option<&str>, part: &str, most: Option<&str>, value: u64) {
        let is_cluster = scope == Some("cluster");
        match (part, most.and_then(bound)) {
            ("sum", _) => {
                self.all_bytes = self.all_bytes.saturating_add(value);
                if is_cluster {
                    self.sum_bytes = self.sum_bytes.saturating_add(value);
                }
            }
            ("count", _) if is_cluster => self.count += value,
            ("bucket", Some(most)) => {
                if most == TINY_BYTES {
                    self.tiny_count += value;
                }
                if is_cluster {
                    *self.at_most.entry(most).or_default() += value;
                }
            }
            _ => {}
        }
    }

    /// Adds objects returned.
    pub(super) fn add_returned(&mut self, object_count: u64) {
        self.returned_object_count += object_count;
    }

    /// Estimates the collection; `None` where nothing but errors, cut off and empty responses were counted.
    pub(super) fn collection(&self, context: &ListContext<'_>) -> Option<Collection> {
        let top = self.top()?;
        let is_even = self.is_even(&top, context);
        let mean = top.mean;
        let json = if is_custom(context.api_group) { 1.0 } else { JSON_PER_SENT_BYTE };
        let mean_high = mean.high.unwrap_or(mean.low);
        let plain = if is_even { Some(mean_high) } else { top.most }.map(|high| times(high, json));
        let usual = context.object_count.and_then(|count| count.times(context.usual_object_bytes).high);
        let compressed = self.compressed(&top, is_even, usual, context);
        let high = plain.map(|plain| compressed.map_or(plain, |compressed| plain.max(compressed)));
        // Objects are hardly bigger than usual, unless they are seen to be.
        let seen = times(if is_even { mean_high } else { mean.low }, json);
        let high = match (high, usual) {
            (high, None) => high,
            (high, Some(usual)) => Some(high.unwrap_or(u64::MAX).min(usual.max(seen))),
        };
        let bytes = Range { low: mean.low, high: high.map(|high| high.max(mean.low)) };
        Some(Collection { bytes, list_count: top.count, sent_bytes: mean })
    }

    /// The most that the collection may be if these responses were compressed; `None` if they weren't.
    fn compressed(&self, top: &Top, is_even: bool, usual: Option<u64>, context: &ListContext<'_>) -> Option<u64> {
        let sent = if is_even { top.mean.high } else { top.most }?;
        if context.compresses == Some(false) || sent <= COMPRESSED_FROM_BYTES {
            return None;
        }
        let by_time = context.quickest_secs.map(|secs| times(1, secs * MOST_COMPRESSED_BYTES_PER_SEC));
        let most = sent.saturating_mul(COMPRESSION.1).min(by_time.unwrap_or(u64::MAX));
        // Secrets are compressed or random already, and base64 gives back a quarter.
        let least =
            if context.resource == "secrets" { top.mean.low } else { top.mean.low.saturating_mul(COMPRESSION.0) };
        (most.min(usual.unwrap_or(u64::MAX)) >= least).then_some(most)
    }

    /// The highest bucket in use; without buckets, all.
    fn top(&self) -> Option<Top> {
        let mut buckets = Vec::new();
        let (mut above, mut counted) = (0, 0);
        for (most, at_most) in &self.at_most {
            buckets.push((above, Some(*most), at_most.saturating_sub(counted)));
            (above, counted) = (*most, *at_most);
        }
        let has_buckets = !buckets.is_empty();
        buckets.push((above, None, self.count.saturating_sub(counted)));
        let at = buckets.iter().rposition(|(.., count)| *count > 0)?;
        let (above, most, count) = buckets[at];
        let below = &buckets[..at];
        let lowest: u64 = below.iter().map(|(above, _, count)| above * count).sum();
        let highest: u64 = below.iter().map(|(_, most, count)| most.unwrap_or(0) * count).sum();
        let low = (self.sum_bytes.saturating_sub(highest) / count).max(above);
        let high = (self.sum_bytes.saturating_sub(lowest)).div_ceil(count).min(most.unwrap_or(u64::MAX)).max(low);
        let between = below.iter().filter(|(above, ..)| *above >= TINY_BYTES).map(|(.., count)| count).sum();
        let is_tiny = if has_buckets { most.is_some_and(|most| most <= TINY_BYTES) } else { high <= TINY_BYTES };
        (!is_tiny).then_some(Top { most, count, mean: Range::between(low, high), between })
    }

    /// Whether what is in the highest bucket is the whole collection each time, all but few.
    fn is_even(&self, top: &Top, context: &ListContext<'_>) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "counts")]
        let share = |count: u64| count as f64 / top.count as f64;
        let partial = context.logged.map_or(0, |(_, partial)| partial);
        // Who is cut off while streaming is so at any byte: for one in a lower decade, up to nine in the highest.
        let cut = top.between.saturating_sub(partial).saturating_mul(9);
        let hidden = partial.saturating_sub(top.between);
        let is_seen = match self.agrees(top, context) {
            Some(agrees) => agrees,
            None => context.logged.is_some_and(|(whole, _)| whole > 0),
        };
        is_seen && share(cut) <= FEW && share(hidden) <= FEW
    }

    /// Whether as many objects as there are, each of as many bytes as LISTs of any kind return for an object, are as many
    /// bytes as the highest bucket has: pages, selectors and cut off responses make that differ. `None` if it isn't known.
    fn agrees(&self, top: &Top, context: &ListContext<'_>) -> Option<bool> {
        let objects = context.object_count.filter(|count| count.low > 0)?;
        if self.returned_object_count == 0 {
            return None;
        }
        let whole =
            |count: u64, returned: u64| u128::from(count) * u128::from(self.all_bytes) / u128::from(returned.max(1));
        let empty = self.tiny_count.saturating_mul(objects.low).min(self.returned_object_count - 1);
        let low = whole(objects.low, self.returned_object_count);
        let high = whole(objects.high?, self.returned_object_count - empty);
        let mean = (u128::from(top.mean.low), u128::from(top.mean.high?));
        Some(low * 19 <= mean.1 * 20 && mean.0 * 20 <= high * 21)
    }
}

/// The highest bucket that has any responses.
struct Top {
    /// Its upper bound, in bytes; `None` where it has none.
    most: Option<u64>,
    /// Responses in it.
    count: u64,
    /// Bytes of one on average, within what those of lower buckets leave.
    mean: Range,
    /// Responses in buckets between it and the tiny ones.
    between: u64,
}

/// A bucket's `le` in bytes; `None` of `+Inf`.
fn bound(text: &str) -> Option<u64> {
    let value: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (0.0..9e15).contains(&value).then_some(value as u64)
}

fn times(bytes: u64, factor: f64) -> u64 {
    Range::exactly(bytes).scaled((factor, factor)).low
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [u64; 7] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];

    /// Counters with so many responses up to each bound, from 1 kB on by decades.
    fn sizes(sum: u64, buckets: [u64; 7], returned: u64) -> ListSizes {
        let mut sizes = ListSizes::default();
        let mut total = 0;
        for (bound, count) in BOUNDS.iter().zip(buckets) {
            total += count;
            sizes.add(Some("cluster"), "bucket", Some(&bound.to_string()), total);
        }
        sizes.add(Some("cluster"), "bucket", Some("+Inf"), total);
        sizes.add(Some("cluster"), "count", None, total);
        sizes.add(Some("cluster"), "sum", None, sum);
        sizes.add_returned(returned);
        sizes
    }

    fn context(resource: &'static str, count: u64) -> ListContext<'static> {
        let api_group = if resource == "widgets" { "example.com" } else { "" };
        ListContext {
            api_group,
            resource,
            object_count: Some(Range::exactly(count)),
            usual_object_bytes: super::super::defaults::usual_object_bytes(api_group, resource),
            logged: None,
            quickest_secs: None,
            compresses: None,
        }
    }

    fn of(sizes: &ListSizes, context: &ListContext<'_>) -> Range {
        sizes.collection(context).unwrap().bytes
    }

    #[test]
    fn whole_lists_give_their_mean_unless_they_may_be_compressed() {
        // 2,004 configmaps of 18,892,184 bytes, by the counters of a 1.36 server.
        let listed = sizes(3_872_897_922, [0, 0, 0, 0, 0, 205, 0], 410_820);
        let context = context("configmaps", 2_004);
        assert_eq!(of(&listed, &context), Range::between(18_892_184, 40_080_000));
        let plain = ListContext { compresses: Some(false), ..context };
        assert_eq!(of(&listed, &plain), Range::between(18_892_184, 26_449_059));
        // To be compressed they would have to be twice as big, and gzip isn't that quick.
        let quick = ListContext { quickest_secs: Some(0.09), ..context };
        assert_eq!(of(&listed, &quick), of(&listed, &plain));
    }

    #[test]
    fn compressed_responses_bound_it_from_below_only() {
        // The same collection, compressed but for one LIST.
        let listed = sizes(848_660_189, [0, 0, 0, 1, 103, 1, 0], 210_420);
        assert_eq!(of(&listed, &context("configmaps", 2_004)), Range::between(10_000_000, 40_080_000));
        let all = sizes(846_300_000, [0, 0, 0, 0, 105, 0, 0], 210_420);
        assert_eq!(of(&all, &context("configmaps", 2_004)), Range::between(8_060_000, 40_080_000));
    }

    #[test]
    fn what_was_cut_off_before_the_first_byte_is_left_out() {
        // 1,500 widgets of 10,604,010 bytes; 23 of 107 LISTs were cut off.
        let listed = sizes(890_741_087, [23, 0, 0, 0, 0, 84, 0], 160_500);
        let plain = ListContext { compresses: Some(false), ..context("widgets", 1_500) };
        assert_eq!(of(&listed, &plain), Range::between(10_603_786, 10_604_061));
    }

    #[test]
    fn lists_that_select_are_told_from_whole_ones_by_the_log_and_the_objects_returned() {
        // 354 pods of 1,458,855 bytes; 30 kubelets list their own.
        let mut listed = sizes(71_486_438, [0, 0, 30, 0, 48, 0, 0], 18_087);
        listed.add(Some("namespace"), "sum", None, 3_062_030);
        let pods = ListContext { compresses: Some(false), ..context("pods", 354) };
        let logged = ListContext { logged: Some((48, 30)), ..pods };
        assert_eq!(of(&listed, &logged), Range::between(1_426_800, 2_076_271));
        // Without the log, the 30 may be whole ones cut off, and more of them above a megabyte.
        assert_eq!(of(&listed, &pods), Range::between(1_426_800, 7_080_000));
    }

    #[test]
    fn pages_are_less_than_the_collection() {
        // Chains of four pages of 4.7 MB: as many objects a LIST as a page has.
        let listed = sizes(18_892_185, [0, 0, 0, 0, 4, 0, 0], 2_004);
        let plain = ListContext { compresses: Some(false), ..context("configmaps", 2_004) };
        assert_eq!(of(&listed, &plain), Range::between(4_723_046, 14_000_000));
        // Nothing says how many objects there are: nothing bounds it but the bucket.
        let uncounted = ListContext { object_count: None, ..plain };
        assert_eq!(of(&listed, &uncounted), Range::between(4_723_046, 14_000_000));
    }

    #[test]
    fn without_buckets_the_mean_is_a_lower_bound() {
        let mut listed = ListSizes::default();
        listed.add(Some("cluster"), "sum", None, 651_306_098);
        listed.add(Some("cluster"), "count", None, 476);
        let bytes = of(&listed, &context("pods", 406));
        assert_eq!(bytes, Range::between(1_368_290, 8_120_000));
        let uncounted = ListContext { object_count: None, ..context("pods", 406) };
        assert_eq!(of(&listed, &uncounted), Range::at_least(1_368_290));
    }

    #[test]
    fn errors_and_lists_cut_off_say_nothing() {
        assert_eq!(sizes(0, [12, 0, 0, 0, 0, 0, 0], 0).collection(&context("configmaps", 2_004)), None);
        assert_eq!(ListSizes::default().collection(&context("configmaps", 2_004)), None);
        let namespaced = {
            let mut sizes = ListSizes::default();
            sizes.add(Some("namespace"), "sum", None, 5_000_000);
            sizes.add(Some("namespace"), "count", None, 5);
            sizes
        };
        assert_eq!(namespaced.collection(&context("configmaps", 2_004)), None);
    }

    #[test]
    fn small_responses_are_never_compressed() {
        let listed = sizes(50_141 * 40, [0, 0, 40, 0, 0, 0, 0], 73 * 40);
        let roles = ListContext {
            api_group: "rbac.authorization.k8s.io",
            resource: "clusterroles",
            usual_object_bytes: Range::between(700, 5_000),
            ..context("configmaps", 73)
        };
        assert_eq!(of(&listed, &roles), Range::between(50_141, 70_197));
    }
}
