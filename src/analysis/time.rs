//! A moment as people name it: an instant, a time as a report prints it, or so long before the logs' last event.

use std::str::FromStr;

use jiff::civil::{DateTime, Time};
use jiff::{SpanRelativeTo, Unit};

use super::AnalysisError;
use crate::audit::{Micros, parse_instant};
use crate::units::Zone;

/// A moment, to be resolved against logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTime {
    /// Microseconds since 1970: `2026-07-23T18:00:00Z`.
    Instant(Micros),
    /// A date and time without a zone, as reports print it: `2026-11-24 09:11`.
    Local(DateTime),
    /// A time of day: the last such moment before the logs' last event, `09:11:00`.
    TimeOfDay(Time),
    /// Microseconds before the logs' last event: `-30m`.
    BeforeLast(Micros),
}

/// Text that is no [`LogTime`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid time {0:?}: expected 2026-07-23T18:00:00Z, 2026-07-23 18:00, 18:00:00, or -30m for 30 minutes before the logs' last event"
)]
pub struct InvalidTime(String);

impl FromStr for LogTime {
    type Err = InvalidTime;

    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let text = text.trim();
        // Reports print the zone beside the time.
        let utc = text.strip_suffix(" UTC");
        let at_utc = utc.and_then(|text| text.parse::<DateTime>().ok());
        let at_utc = at_utc.and_then(|time| Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()));
        let instant = || if has_zone(text) { parse_instant(text) } else { None };
        None.or_else(|| instant().map(Self::Instant))
            .or_else(|| at_utc.map(|at| Self::Instant(at.as_microsecond())))
            .or_else(|| text.strip_prefix('-').and_then(micros_of_span).map(Self::BeforeLast))
            .or_else(|| has_date(text).then(|| text.parse().ok().map(Self::Local)).flatten())
            .or_else(|| text.contains(':').then(|| text.parse().ok().map(Self::TimeOfDay)).flatten())
            .ok_or_else(|| InvalidTime(text.to_owned()))
    }
}

/// Whether text begins like `2026-`.
fn has_date(text: &str) -> bool {
    text.get(..5).is_some_and(|year| year.ends_with('-') && year[..4].bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a date and time is followed by `Z` or an offset.
fn has_zone(text: &str) -> bool {
    const DATE: usize = "2026-07-23".len();
    text.get(DATE..).is_some_and(|rest| rest.ends_with(['Z', 'z']) || rest.contains(['+', '-']))
}

fn micros_of_span(text: &str) -> Option<Micros> {
    let span: jiff::Span = text.parse().ok()?;
    let micros = span.total((Unit::Microsecond, SpanRelativeTo::days_are_24_hours())).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "jiff's longest span fits into microseconds of 64 bits")]
    Some(micros as i64)
}

impl LogTime {
    /// The instant, in microseconds since 1970; `None` if that depends on the last event and there is none.
    pub(super) fn resolve(
        self,
        zone: &Zone,
        last_event_at: impl FnOnce() -> Result<Option<Micros>, AnalysisError>,
    ) -> Result<Option<Micros>, AnalysisError> {
        match self {
            Self::Instant(at) => Ok(Some(at)),
            Self::Local(time) => Ok(zone.instant(time)),
            Self::BeforeLast(micros) => Ok(last_event_at()?.map(|last| last - micros)),
            Self::TimeOfDay(time) => {
                let Some(last) = last_event_at()? else { return Ok(None) };
                Ok(zone.last_before(time, last))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str, zone: &str) -> Option<Micros> {
        let last = parse_instant("2026-11-24T09:12:30Z");
        text.parse::<LogTime>().unwrap().resolve(&Zone::named(zone).unwrap(), || Ok(last)).unwrap()
    }

    #[test]
    fn times_are_taken_as_reports_print_them() {
        for (text, zone, expected) in [
            ("2026-11-24T09:11:00Z", "UTC", "2026-11-24T09:11:00Z"),
            ("2026-11-24T10:11:00+01:00", "UTC", "2026-11-24T09:11:00Z"),
            ("2026-11-24 09:11", "UTC", "2026-11-24T09:11:00Z"),
            ("2026-11-24 09:11:00 UTC", "Europe/Berlin", "2026-11-24T09:11:00Z"),
            ("2026-11-24 10:11:05", "Europe/Berlin", "2026-11-24T09:11:05Z"),
            ("2026-11-24T10:11:05", "Europe/Berlin", "2026-11-24T09:11:05Z"),
            ("09:11:00", "UTC", "2026-11-24T09:11:00Z"),
            ("10:11", "Europe/Berlin", "2026-11-24T09:11:00Z"),
            // Later than the last event, so it was the day before.
            ("23:00:00", "UTC", "2026-11-23T23:00:00Z"),
            ("-90s", "UTC", "2026-11-24T09:11:00Z"),
        ] {
            assert_eq!(resolved(text, zone), parse_instant(expected), "{text} in {zone}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["yesterday", "", "-", "12", "2026-13-01 00:00", "25:00"] {
            assert!(text.parse::<LogTime>().is_err(), "{text}");
        }
    }
}
