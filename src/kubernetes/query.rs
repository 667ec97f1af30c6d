//! Query parameters of a request URI, decoded and converted as the server does it (Go's `net/url`, and
//! `k8s.io/apimachinery/pkg/runtime/converter.go`).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use thiserror::Error;

/// The parameters of a query in their order, as Go's `url.ParseQuery` reads them: a pair with a semicolon or a broken
/// escape is skipped.
pub struct QueryParameters<'q>(Vec<(Cow<'q, str>, Cow<'q, str>)>);

/// A parameter that must be a whole number and isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected an integer")]
pub struct NotAnInteger;

impl<'q> QueryParameters<'q> {
    /// Reads a query, without its `?`.
    pub fn parse(query: &'q str) -> Self {
        let is_valid = |pair: &&str| !pair.contains(';') && !has_broken_escape(pair);
        let pairs = query.split('&').filter(is_valid);
        Self(pairs.flat_map(|pair| form_urlencoded::parse(pair.as_bytes())).collect())
    }

    /// The first value of that name, `None` if there is none.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The first value of that name, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The first value of that name as a number, 0 if there is none.
    ///
    /// # Errors
    ///
    /// When the value is not a whole number; an empty value is not one either
    /// (`apimachinery/pkg/runtime/conversion.go`, `Convert_Slice_string_To_int64`).
    pub fn integer(&self, name: &str) -> Result<i64, NotAnInteger> {
        self.get(name).map_or(Ok(0), |value| value.parse().map_err(|_| NotAnInteger))
    }

    /// Whether the first value of that name [is true](is_true); false if there is none.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_true)
    }
}

/// A boolean parameter: everything but `0` and `false`, in any case, is true, the empty value too
/// (`apimachinery/pkg/runtime/conversion.go`, `Convert_Slice_string_To_bool`).
pub fn is_true(value: &str) -> bool {
    !value.eq_ignore_ascii_case("false") && value != "0"
}

/// A path without its percent escapes. A path with a broken escape is returned unchanged: the server rejects such a request
/// before it reaches a handler.
pub fn decode_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') || has_broken_escape(path) {
        return Cow::Borrowed(path);
    }
    percent_decode_str(path).decode_utf8_lossy()
}

/// Whether any `%` is not followed by two hexadecimal digits.
fn has_broken_escape(text: &str) -> bool {
    text.split('%').skip(1).any(|after| {
        !after.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_0_and_false_is_true() {
        for (query, expected) in
            [("", false), ("a", true), ("a=", true), ("a=1", true), ("a=FALSE", false), ("a=0", false), ("a=no", true)]
        {
            assert_eq!(QueryParameters::parse(query).flag("a"), expected, "{query}");
        }
    }

    #[test]
    fn the_first_value_counts_and_broken_pairs_are_skipped() {
        let parameters = QueryParameters::parse("a=%zz&a=1;2&a=b%20c+d&a=e&n=&m=5");
        assert_eq!(parameters.text("a"), "b c d");
        assert_eq!(parameters.integer("m"), Ok(5));
        assert_eq!((parameters.integer("n"), parameters.integer("absent")), (Err(NotAnInteger), Ok(0)));
    }

    #[test]
    fn a_path_is_decoded_unless_an_escape_is_broken() {
        for (path, decoded) in [("/a", "/a"), ("/a%20b+c", "/a b+c"), ("/%41%zz", "/%41%zz"), ("/%ff", "/\u{fffd}")] {
            assert_eq!(decode_path(path), decoded, "{path}");
        }
    }
}
