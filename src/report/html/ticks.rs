//! Where the lines and labels of a chart's axes go.

use crate::units::Zone;

/// A label on the axis of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// When, in microseconds since 1970.
    pub(super) at: i64,
    /// The time in words.
    pub(super) label: String,
}

/// Labels that are the same span of time apart.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Level {
    /// The labels, in order.
    pub(super) ticks: Vec<Tick>,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Spans that people divide time by.
const STEPS: [i64; 18] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    28 * DAY,
];

/// The fewest labels that are of use on a phone, and the most that anybody zooms in to.
const FEWEST: i64 = 2;
const MOST: i64 = 200;

/// Labels for a span of time, from few to many: each level is drawn where there is room for it. No finer than the
/// buckets.
pub(super) fn times(from: i64, to: i64, bucket: i64, zone: &Zone) -> Vec<Level> {
    let span = (to - from).max(1);
    let is_fit = |step: &i64| (FEWEST..=MOST).contains(&(span / *step)) && *step >= bucket;
    STEPS.iter().rev().copied().filter(is_fit).map(|step| Level { ticks: level(from, to, step, zone) }).collect()
}

/// Whole multiples of a step on the clocks of the zone.
fn level(from: i64, to: i64, step: i64, zone: &Zone) -> Vec<Tick> {
    let format = match step {
        step if step >= DAY => "%b %-d",
        step if step >= MINUTE => "%H:%M",
        _ => "%H:%M:%S",
    };
    let offset = |at: i64| i64::from(zone.offset_secs(at)) * SECOND;
    let mut ticks = Vec::new();
    let mut local = (from + offset(from)).div_euclid(step) * step;
    while local - offset(from) <= to {
        // The clocks may have been changed since.
        let at = local - offset(local - offset(from));
        if (from..=to).contains(&at) {
            let format = if step < DAY && local.rem_euclid(DAY) == 0 { "%b %-d" } else { format };
            ticks.push(Tick { at, label: zone.format(at, format) });
        }
        local += step;
    }
    ticks
}

/// Values for some lines across, from the least above 0 to the first that is no less than `highest`. Of bytes they are round
/// in binary units.
pub(super) fn values(highest: f64, is_binary: bool) -> Vec<f64> {
    const LINES: f64 = 4.0;
    if highest <= 0.0 || !highest.is_finite() {
        return vec![1.0];
    }
    let base = if is_binary { 1024_f64.powf(highest.log(1024.0).floor()) } else { 1.0 };
    let rough = highest / base / LINES;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(rough) * base;
    let mut values = vec![step];
    while let Some(last) = values.last().filter(|last| **last < highest * 0.999) {
        values.push(last + step);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_labels_for_any_zoom_and_none_finer_than_a_bucket() {
        let from = 1_795_511_460_000_000;
        let levels = times(from, from + 40 * MINUTE, 10 * SECOND, &Zone::default());
        let counts: Vec<usize> = levels.iter().map(|level| level.ticks.len()).collect();
        assert_eq!(counts, [4, 8, 20, 41, 81]);
        assert_eq!(levels[0].ticks[0].label, "09:20");
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone_and_are_named() {
        // The clocks of Berlin go back on 25 October 2026.
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let (from, to) = berlin.week("2026-W43").unwrap();
        let levels = times(from, to + 2 * DAY, HOUR, &berlin);
        let days =
            &levels.iter().find(|level| level.ticks[0].label == "Oct 19" && level.ticks.len() > 5).unwrap().ticks;
        assert_eq!(days[0].at, from);
        assert_eq!(days[6].label, "Oct 25");
        assert_eq!(days[7].label, "Oct 26");
        assert_eq!(berlin.format(days[7].at, "%H:%M"), "00:00");
    }

    #[test]
    fn lines_across_are_round_and_reach_above_all() {
        assert_eq!(values(9.3, false), [2.5, 5.0, 7.5, 10.0]);
        assert_eq!(values(0.0, false), [1.0]);
        let gib = f64::from(1 << 30);
        assert_eq!(values(2.1 * gib, true), [gib, 2.0 * gib, 3.0 * gib]);
        assert_eq!(values(700.0 * 1_048_576.0, true).len(), 4);
    }
}
