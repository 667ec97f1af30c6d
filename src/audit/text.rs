//! JSON strings as they stand in the log: most are never looked at, so decoding one is put off until somebody asks.

use std::borrow::Cow;

/// A JSON string of the log, without its quotes, perhaps still with its escapes.
///
/// Its syntax has been checked; only lone surrogates remain, which decode to U+FFFD as Go does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> Text<'a> {
    /// A string that holds no escapes.
    pub const fn plain(raw: &'a str) -> Self {
        Self { raw, has_escapes: false }
    }

    /// A string between its quotes, as written; `has_escapes` must tell whether a backslash is in it.
    pub(super) const fn new(raw: &'a str, has_escapes: bool) -> Self {
        Self { raw, has_escapes }
    }

    /// Whether the string is `""`.
    pub const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// What follows a prefix that holds nothing to escape; `None` if the string doesn't begin so.
    pub fn strip_prefix(&self, prefix: &str) -> Option<Self> {
        self.raw.strip_prefix(prefix).map(|raw| Self { raw, has_escapes: self.has_escapes })
    }

    /// The string's value; borrowed where no escape is in it.
    #[inline]
    pub fn decode(&self) -> Cow<'a, str> {
        if self.has_escapes {
            let mut out = String::with_capacity(self.raw.len());
            unescape(self.raw, &mut out);
            Cow::Owned(out)
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// The string's value; `scratch` is overwritten where an escape must be resolved.
    #[inline]
    pub fn decode_in<'s>(&self, scratch: &'s mut String) -> &'s str
    where
        'a: 's,
    {
        if self.has_escapes {
            scratch.clear();
            unescape(self.raw, scratch);
            scratch
        } else {
            self.raw
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.decode() == other
    }
}

/// A JSON array of strings, as written between its brackets.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextList<'a> {
    raw: &'a str,
}

impl<'a> TextList<'a> {
    /// What stands between `[` and `]`: strings, commas and white space only.
    pub(super) const fn new(raw: &'a str) -> Self {
        Self { raw }
    }

    /// The strings in their order.
    pub fn iter(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let start = rest.find('"')? + 1;
            let (text, after) = split_string(&rest[start..])?;
            rest = after;
            Some(text)
        })
    }
}

impl TextList<'_> {
    /// Hashes the list as it is written: equal hashes are equal lists, but one list may be written in several ways.
    pub fn hash_as_written<H: std::hash::Hasher>(&self, hasher: &mut H) {
        std::hash::Hash::hash(self.raw, hasher);
    }
}

impl PartialEq for TextList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Cuts `inside`, which starts just after an opening quote, at its closing quote.
fn split_string(inside: &str) -> Option<(Text<'_>, &str)> {
    let bytes = inside.as_bytes();
    let mut at = 0;
    let mut has_escapes = false;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some((Text::new(&inside[..at], has_escapes), &inside[at + 1..]));
        }
        has_escapes = true;
        at += 2;
    }
}

/// Appends `raw` to `out` with its escapes resolved; `raw` has been checked.
fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (character, used) = escape(&rest[at + 1..]);
        out.push(character);
        rest = &rest[at + 1 + used..];
    }
    out.push_str(rest);
}

/// The character an escape stands for and the bytes it takes after the backslash.
fn escape(after: &str) -> (char, usize) {
    match after.as_bytes().first() {
        Some(b'b') => ('\u{8}', 1),
        Some(b'f') => ('\u{c}', 1),
        Some(b'n') => ('\n', 1),
        Some(b'r') => ('\r', 1),
        Some(b't') => ('\t', 1),
        Some(b'u') => unicode_escape(after),
        Some(&other) => (char::from(other), 1),
        None => (char::REPLACEMENT_CHARACTER, 0),
    }
}

/// `uXXXX`, or the pair `uD8XX\uDCXX` of one character outside the basic plane.
fn unicode_escape(after: &str) -> (char, usize) {
    let unit = |at: usize| u32::from_str_radix(after.get(at..at + 4)?, 16).ok();
    let Some(high) = unit(1) else {
        return (char::REPLACEMENT_CHARACTER, after.len());
    };
    if let Some(character) = char::from_u32(high) {
        return (character, 5);
    }
    let low = (high < 0xdc00 && after.get(5..7) == Some("\\u"))
        .then(|| unit(7))
        .flatten()
        .filter(|low| (0xdc00..0xe000).contains(low));
    match low {
        Some(low) => {
            let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
            let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
            (character, 11)
        }
        None => (char::REPLACEMENT_CHARACTER, 5),
    }
}

/// Whether the checked string `raw` holds half of a surrogate pair without its other half.
pub(super) fn has_lone_surrogate(raw: &str) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let after = &rest[at + 1..];
        let (character, used) = escape(after);
        let written = after.get(1..5).is_some_and(|hex| hex.eq_ignore_ascii_case("fffd"));
        if character == char::REPLACEMENT_CHARACTER && !written {
            return true;
        }
        rest = &after[used..];
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let text = Text::new(r#"/a?b=1\u0026c=\"x\"\\\/\n"#, true);
        assert_eq!(text.decode(), "/a?b=1&c=\"x\"\\/\n");
    }

    #[test]
    fn a_lone_surrogate_becomes_the_replacement_character_and_its_neighbour_stays() {
        for (raw, expected) in [
            (r"\ud800", "\u{fffd}"),
            (r"\ud800\u0041", "\u{fffd}A"),
            (r"\udc00x", "\u{fffd}x"),
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
        ] {
            assert_eq!(Text::new(raw, true).decode(), expected, "{raw}");
        }
        assert!(has_lone_surrogate(r"a\ud800"));
        assert!(!has_lone_surrogate(r"\ufffd \ud83d\ude00"));
    }

    proptest! {
        #[test]
        fn decoding_agrees_with_serde_json(value in any::<String>()) {
            let json = serde_json::to_string(&value).unwrap();
            let raw = &json[1..json.len() - 1];
            prop_assert_eq!(Text::new(raw, raw.contains('\\')).decode(), value);
        }

        #[test]
        fn lists_come_apart_where_serde_json_parts_them(values in prop::collection::vec(any::<String>(), 0..5)) {
            let json = serde_json::to_string(&values).unwrap();
            let list = TextList::new(&json[1..json.len() - 1]);
            prop_assert_eq!(list.iter().map(|text| text.decode().into_owned()).collect::<Vec<_>>(), values);
        }
    }
}
