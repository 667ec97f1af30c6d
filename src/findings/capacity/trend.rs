//! Trends over days, with an interval, and when one would reach a limit.
//!
//! Ordinary least squares over one value a day, and the slope's 95 % interval by Student's t on n - 2 degrees of freedom. A
//! few days say little, and the interval shows it: where it contains 0, the trend can't be distinguished from noise, and no
//! date is given. Days are assumed to be independent and the growth to be linear, which weeks with weekends aren't; so no
//! date is given further ahead than a few times the span of the days.

use serde::Serialize;

use super::CapacityThresholds;
use crate::audit::Micros;
use crate::findings::finding::as_maybe_instant;

/// How something changes from day to day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trend {
    /// What changes.
    #[serde(rename = "subject_code")]
    pub subject: TrendSubject,
    /// The unit of its values.
    pub unit: TrendUnit,
    /// The days it is based on, each with its value: the start of the day in microseconds since 1970.
    #[serde(serialize_with = "as_days")]
    pub days: Vec<(Micros, f64)>,
    /// Change per week; `None` for too few days.
    pub slope: Option<Slope>,
    /// What the values must stay below; `None` where there is no such limit.
    pub limit: Option<f64>,
    /// When it reaches the limit; `None` where it doesn't, or no date can be given.
    pub meets: Option<Meets>,
}

/// What changes from day to day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum TrendSubject {
    /// Requests a second, mean of each day.
    Requests,
    /// LISTs a second, mean of each day.
    Lists,
    /// Memory that LISTs held, peak of each day, middle of the estimate.
    MemoryHeld,
    /// Seats of a priority level in use, in the fullest bucket of each day.
    SeatsInUse {
        /// The level.
        priority_level: String,
    },
}

impl TrendSubject {
    const fn unit(&self) -> TrendUnit {
        match self {
            Self::Requests | Self::Lists => TrendUnit::PerSecond,
            Self::MemoryHeld => TrendUnit::Bytes,
            Self::SeatsInUse { .. } => TrendUnit::Seats,
        }
    }
}

/// The unit of a trend's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrendUnit {
    /// Bytes.
    Bytes,
    /// Seats.
    Seats,
    /// Per second.
    PerSecond,
}

/// A change per week, in the trend's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    /// The most likely change.
    pub per_week: f64,
    /// The lower end of the 95 % interval.
    pub low: f64,
    /// The upper end of the 95 % interval.
    pub high: f64,
}

impl Slope {
    /// Whether the interval leaves the direction open.
    pub fn is_noise(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// When a trend reaches its limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Meets {
    /// By the most likely slope; `None` if that is too far ahead to give a date.
    #[serde(serialize_with = "as_maybe_instant")]
    pub likely: Option<Micros>,
    /// By the steepest slope of the interval.
    #[serde(serialize_with = "as_maybe_instant")]
    pub earliest: Option<Micros>,
    /// By the flattest slope of the interval; `None` if that is too far ahead to give a date.
    #[serde(serialize_with = "as_maybe_instant")]
    pub latest: Option<Micros>,
}

fn as_days<S: serde::Serializer>(days: &[(Micros, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(days.iter().map(|(at, value)| (crate::units::instant(*at), value)))
}

const DAY: f64 = 86_400e6;
/// Quantiles of Student's t for 97.5 %, by degrees of freedom from 1 on; beyond the table the last one is close enough.
const STUDENT_T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The trend of one value a day, in order of time.
pub(super) fn fit_trend(
    subject: TrendSubject,
    days: Vec<(Micros, f64)>,
    limit: Option<f64>,
    thresholds: &CapacityThresholds,
) -> Trend {
    let line = if days.len() < thresholds.min_trend_days { None } else { fit_line(&days) };
    let slope = line.map(|line| Slope {
        per_week: 7.0 * line.slope,
        low: 7.0 * (line.slope - line.spread),
        high: 7.0 * (line.slope + line.spread),
    });
    let meets = line.zip(limit).and_then(|(line, limit)| project(&line, &days, limit, thresholds.max_trend_ahead));
    Trend { unit: subject.unit(), subject, days, slope, limit, meets }
}

/// A line through days.
#[derive(Clone, Copy)]
struct Line {
    /// Change per day.
    slope: f64,
    /// Half the width of the slope's 95 % interval.
    spread: f64,
    /// The mean value, which the line has in the middle of the days.
    mean: f64,
    /// The middle of the days, in days since 1970.
    mean_day: f64,
}

#[expect(clippy::cast_precision_loss, reason = "instants of a log, and a number of days")]
fn fit_line(days: &[(Micros, f64)]) -> Option<Line> {
    // Two days have a line, but no interval.
    if days.len() < 3 {
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
    Some(Line { slope, spread: STUDENT_T[freedom.min(STUDENT_T.len()) - 1] * error, mean, mean_day })
}

/// When a line reaches a limit, no further ahead than `max_ahead` times the span of the days.
fn project(line: &Line, days: &[(Micros, f64)], limit: f64, max_ahead: f64) -> Option<Meets> {
    let (first, last) = (days.first()?.0, days.last()?.0);
    // Without a clear rise there is no date.
    if line.slope - line.spread <= 0.0 || line.mean >= limit {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "the span of a log")]
    let furthest = max_ahead * ((last - first) as f64 + DAY);
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
    use crate::findings::Thresholds;

    fn trend(values: &[f64], limit: Option<f64>) -> Trend {
        fit_trend(TrendSubject::MemoryHeld, days(values), limit, &Thresholds::embedded().capacity)
    }

    fn days(values: &[f64]) -> Vec<(Micros, f64)> {
        (0..).zip(values).map(|(day, value)| (day * 86_400_000_000, *value)).collect()
    }

    #[test]
    fn a_clear_trend_has_a_date_and_a_noisy_one_has_none() {
        let clear = trend(&[100.0, 111.0, 119.0, 131.0, 139.0, 151.0, 160.0], Some(200.0));
        let slope = clear.slope.unwrap();
        assert!((slope.per_week - 69.5).abs() < 1.0 && !slope.is_noise(), "{slope:?}");
        let meets = clear.meets.unwrap();
        let day = |at: Option<Micros>| at.unwrap() / 86_400_000_000;
        assert_eq!((day(meets.earliest), day(meets.likely), day(meets.latest)), (9, 9, 10));
        let noisy = trend(&[100.0, 150.0, 90.0, 160.0, 95.0, 155.0, 100.0], Some(200.0));
        assert!(noisy.slope.unwrap().is_noise());
        assert_eq!(noisy.meets, None);
    }

    #[test]
    fn a_date_that_is_too_far_ahead_is_not_given() {
        let slow = trend(&[100.0, 101.0, 102.0, 103.0, 104.0], Some(1e6));
        assert!(!slow.slope.unwrap().is_noise());
        assert_eq!(slow.meets, None);
        assert_eq!(trend(&[1.0, 2.0, 3.0], None).slope, None);
    }
}
