//! Times as people read them: in UTC, or in the zone that they live in.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone in which instants are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl Zone {
    /// The zone of that name in the time zone database, such as `Europe/Berlin`. The database comes along.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn named(name: &str) -> Result<Self, String> {
        let is_utc = ["utc", "z"].iter().any(|other| name.eq_ignore_ascii_case(other));
        let zone = if is_utc { Ok(TimeZone::UTC) } else { TimeZone::get(name) };
        zone.map(Self).map_err(|_| "the time zone database has no such zone; one would be Europe/Berlin".to_owned())
    }

    /// An instant to the second, such as `2026-11-24 09:11:00 UTC`.
    pub fn second(&self, micros: i64) -> String {
        self.format(micros, "%Y-%m-%d %H:%M:%S %Z")
    }

    /// An instant to the minute, without its zone.
    pub fn minute(&self, micros: i64) -> String {
        self.format(micros, "%Y-%m-%d %H:%M")
    }

    /// The time of day alone.
    pub fn clock(&self, micros: i64) -> String {
        self.format(micros, "%H:%M:%S")
    }

    /// The day, such as `2026-11-24`.
    pub fn day(&self, micros: i64) -> String {
        self.format(micros, "%Y-%m-%d")
    }

    /// Written as `format` says, in the words of strftime.
    pub fn format(&self, micros: i64, format: &str) -> String {
        match Timestamp::from_microsecond(micros) {
            Ok(instant) => instant.to_zoned(self.0.clone()).strftime(format).to_string(),
            Err(_) => format!("{micros} µs since 1970"),
        }
    }

    /// By how much the clocks are ahead of UTC at an instant, in seconds.
    pub fn offset_secs(&self, micros: i64) -> i32 {
        Timestamp::from_microsecond(micros).map_or(0, |instant| self.0.to_offset(instant).seconds())
    }

    /// When the day of an instant begins, in microseconds since 1970.
    pub fn day_start(&self, micros: i64) -> i64 {
        let instant = Timestamp::from_microsecond(micros).ok().map(|instant| instant.to_zoned(self.0.clone()));
        let start = instant.and_then(|instant| instant.start_of_day().ok());
        start.map_or(micros, |start| start.timestamp().as_microsecond())
    }

    /// The instant of a date and time in this zone, in microseconds since 1970; of a time that the clocks show twice the
    /// first, of one that they skip the same distance later. `None` outside of the years that instants can have.
    pub fn instant(&self, time: jiff::civil::DateTime) -> Option<i64> {
        Some(time.to_zoned(self.0.clone()).ok()?.timestamp().as_microsecond())
    }

    /// The last instant with this time of day that is not after `last`, both in microseconds since 1970.
    pub fn last_before(&self, time: jiff::civil::Time, last: i64) -> Option<i64> {
        let day = Timestamp::from_microsecond(last).ok()?.to_zoned(self.0.clone()).date();
        let days = [Some(day), day.yesterday().ok()];
        days.into_iter().flatten().filter_map(|day| self.instant(day.to_datetime(time))).find(|at| *at <= last)
    }

    /// Monday 0:00 of a week of ISO 8601 and that of the next, in microseconds since 1970; the week is written as
    /// `2026-W47`. `None` if it is no week.
    pub fn week(&self, text: &str) -> Option<(i64, i64)> {
        let (year, week) = text.split_once("-W")?;
        let (year, week) = (year.parse::<i16>().ok()?, week.parse::<i8>().ok()?);
        let monday = jiff::civil::ISOWeekDate::new(year, week, jiff::civil::Weekday::Monday).ok()?.date();
        let next = monday.checked_add(jiff::Span::new().days(7)).ok()?;
        let start = |date: jiff::civil::Date| Some(date.to_zoned(self.0.clone()).ok()?.timestamp().as_microsecond());
        Some((start(monday)?, start(next)?))
    }

    /// The week of ISO 8601 that an instant is in, as [`Self::week`] takes it.
    pub fn week_of(&self, micros: i64) -> String {
        self.format(micros, "%G-W%V")
    }

    /// A sentence of ours with its instants, which are in UTC, in this zone. A name from a log in it that is written like an
    /// instant is rewritten too.
    pub fn in_sentence(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("20") {
            let (before, from) = rest.split_at(at);
            out += before;
            match instant_at_start(from) {
                Some((micros, length)) => {
                    out += &self.second(micros);
                    rest = &from[length..];
                }
                None => {
                    out += &from[..2];
                    rest = &from[2..];
                }
            }
        }
        out + rest
    }
}

/// The instant that a text begins with, as [`super::second`] and [`super::instant`] write it, and its length.
fn instant_at_start(text: &str) -> Option<(i64, usize)> {
    /// The length of `2026-11-24 09:11:00`.
    const TO_SECONDS: usize = 19;
    let after = text.get(TO_SECONDS..)?;
    if after.starts_with(" UTC") {
        let instant: Timestamp = format!("{}Z", &text[..TO_SECONDS]).parse().ok()?;
        return Some((instant.as_microsecond(), TO_SECONDS + " UTC".len()));
    }
    let end = TO_SECONDS + after.find('Z').filter(|at| *at <= 4)? + 1;
    let instant: Timestamp = text.get(..end)?.parse().ok()?;
    Some((instant.as_microsecond(), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_the_zone_and_say_so() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let at = 1_795_511_460_358_971;
        assert_eq!(Zone::default().second(at), "2026-11-24 09:11:00 UTC");
        assert_eq!(berlin.second(at), "2026-11-24 10:11:00 CET");
        assert_eq!(berlin.clock(at), "10:11:00");
        assert!(Zone::named("Mars/Olympus").is_err());
        assert_eq!(
            berlin.in_sentence("died at 2026-11-24 09:11:00 UTC, or 2026-11-24T09:11:41.146Z; 2026 is no instant"),
            "died at 2026-11-24 10:11:00 CET, or 2026-11-24 10:11:41 CET; 2026 is no instant"
        );
    }

    #[test]
    fn a_week_goes_from_monday_to_monday_in_its_zone() {
        let (from, to) = Zone::default().week("2026-W47").unwrap();
        assert_eq!(super::super::second(from), "2026-11-16 00:00:00 UTC");
        assert_eq!(super::super::second(to), "2026-11-23 00:00:00 UTC");
        assert_eq!(Zone::default().week_of(from), "2026-W47");
        let (from, _) = Zone::named("Europe/Berlin").unwrap().week("2026-W47").unwrap();
        assert_eq!(super::super::second(from), "2026-11-15 23:00:00 UTC");
        assert_eq!(Zone::default().week("2026-W60"), None);
    }
}
