//! Estimates of bytes as people read them. One whose ends are a decade apart is called unknown before its ends are given,
//! so that nobody takes either of them for the truth.

use crate::findings::Bytes;
use crate::units;

/// What would narrow an estimate.
pub(super) const NARROW: &str = "give --metrics or --resource";

/// The ends of an estimate: `0.7 to 2.4 GiB`, `at most 8 MiB`, `5 MiB or more`.
fn range_words(Bytes { low, high }: Bytes) -> String {
    match high {
        Some(high) if units::bytes(low) == units::bytes(high) => units::bytes(high),
        Some(high) if low == 0 => format!("at most {}", units::bytes(high)),
        Some(high) => format!("{} to {}", units::bytes(low), units::bytes(high)),
        None => format!("{} or more", units::bytes(low)),
    }
}

/// An estimate on its own, as in a fact: `0.7 to 2.4 GiB`, or `unknown (112 MiB to 27 GiB)`.
pub(super) fn size_words(bytes: Bytes) -> String {
    if bytes.is_unknown() { format!("unknown ({})", range_words(bytes)) } else { range_words(bytes) }
}

/// An estimate in a table, where its ends have no place.
pub(super) fn size_cell(bytes: Bytes) -> String {
    if bytes.is_unknown() { "unknown".to_owned() } else { range_words(bytes) }
}

/// An estimate of memory in a sentence, after a verb: `an estimated 1.2 GiB`, or `an unknown amount of memory (…)`.
pub(super) fn held_estimate(bytes: Bytes) -> String {
    if bytes.is_unknown() {
        format!("an unknown amount of memory ({})", range_words(bytes))
    } else {
        format!("an estimated {}", range_words(bytes))
    }
}

/// An estimate of bytes returned in a sentence: `an estimated 1.2 GiB`, or `an unknown number of bytes (…)`.
pub(super) fn estimate_words(bytes: Bytes) -> String {
    if bytes.is_unknown() {
        format!("an unknown number of bytes ({})", range_words(bytes))
    } else {
        format!("an estimated {}", range_words(bytes))
    }
}

/// The same of memory, with what would narrow it.
pub(super) fn held_estimate_and_hint(bytes: Bytes) -> String {
    if bytes.is_unknown() {
        format!("an unknown amount of memory ({}; {NARROW})", range_words(bytes))
    } else {
        held_estimate(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_over_a_decade_is_unknown_first() {
        let wide = Bytes { low: 112 << 20, high: Some(27 << 30) };
        assert_eq!(size_words(wide), "unknown (112 MiB to 27 GiB)");
        assert_eq!(size_cell(wide), "unknown");
        let hint = "an unknown amount of memory (112 MiB to 27 GiB; give --metrics or --resource)";
        assert_eq!(held_estimate_and_hint(wide), hint);
        let most = Bytes { low: 0, high: Some(8 << 20) };
        assert_eq!(size_words(most), "unknown (at most 8.0 MiB)");
        assert_eq!(size_words(Bytes { low: 5 << 20, high: None }), "unknown (5.0 MiB or more)");
    }

    #[test]
    fn a_narrow_estimate_is_written_as_it_is() {
        let narrow = Bytes { low: 1 << 30, high: Some(4 << 30) };
        assert_eq!(held_estimate_and_hint(narrow), "an estimated 1.0 GiB to 4.0 GiB");
        assert_eq!((size_words(narrow), size_cell(narrow)), (range_words(narrow), range_words(narrow)));
        let small = Bytes { low: 0, high: Some(900_000) };
        assert_eq!(size_words(small), "at most 879 KiB");
    }
}
