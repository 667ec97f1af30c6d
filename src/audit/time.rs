//! The two ways an audit event writes time: RFC 3339 instants and Go durations.

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Micros = i64;

/// Reads an RFC 3339 instant with 0 to 9 fraction digits, `Z` or an offset, and `T` or a space between date and time.
///
/// Digits past the microsecond are cut off. `None` where it can't be read; never a default instant.
pub fn parse_instant(text: &str) -> Option<Micros> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let seconds = date_time_secs(date_time.try_into().ok()?)?;
    let (fraction, zone) = fraction_micros(rest)?;
    Some((seconds - offset_secs(zone)?) * 1_000_000 + fraction)
}

/// [`parse_instant`] for upstream's own form, beside another instant of the same event: two of them mostly share their
/// second, which then needs no second reading.
pub(super) fn parse_instant_beside(text: &str, (other, other_at): (&str, Micros)) -> Option<Micros> {
    const SECONDS: usize = "2006-01-02T15:04:05.".len();
    let fraction = |text: &str| {
        let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
        let is_utc = bytes[SECONDS - 1] == b'.' && bytes[26] == b'Z';
        digits(&bytes[SECONDS..26]).filter(|_| is_utc)
    };
    match (fraction(text), fraction(other)) {
        (Some(micros), Some(other_micros)) if text.as_bytes()[..SECONDS] == other.as_bytes()[..SECONDS] => {
            Some(other_at - other_micros + micros)
        }
        _ => parse_instant(text),
    }
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS`, taken as UTC.
fn date_time_secs(text: &[u8; 19]) -> Option<i64> {
    let separators = [text[4], text[7], text[10], text[13], text[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let two = |at: usize| digits(&text[at..at + 2]);
    let year = digits(&text[..4])?;
    let (month, day, hour, minute, second) = (two(5)?, two(8)?, two(11)?, two(14)?, two(17)?);
    // A leap second is read as the first second of the next minute.
    let in_range = hour < 24 && minute < 60 && second <= 60;
    if !in_range || !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the proleptic Gregorian calendar, counted in years that begin in March so that leap days come last
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The microseconds of an optional `.fraction`, and what follows it.
fn fraction_micros(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(fraction) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 9 {
        return None;
    }
    let micros = (0..6).fold(0, |value, at| {
        let digit = if at < length { fraction[at] - b'0' } else { 0 };
        value * 10 + i64::from(digit)
    });
    Some((micros, &fraction[length..]))
}

/// Seconds east of UTC of `Z` or `+HH:MM`; without either it is UTC, the only zone upstream writes.
fn offset_secs(zone: &[u8]) -> Option<i64> {
    match *zone {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[h1, h2])?, digits(&[m1, m2])?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Reads a Go duration such as `1m3.5s`, `15.2ms`, `6.109µs` or `972ns`, in seconds (Go `time.ParseDuration`).
pub fn parse_duration_secs(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if rest == "0" {
        return Some(0.0);
    }
    let mut seconds = 0.0;
    loop {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        seconds += number.parse::<f64>().ok()? * unit_secs(unit)?;
        if after.is_empty() {
            return Some(sign * seconds);
        }
        rest = after;
    }
}

fn unit_secs(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_exactly_whatever_their_precision() {
        let expected = 1_784_831_532_000_000;
        for (text, micros) in [
            ("2026-07-23T18:32:12Z", 0),
            ("2026-07-23T18:32:12.12Z", 120_000),
            ("2026-07-23T18:32:12.123Z", 123_000),
            ("2026-07-23T18:32:12.000123Z", 123),
            ("2026-07-23T18:32:12.123456789Z", 123_456),
            ("2026-07-23 18:32:12.5Z", 500_000),
            ("2026-07-23 18:32:12.5", 500_000),
            ("2026-07-23T20:32:12.5+02:00", 500_000),
            ("2026-07-23T13:02:12-05:30", 0),
        ] {
            assert_eq!(parse_instant(text), Some(expected + micros), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "null",
            "2026-07-23",
            "2026-02-30T00:00:00Z",
            "2026-07-23T24:00:00Z",
            "2026-07-23T18:32:12.Z",
            "2026-07-23T18:32:12.1234567890Z",
            "2026-07-23T18:32:12+0200",
            "2O26-07-23T18:32:12Z",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, seconds) in [
            ("10.823797657s", 10.823_797_657),
            ("76.137835ms", 0.076_137_835),
            ("6.109µs", 0.000_006_109),
            ("972ns", 0.000_000_972),
            ("1m3s", 63.0),
            ("1h2m3.5s", 3_723.5),
            ("0s", 0.0),
        ] {
            let read = parse_duration_secs(text).unwrap();
            assert!((read - seconds).abs() < 1e-12, "{text}: {read}");
        }
        for text in ["", "s", "1", "1.2.3s", "1x", "abc", "1s2"] {
            assert_eq!(parse_duration_secs(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn instants_agree_with_a_second_reader(seconds in -62_000_000_000_i64..250_000_000_000, micros in 0_i32..1_000_000) {
            let instant = jiff::Timestamp::new(seconds, micros * 1_000 * if seconds < 0 { 0 } else { 1 }).unwrap();
            prop_assert_eq!(parse_instant(&format!("{instant:.6}")), Some(instant.as_microsecond()));
        }

        #[test]
        fn an_instant_beside_another_is_the_same_instant(
            seconds in 0_i64..3,
            micros in 0_i32..1_000_000,
            other_seconds in 0_i64..3,
            digits in 0_usize..9,
        ) {
            let other = format!("{:.6}", jiff::Timestamp::new(other_seconds, 7_000).unwrap());
            let other = (other.as_str(), parse_instant(&other).unwrap());
            let text = format!("{:.digits$}", jiff::Timestamp::new(seconds, micros * 1_000).unwrap());
            prop_assert_eq!(parse_instant_beside(&text, other), parse_instant(&text));
        }
    }
}
