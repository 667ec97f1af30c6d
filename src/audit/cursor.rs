//! A cursor over one line of JSON without white space or control characters, as Go writes it: the fast path's feet.
//!
//! Every method answers `None` or `false` on anything but the exact form it knows; the caller then takes the general
//! path, which decides. So this file never says why a line is bad, and accepts nothing that JSON forbids.

use wide::u8x16;

use super::text::{Text, TextList};

/// Where the fast path stands in its line.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Whether an escape of a surrogate was met: the general path looks closer.
    pub(super) has_surrogate: bool,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `text`, which must hold no control characters.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, has_surrogate: false }
    }

    /// The byte offset reached.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// Whether the line ends here.
    pub(super) const fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// The text between two offsets.
    pub(super) fn slice(&self, from: usize, to: usize) -> Option<&'a str> {
        self.text.get(from..to)
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over `literal` if it stands here.
    #[inline]
    pub(super) fn eat<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        let here = self.text.as_bytes().get(self.at..self.at + N);
        let stands = here.is_some_and(|here| here == literal);
        if stands {
            self.at += N;
        }
        stands
    }

    /// Reads the rest of a string whose opening quote has been eaten, and eats its closing quote.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Option<Text<'a>> {
        let start = self.at;
        let end = quote_or_backslash(self.text.as_bytes(), start)?;
        self.at = end;
        if self.text.as_bytes()[end] == b'\\' {
            return self.string_with_escapes(start);
        }
        self.at += 1;
        Some(Text::new(self.text.get(start..end)?, false))
    }

    /// Goes on with a string that started at `start`, at the first of its escapes.
    #[inline(never)]
    fn string_with_escapes(&mut self, start: usize) -> Option<Text<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            self.escape()?;
            self.at = quote_or_backslash(bytes, self.at)?;
            if bytes[self.at] == b'"' {
                let raw = self.text.get(start..self.at)?;
                self.at += 1;
                return Some(Text::new(raw, true));
            }
        }
    }

    /// Steps over the escape that stands here.
    #[inline]
    fn escape(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let hex = bytes.get(self.at + 2..self.at + 6)?;
                if !hex.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.has_surrogate |= hex[0] | 0x20 == b'd' && hex[1] >= b'8';
                self.at += 6;
            }
            _ => return None,
        }
        Some(())
    }

    /// Reads a list of strings whose `[` has been eaten, and eats its `]`.
    pub(super) fn strings(&mut self) -> Option<TextList<'a>> {
        let start = self.at;
        if self.eat(b"]") {
            return Some(TextList::new(""));
        }
        loop {
            if !self.eat(b"\"") {
                return None;
            }
            self.string()?;
            if self.eat(b"]") {
                return Some(TextList::new(self.text.get(start..self.at - 1)?));
            }
            if !self.eat(b",") {
                return None;
            }
        }
    }

    /// Steps over the value that stands here, whatever it is and however deep, building nothing.
    pub(super) fn skip_value(&mut self) -> Option<()> {
        let mut open = Nesting::default();
        loop {
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    if !self.eat(b"}") {
                        open.push(true);
                        self.skip_key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    if !self.eat(b"]") {
                        open.push(false);
                        continue;
                    }
                }
                _ => self.skip_scalar()?,
            }
            if !self.skip_to_next_value(&mut open)? {
                return Some(());
            }
        }
    }

    /// After a value: closes what ends here; whether another value follows.
    fn skip_to_next_value(&mut self, open: &mut Nesting) -> Option<bool> {
        loop {
            let Some(is_object) = open.innermost() else {
                return Some(false);
            };
            let byte = self.peek()?;
            self.at += 1;
            match (byte, is_object) {
                (b',', true) => {
                    self.skip_key()?;
                    return Some(true);
                }
                (b',', false) => return Some(true),
                (b'}', true) | (b']', false) => open.pop(),
                _ => return None,
            }
        }
    }

    fn skip_key(&mut self) -> Option<()> {
        if !self.eat(b"\"") {
            return None;
        }
        self.string()?;
        self.eat(b":").then_some(())
    }

    fn skip_scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.string().map(drop)
            }
            b't' => self.eat(b"true").then_some(()),
            b'f' => self.eat(b"false").then_some(()),
            b'n' => self.eat(b"null").then_some(()),
            _ => self.skip_number(),
        }
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn skip_number(&mut self) -> Option<()> {
        self.eat(b"-");
        if !self.eat(b"0") {
            self.skip_digits()?;
        }
        if self.eat(b".") {
            self.skip_digits()?;
        }
        if self.eat(b"e") || self.eat(b"E") {
            let _signed = self.eat(b"+") || self.eat(b"-");
            self.skip_digits()?;
        }
        Some(())
    }

    fn skip_digits(&mut self) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += length;
        (length > 0).then_some(())
    }

    /// Reads a code of one to nine digits without a leading zero.
    pub(super) fn code(&mut self) -> Option<i32> {
        let start = self.at;
        self.skip_digits()?;
        let digits = self.text.get(start..self.at)?;
        let is_plain = digits.len() <= 9 && (digits == "0" || !digits.starts_with('0'));
        let ends = matches!(self.peek(), Some(b',' | b'}'));
        (is_plain && ends).then(|| digits.parse().ok()).flatten()
    }
}

