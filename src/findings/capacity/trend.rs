//! Trends over days, with an interval, and when one would meet a limit.
//!
//! Ordinary least squares over one value a day, and the slope's 95 % interval by Student's t on n - 2 degrees of freedom. A
//! few days say little, and the interval says so: with it on both sides of 0 there is no trend that could be told from noise,
//! and no date. Days are taken to be independent and the growth to be linear, which weeks with weekends aren't; so a date
//! is not looked for further ahead than a few times the days that it rests on.

use serde::Serialize;

use crate::audit::Micros;
use crate::findings::finding::as_maybe_instant;

/// How something changes from day to day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// What.
    pub of: String,
    /// What its values are.
    pub unit: TrendUnit,
    /// Days that it rests on, each with its value: the start of the day in microseconds since 1970.
    #[serde(serialize_with = "as_days")]
    pub days: Vec<(Micros, f64)>,
    /// Change a week; `None` of fewer than 4 days.
    pub slope: Option<Slope>,
    /// What it must not come to; `None` where there is no such thing.
    pub limit: Option<f64>,
    /// When it meets the limit; `None` where it doesn't, or that can't be told.
    pub meets: Option<Meets>,
}

/// What the values of a trend are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrendUnit {
    /// Bytes.
    Bytes,
    /// Seats.
    Seats,
    /// So many a second.
    PerSecond,
}

/// A change a week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    /// The most likely one.
    pub per_week: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Slope {
    /// Whether the interval leaves the direction open.
    pub fn is_noise(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// When a trend meets its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Meets {
    /// By the most likely slope; `None` if it is further ahead than can be told.
    #[serde(serialize_with = "as_maybe_instant")]
    pub likely: Option<Micros>,
    /// By the steepest slope of the interval.
    #[serde(serialize_with = "as_maybe_instant")]
    pub earliest: Option<Micros>,
    /// By the flattest; `None` if it is further ahead than can be told.
    #[serde(serialize_with = "as_maybe_instant")]
    pub latest: Option<Micros>,
}

fn as_days<S: serde::Serializer>(days: &[(Micros, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(days.iter().map(|(at, value)| (crate::units::instant(*at), value)))
}

const DAY: f64 = 86_400e6;
/// Fewer days have no trend.
const LEAST_DAYS: usize = 4;
/// No date is given further ahead than so many times the days that it rests on.
const AHEAD: f64 = 8.0;
/// Quantiles of Student's t for 97.5 %, by degrees of freedom from 1 on; more are as good as the last.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The trend of one value a day, by time.
pub(super) fn trend(of: impl Into<String>, unit: TrendUnit, days: Vec<(Micros, f64)>, limit: Option<f64>) -> Trend {
    let line = line(&days);
    let slope = line.map(|line| Slope {
        per_week: 7.0 * line.slope,
        low: 7.0 * (line.slope - line.spread),
        high: 7.0 * (line.slope + line.spread),
    });
    let meets = line.zip(limit).and_then(|(line, limit)| meets(&line, &days, limit));
    Trend { of: of.into(), unit, days, slope, limit, meets }
}

/// A line through days.
#[derive(Clone, Copy)]
struct Line {
    /// Change a day.
    slope: f64,
    /// Half of the interval.
    spread: f64,
    /// The value in the middle of the days.
    mean: f64,
    /// The middle of the days, in days since 1970.
    mean_day: f64,
}

#[expect(clippy::cast_precision_loss, reason = "instants of a log, and a number of days")]
fn line(days: &[(Micros, f64)]) -> Option<Line> {
    if days.len() < LEAST_DAYS {
        return None;
    }
    let count = days.len() as f64;
    let day = |at: Micros| at as f64 / DAY;
    let mean_day = days.iter().map(|(at, _)| day(*at)).sum::<f64>() / count;
    let mean = days.iter().map(|(_, value)| value).sum::<f64>() / count;
    let squares: f64 = days.iter().map(|(at, _)| (day(*at) - mean_day).powi(2)).sum();
    let both: f64 = days.iter().map(|(at, value)| (day(*at) - mean_day) * (value - mean)).sum();
    if squares <= 0.0 {
        return None;
    }
    let slope = both / squares;
    let left: f64 = days.iter().map(|(at, value)| (value - mean - slope * (day(*at) - mean_day)).powi(2)).sum();
    let freedom = days.len() - 2;
    let error = (left / freedom as f64 / squares).sqrt();
    Some(Line { slope, spread: T[freedom.min(T.len()) - 1] * error, mean, mean_day })
}

fn meets(line: &Line, days: &[(Micros, f64)], limit: f64) -> Option<Meets> {
    let (first, last) = (days.first()?.0, days.last()?.0);
    // Where it may as well fall there is no date.
    if line.slope - line.spread <= 0.0 || line.mean >= limit {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "the span of a log")]
    let furthest = AHEAD * ((last - first) as f64 + DAY);
    let when = |slope: f64| {
        let at = (line.mean_day + (limit - line.mean) / slope) * DAY;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "an instant near those of the log"
        )]
        (at <= last as f64 + furthest).then_some(at as Micros)
    };
    let found = Meets {
        likely: when(line.slope),
        earliest: when(line.slope + line.spread),
        latest: when(line.slope - line.spread),
    };
    (found.earliest.is_some()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(values: &[f64]) -> Vec<(Micros, f64)> {
        (0..).zip(values).map(|(day, value)| (day * 86_400_000_000, *value)).collect()
    }

    #[test]
    fn a_clear_trend_has_a_date_and_a_noisy_one_has_none() {
        let clear =
            trend("memory", TrendUnit::Bytes, days(&[100.0, 111.0, 119.0, 131.0, 139.0, 151.0, 160.0]), Some(200.0));
        let slope = clear.slope.unwrap();
        assert!((slope.per_week - 69.5).abs() < 1.0 && !slope.is_noise(), "{slope:?}");
        let meets = clear.meets.unwrap();
        let day = |at: Option<Micros>| at.unwrap() / 86_400_000_000;
        assert_eq!((day(meets.earliest), day(meets.likely), day(meets.latest)), (9, 9, 10));
        let noisy =
            trend("memory", TrendUnit::Bytes, days(&[100.0, 150.0, 90.0, 160.0, 95.0, 155.0, 100.0]), Some(200.0));
        assert!(noisy.slope.unwrap().is_noise());
        assert_eq!(noisy.meets, None);
    }

    #[test]
    fn a_date_that_is_too_far_ahead_is_not_given() {
        let slow = trend("memory", TrendUnit::Bytes, days(&[100.0, 101.0, 102.0, 103.0, 104.0]), Some(1e6));
        assert!(!slow.slope.unwrap().is_noise());
        assert_eq!(slow.meets, None);
        assert_eq!(trend("memory", TrendUnit::Bytes, days(&[1.0, 2.0, 3.0]), None).slope, None);
    }
}
