//! Where quotes and backslashes stand in a text, found for all of it in one pass, many bytes at once.
//!
//! Nearly all of an audit event is strings, so a reader that knows where the next quote is can step from one to the next
//! (the idea of the first stage of simdjson: Langdale and Lemire, "Parsing Gigabytes of JSON per Second", 2019).

use wide::u8x16;

/// One bit for each byte of a text: whether it is a quote or a backslash.
#[derive(Debug, Default)]
pub struct Marks {
    words: Vec<u64>,
    has_controls: bool,
}

const BLOCK: usize = 64;

impl Marks {
    /// The marks of `text`. Built anew in place: the memory is used again.
    pub fn build(&mut self, text: &[u8]) {
        self.words.clear();
        self.words.reserve(text.len() / BLOCK + 1);
        self.has_controls = false;
        let (blocks, rest) = text.as_chunks::<BLOCK>();
        for block in blocks {
            self.push(block);
        }
        if !rest.is_empty() {
            let mut last = [b' '; BLOCK];
            last[..rest.len()].copy_from_slice(rest);
            self.push(&last);
        }
    }

    /// Whether the text holds control characters other than line feeds.
    pub const fn has_controls(&self) -> bool {
        self.has_controls
    }

    fn push(&mut self, block: &[u8; BLOCK]) {
        let (lanes, _) = block.as_chunks::<16>();
        let mut word = 0;
        let mut controls = 0;
        for (at, lane) in lanes.iter().enumerate() {
            let bytes = u8x16::new(*lane);
            let hits = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\'));
            word |= u64::from(hits.to_bitmask()) << (16 * at);
            // A byte below a space is the smaller of itself and the last control character.
            let is_control = bytes.simd_eq(bytes.min(u8x16::splat(0x1f)));
            let is_line_feed = bytes.simd_eq(u8x16::splat(b'\n'));
            controls |= is_control.to_bitmask() & !is_line_feed.to_bitmask();
        }
        self.words.push(word);
        self.has_controls |= controls != 0;
    }

    /// The first marked byte at or after `at`.
    #[inline]
    pub(super) fn next(&self, at: usize) -> Option<usize> {
        let mut index = at / BLOCK;
        let mut word = self.words.get(index)? & (u64::MAX << (at % BLOCK));
        while word == 0 {
            index += 1;
            word = *self.words.get(index)?;
        }
        Some(index * BLOCK + word.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_where_a_plain_search_finds_them(text in r#"["\\a-c\n]{0,200}"#, at in 0_usize..200) {
            let mut marks = Marks::default();
            marks.build(text.as_bytes());
            let rest = text.as_bytes().get(at..).unwrap_or_default();
            let expected = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).map(|found| at + found);
            prop_assert_eq!(marks.next(at), expected);
            prop_assert!(!marks.has_controls());
        }

        #[test]
        fn control_characters_are_found(before in "[a-z]{0,80}", control in 0_u8..32, after in "[a-z]{0,80}") {
            let text = [before.as_bytes(), &[control], after.as_bytes()].concat();
            let mut marks = Marks::default();
            marks.build(&text);
            prop_assert_eq!(marks.has_controls(), control != b'\n');
        }
    }
}