/// The position of the next `"` or `\` at or after `at`.
#[inline(always)]
fn quote_or_backslash(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let block = u8x16::new(*block);
        let hits = block.simd_eq(u8x16::splat(b'"')) | block.simd_eq(u8x16::splat(b'\\'));
        let mask = hits.to_bitmask();
        if mask != 0 {
            return Some(at + mask.trailing_zeros() as usize);
        }
        at += 16;
    }
    quote_or_backslash_near_end(bytes, at)
}

#[inline(never)]
fn quote_or_backslash_near_end(bytes: &[u8], at: usize) -> Option<usize> {
    let tail = bytes.get(at..)?;
    let found = tail.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(at + found)
}

/// Which of the open brackets are objects: one bit each, the innermost lowest, 64 at hand and deeper ones on the heap.
#[derive(Default)]
struct Nesting {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(is_object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    const fn innermost(&self) -> Option<bool> {
        if self.depth == 0 { None } else { Some(self.bits & 1 == 1) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn skips(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip_value().is_some() && cursor.is_at_end()
    }

    #[test]
    fn skipping_accepts_json_and_nothing_else() {
        for good in
            ["0", "-1.5e+3", "\"a\\u0026\"", "[]", "{}", "[1,{\"a\":[]},null]", "{\"a\":{\"b\":true},\"c\":false}"]
        {
            assert!(skips(good), "{good}");
        }
        for bad in [
            "",
            "01",
            "1.",
            "-",
            "1e",
            "\"",
            "\"\\x\"",
            "\"\\u00g0\"",
            "[",
            "]",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{1:2}",
            "[}",
            "{]",
            "{\"a\":1,}",
            "tru",
            "nulll",
            "[1 2]",
            "+1",
            ".5",
        ] {
            assert!(!skips(bad), "{bad}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        for depth in [1, 63, 64, 65, 127, 128, 129, 20_000] {
            let text = "[{\"a\":".repeat(depth) + "1" + &"}]".repeat(depth);
            assert!(skips(&text), "{depth}");
            assert!(!skips(&text[..text.len() - 1]), "{depth}");
            assert!(!skips(&text.replacen("}]", "]}", 1)), "{depth}");
        }
    }

    proptest! {
        #[test]
        fn skipping_agrees_with_serde_json(text in r#"[\[\]{},:"a0-9\\un.eE+tfrls-]{0,24}"#) {
            let expected = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(skips(&text), expected, "{}", text);
        }
    }
}
