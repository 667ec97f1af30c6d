//! How quantities are written, and read from the command line; and the random numbers of a seed.

mod random;
mod zone;

pub use random::{Random, index_from, mix};
pub use zone::Zone;

/// A size in bytes, in binary units, as people read it.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ if value < 10.0 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// Reads a size such as `512MiB`, `1.5GB` or `4096`. `None` if it is none.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits_end);
    let factor: u32 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "kib" => 1 << 10,
        "m" | "mb" => 1_000_000,
        "mib" => 1 << 20,
        "g" | "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * f64::from(factor);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    (value.is_finite() && (0.0..9e15).contains(&value)).then_some(value as u64)
}

/// A whole number with its thousands set apart.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count known within bounds: `1,501 to 2,000`, or `at least 12` without an upper one.
pub fn count_range(low: u64, high: Option<u64>) -> String {
    range(low, high, count)
}

/// A size in bytes known within bounds: `1.2 MiB to 3.4 MiB`.
pub fn bytes_range(low: u64, high: Option<u64>) -> String {
    range(low, high, bytes)
}

/// Bounds that read the same are written once.
fn range(low: u64, high: Option<u64>, write: fn(u64) -> String) -> String {
    let low = write(low);
    match high.map(write) {
        None => format!("at least {low}"),
        Some(high) if high == low => high,
        Some(high) => format!("{low} to {high}"),
    }
}

/// So many pieces of something; one line may hold several.
pub fn pieces(count: u64) -> String {
    format!("{} piece{}", self::count(count), if count == 1 { "" } else { "s" })
}

/// A number for a table: three decimals, or three significant digits where that says more.
pub fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs();
    if magnitude >= 0.1 {
        return trim_zeros(&format!("{value:.3}"));
    }
    if magnitude < 1e-6 {
        return format!("{value:.2e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 2 and 6 by the range above")]
    let zeros = -magnitude.log10().floor() as usize;
    trim_zeros(&format!("{value:.*}", zeros + 2))
}

fn trim_zeros(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A share of a whole, in percent. "0 %" and "100 %" are written only where they are exact.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let percent = part as f64 / whole as f64 * 100.0;
    match part {
        0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        _ if percent < 0.1 => "under 0.1 %".to_owned(),
        _ if percent > 99.9 => "over 99.9 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

/// A share of a whole, from 0 to 1, in whole percent. What isn't all or nothing isn't written as if it were.
pub fn share(share: f64) -> String {
    match share {
        share if share <= 0.0 => "0 %".to_owned(),
        share if share < 0.01 => "under 1 %".to_owned(),
        share if share > 0.99 && share < 1.0 => "over 99 %".to_owned(),
        share => format!("{:.0} %", share * 100.0),
    }
}

/// A span of time, from microseconds, in its two largest units.
pub fn span(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        s if s >= 86_400 => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
        s if s >= 3_600 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        s if s >= 60 => format!("{} min {} s", s / 60, s % 60),
        #[expect(clippy::cast_precision_loss, reason = "under a minute")]
        _ => format!("{} s", number(micros as f64 / 1e6)),
    }
}

/// An instant, from microseconds since 1970, in RFC 3339 to the millisecond.
pub fn instant(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros)
        .map_or_else(|_| format!("{micros} µs since 1970"), |instant| format!("{instant:.3}"))
}

/// An instant, from microseconds since 1970, to the second and in UTC, in the form of [`Zone::second`].
pub fn second(micros: i64) -> String {
    jiff::Timestamp::from_microsecond(micros).map_or_else(
        |_| format!("{micros} µs since 1970"),
        |instant| instant.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Text from logs without what a terminal would obey or a reader could be fooled by: control characters, and those that
/// turn the direction of writing.
///
/// Only what writes a report or a message calls it: the renderers and the console.
pub fn legible(text: &str) -> String {
    text.chars().map(|c| if is_legible(c) { c } else { '\u{fffd}' }).collect()
}

/// The same for text of several lines, which keeps its line ends.
pub fn legible_lines(text: &str) -> String {
    text.lines().map(legible).collect::<Vec<_>>().join("\n")
}

/// Whether a character is only itself: no control, no line end, nothing that turns the direction of writing.
fn is_legible(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !turns && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_short_and_true() {
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(20 << 20), "20 MiB");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(number(0.012_345), "0.0123");
        assert_eq!(number(12.3456), "12.346");
        assert_eq!(number(3.0), "3");
        assert_eq!(percent(1, 100_000), "under 0.1 %");
        assert_eq!(percent(99_999, 100_000), "over 99.9 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!([0.0, 0.001, 0.5, 0.997, 1.0].map(share), ["0 %", "under 1 %", "50 %", "over 99 %", "100 %"]);
        assert_eq!(span(3_725_000_000), "1 h 2 min");
        assert_eq!(span(10_570_000), "10.57 s");
        assert_eq!(instant(1_784_831_532_000_123), "2026-07-23T18:32:12.000Z");
        assert_eq!(second(1_784_831_532_000_123), "2026-07-23 18:32:12 UTC");
        assert_eq!(legible("a\u{1b}[31mb\n\u{202e}c"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
        assert_eq!(legible_lines("a\u{1b}\nb\r\n"), "a\u{fffd}\nb");
    }

    #[test]
    fn bounds_are_written_once_where_they_are_one() {
        assert_eq!(count_range(1_501, Some(2_000)), "1,501 to 2,000");
        assert_eq!(count_range(12, None), "at least 12");
        assert_eq!(bytes_range(4_096, Some(4_097)), "4.0 KiB");
    }

    #[test]
    fn sizes_are_read_in_both_kinds_of_units() {
        assert_eq!(parse_bytes("1GiB"), Some(1 << 30));
        assert_eq!(parse_bytes("1.5 kB"), Some(1_500));
        assert_eq!(parse_bytes("4096"), Some(4_096));
        assert_eq!(parse_bytes("lots"), None);
        assert_eq!(parse_bytes("-1"), None);
    }
}
