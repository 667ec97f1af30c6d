//! Numbers, times, durations and UUIDs as kube-apiserver writes them, appended to a byte buffer. They are half of what
//! changes from line to line; with `format!` they would take most of the time.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;

/// Microseconds since 1970-01-01T00:00:00Z.
pub(super) type Micros = i64;

pub(super) fn push_number(value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value;
    loop {
        start -= 1;
        digits[start] = digit(rest % 10);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends the lowest `width` digits (18 at most) of a number, with leading zeros.
fn push_padded(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 18];
    let mut rest = value;
    for place in digits[..width].iter_mut().rev() {
        *place = digit(rest % 10);
        rest /= 10;
    }
    out.extend_from_slice(&digits[..width]);
}

const fn digit(value: u64) -> u8 {
    b'0' + low_byte(value)
}

const fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// Appends 16 hexadecimal digits.
pub(super) fn push_hex(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&hex(value));
}

/// Appends a UUID of version 4, the version of audit IDs.
pub(super) fn push_uuid(bits: [u64; 2], out: &mut Vec<u8>) {
    let high = hex(bits[0] & 0xffff_ffff_ffff_0fff | 0x4000);
    let low = hex(bits[1] & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000);
    let mut text = [b'-'; 36];
    text[..8].copy_from_slice(&high[..8]);
    text[9..13].copy_from_slice(&high[8..12]);
    text[14..18].copy_from_slice(&high[12..]);
    text[19..23].copy_from_slice(&low[..4]);
    text[24..].copy_from_slice(&low[4..]);
    out.extend_from_slice(&text);
}

fn hex(value: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 16];
    for (pair, byte) in text.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// Appends a duration as Go's `time.Duration.String` does: `1m3.5s`, `15.2ms`, `6.109µs`, `972ns`.
pub(super) fn push_duration(nanos: u64, out: &mut Vec<u8>) {
    let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60);
    match nanos {
        0 => out.extend_from_slice(b"0s"),
        1..1_000 => push_decimal(nanos, 0, "ns", out),
        1_000..1_000_000 => push_decimal(nanos, 3, "µs", out),
        1_000_000..1_000_000_000 => push_decimal(nanos, 6, "ms", out),
        _ => {
            if hours > 0 {
                push_decimal(hours, 0, "h", out);
            }
            if hours > 0 || minutes > 0 {
                push_decimal(minutes, 0, "m", out);
            }
            push_decimal(nanos % 60_000_000_000, 9, "s", out);
        }
    }
}

/// Appends `value` / 10^`places` without trailing zeros, and its unit.
fn push_decimal(value: u64, places: u32, unit: &str, out: &mut Vec<u8>) {
    let one = 10_u64.pow(places);
    push_number(value / one, out);
    if !value.is_multiple_of(one) {
        out.push(b'.');
        push_padded(value % one, usize::try_from(places).unwrap_or(0), out);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.extend_from_slice(unit.as_bytes());
}

/// Writes timestamps. It keeps the text of the last second, as consecutive lines mostly share it.
#[derive(Debug)]
pub(super) struct TimestampWriter {
    second: i64,
    text: Vec<u8>,
}

impl TimestampWriter {
    pub(super) fn new() -> Self {
        let mut text = Vec::new();
        push_second(0, &mut text);
        Self { second: 0, text }
    }

    /// Appends `at` as a MicroTime of Kubernetes: RFC 3339 in UTC with microseconds.
    pub(super) fn push(&mut self, at: Micros, out: &mut Vec<u8>) {
        let second = at.div_euclid(1_000_000);
        if second != self.second {
            self.second = second;
            self.text.clear();
            push_second(second, &mut self.text);
        }
        out.extend_from_slice(&self.text);
        out.push(b'.');
        push_padded(at.rem_euclid(1_000_000).unsigned_abs(), 6, out);
        out.push(b'Z');
    }
}

/// Appends `YYYY-MM-DDTHH:MM:SS` in UTC. Times that [`Timestamp`] cannot hold become the last or first that it can.
pub(super) fn push_second(second: i64, out: &mut Vec<u8>) {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let time = Timestamp::from_second(second.clamp(first, last)).unwrap_or_default();
    let printed = DateTimePrinter::new().print_datetime(&Offset::UTC.to_datetime(time), out);
    debug_assert!(printed.is_ok(), "writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(push: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        push(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn durations_look_as_go_writes_them() {
        for (nanos, text) in [
            (0, "0s"),
            (972, "972ns"),
            (6_109, "6.109µs"),
            (32_000, "32µs"),
            (76_137_835, "76.137835ms"),
            (480_000_000, "480ms"),
            (10_823_797_657, "10.823797657s"),
            (63_500_000_000, "1m3.5s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(written(|out| push_duration(nanos, out)), text);
        }
    }

    #[test]
    fn timestamps_have_microseconds() {
        let mut timestamps = TimestampWriter::new();
        for (at, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_784_831_532_000_123, "2026-07-23T18:32:12.000123Z"),
            (1_784_831_532_999_999, "2026-07-23T18:32:12.999999Z"),
            (1_798_761_599_000_001, "2026-12-31T23:59:59.000001Z"),
            (Micros::MAX, "9999-12-30T22:00:00.775807Z"),
        ] {
            assert_eq!(written(|out| timestamps.push(at, out)), text);
        }
    }

    #[test]
    fn audit_ids_are_uuids_of_version_4() {
        let text = written(|out| push_uuid([u64::MAX, 0], out));
        assert_eq!(text, "ffffffff-ffff-4fff-8000-000000000000");
    }
}
