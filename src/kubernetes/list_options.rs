//! The options of a LIST or watch, read from its URI, and what kind of LIST they make.
//!
//! [`ListOptions::from_uri`] runs for every line of a log, so it decodes only the parameters it keeps.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::query::is_true;

/// Upstream writes tokens without padding; a client may add it.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The query parameters of a list or watch that determine its cost (upstream `metav1.ListOptions`).
///
/// If a parameter occurs twice, the first one counts, as in Go's `url.Values.Get`. An empty parameter counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions<'u> {
    /// `limit`: objects per page; 0 counts as absent.
    pub limit: Option<i64>,
    /// `continue`: the token of a subsequent page.
    pub continue_token: Option<Cow<'u, str>>,
    /// `resourceVersion`: absent for "most recent", `0` for "any", else a version.
    pub resource_version: Option<Cow<'u, str>>,
    /// `resourceVersionMatch`: `Exact` or `NotOlderThan`.
    pub resource_version_match: Option<Cow<'u, str>>,
    /// `labelSelector`.
    pub label_selector: Option<Cow<'u, str>>,
    /// `fieldSelector`.
    pub field_selector: Option<Cow<'u, str>>,
    /// `timeoutSeconds`.
    pub timeout_secs: Option<i64>,
    /// `sendInitialEvents`: a watch that starts with the whole list.
    pub send_initial_events: Option<bool>,
    /// `allowWatchBookmarks`, which all client-go informers set.
    pub allow_watch_bookmarks: Option<bool>,
    /// `timeout` as written, such as `32s`: the client's deadline.
    pub timeout: Option<&'u str>,
    /// Whether the server can't decode the options: `limit` or `timeoutSeconds` is not an integer.
    pub is_undecodable: bool,
}

impl<'u> ListOptions<'u> {
    /// Reads the options from a request URI.
    pub fn from_uri(uri: &'u str) -> Self {
        let mut options = Self::default();
        let Some((_, query)) = cut(uri, b'?') else {
            return options;
        };
        let mut rest = Some(query);
        while let Some(query) = rest {
            let (pair, further) = cut(query, b'&').map_or((query, None), |(pair, further)| (pair, Some(further)));
            rest = further;
            match cut(pair, b'=') {
                Some(("timeout", value)) => options.timeout = options.timeout.or((!value.is_empty()).then_some(value)),
                // Most parameters are none of these; decoding them all takes as long as decoding the event.
                _ if !may_be_option(pair) => {}
                Some((key, value)) if !has_escapes(pair) => options.note(key, Cow::Borrowed(value)),
                _ => form_urlencoded::parse(pair.as_bytes()).for_each(|(key, value)| options.note(&key, value)),
            }
        }
        options
    }

    fn note(&mut self, key: &str, value: Cow<'u, str>) {
        self.is_undecodable |= matches!(key, "limit" | "timeoutSeconds") && value.parse::<i64>().is_err();
        if !value.is_empty() {
            self.take(key, value);
        }
    }

    fn take(&mut self, key: &str, value: Cow<'u, str>) {
        fn keep_first<T>(slot: &mut Option<T>, value: Option<T>) {
            if slot.is_none() {
                *slot = value;
            }
        }
        match key {
            "limit" => keep_first(&mut self.limit, value.parse().ok()),
            "continue" => keep_first(&mut self.continue_token, Some(value)),
            "resourceVersion" => keep_first(&mut self.resource_version, Some(value)),
            "resourceVersionMatch" => keep_first(&mut self.resource_version_match, Some(value)),
            "labelSelector" => keep_first(&mut self.label_selector, Some(value)),
            "fieldSelector" => keep_first(&mut self.field_selector, Some(value)),
            "timeoutSeconds" => keep_first(&mut self.timeout_secs, value.parse().ok()),
            "sendInitialEvents" => keep_first(&mut self.send_initial_events, Some(is_true(&value))),
            "allowWatchBookmarks" => keep_first(&mut self.allow_watch_bookmarks, Some(is_true(&value))),
            _ => {}
        }
    }

    /// Whether a field selector asks for one object by its name.
    pub fn selects_name(&self) -> bool {
        let selector = self.field_selector.as_deref().unwrap_or_default();
        selector.split(',').any(|term| term.starts_with("metadata.name=") && !term.ends_with('='))
    }

    /// The resourceVersion of the snapshot that a continue token refers to; all subsequent pages of one list share it.
    /// `None` without a token, or with one that upstream would not write (`apiserver/pkg/storage/continue.go`).
    pub fn continue_revision(&self) -> Option<i64> {
        #[derive(serde::Deserialize)]
        struct Token {
            rv: i64,
        }
        let json = BASE64_URL.decode(self.continue_token.as_deref()?).ok()?;
        serde_json::from_slice::<Token>(&json).ok().map(|token| token.rv)
    }

    fn has_limit(&self) -> bool {
        self.limit.is_some_and(|limit| limit > 0)
    }
}

/// Whether a parameter may be a list option, judging by the first letter of its name, which may be escaped.
fn may_be_option(pair: &str) -> bool {
    // This skips what most requests have: watch, pretty.
    matches!(pair.as_bytes().first(), Some(b'l' | b'c' | b'r' | b'f' | b's' | b't' | b'a' | b'%'))
}

/// `str::split_once`, which takes several times as long on such short text.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(at, text.as_bytes())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether a parameter contains escapes.
fn has_escapes(pair: &str) -> bool {
    memchr::memchr2(b'%', b'+', pair.as_bytes()).is_some()
}

/// What a LIST, or a watch that starts with one, asks the server for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListKind {
    /// A watch that starts with the whole list.
    WatchList,
    /// A list of one object, by its name.
    ByName,
    /// A subsequent page.
    NextPage,
    /// The collection exactly as it was at a version.
    Exact,
    /// From the watch cache, with a limit that it ignores: how informers start.
    Reflector,
    /// The whole collection from the watch cache, at any version.
    Cached,
    /// From the watch cache once it is at least as new as a version: how informers relist.
    Relist,
    /// The first page of a list.
    FirstPage,
    /// The whole collection in its most recent state.
    Full,
}

impl ListKind {
    /// The kind of a request; `None` if it is not a list. The first kind that fits, from top to bottom.
    pub fn from_request(verb: &str, has_name: bool, options: &ListOptions<'_>) -> Option<Self> {
        let version = options.resource_version.as_deref();
        let version_match = options.resource_version_match.as_deref();
        let has_version = version.is_some_and(|version| version != "0");
        match verb {
            "watch" => return (options.send_initial_events == Some(true)).then_some(Self::WatchList),
            "list" => {}
            _ => return None,
        }
        Some(if has_name || options.selects_name() {
            Self::ByName
        } else if options.continue_token.is_some() {
            Self::NextPage
        } else if version_match == Some("Exact") || options.has_limit() && has_version && version_match.is_none() {
            Self::Exact
        } else if version == Some("0") {
            if options.has_limit() { Self::Reflector } else { Self::Cached }
        } else if has_version || version_match == Some("NotOlderThan") {
            Self::Relist
        } else if options.has_limit() {
            Self::FirstPage
        } else {
            Self::Full
        })
    }

    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::WatchList,
        Self::ByName,
        Self::NextPage,
        Self::Exact,
        Self::Reflector,
        Self::Cached,
        Self::Relist,
        Self::FirstPage,
        Self::Full,
    ];

    /// The kind of that [name](Self::name); `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's name in the `list_kind` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WatchList => "watch_list",
            Self::ByName => "by_name",
            Self::NextPage => "next_page",
            Self::Exact => "exact",
            Self::Reflector => "reflector",
            Self::Cached => "cached",
            Self::Relist => "relist",
            Self::FirstPage => "first_page",
            Self::Full => "full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(verb: &str, uri: &str) -> Option<&'static str> {
        ListKind::from_request(verb, false, &ListOptions::from_uri(uri)).map(ListKind::name)
    }

    #[test]
    fn the_first_kind_that_fits_is_taken() {
        for (verb, query, expected) in [
            ("list", "", Some("full")),
            ("list", "?limit=0", Some("full")),
            ("list", "?labelSelector=a%3Db", Some("full")),
            ("list", "?limit=500", Some("first_page")),
            ("list", "?limit=500&continue=abc", Some("next_page")),
            ("list", "?limit=500&resourceVersion=0", Some("reflector")),
            ("list", "?resourceVersion=0", Some("cached")),
            ("list", "?resourceVersion=5", Some("relist")),
            ("list", "?resourceVersion=5&resourceVersionMatch=NotOlderThan&limit=500", Some("relist")),
            ("list", "?resourceVersion=5&limit=500", Some("exact")),
            ("list", "?resourceVersion=5&resourceVersionMatch=Exact", Some("exact")),
            ("list", "?fieldSelector=metadata.name%3Dx&limit=1", Some("by_name")),
            ("list", "?fieldSelector=spec.nodeName%3Dx", Some("full")),
            ("watch", "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", Some("watch_list")),
            ("watch", "?watch=true&sendInitialEvents=false", None),
            ("watch", "?watch=true&resourceVersion=5", None),
            ("get", "?resourceVersion=0", None),
            ("deletecollection", "?limit=5", None),
        ] {
            assert_eq!(kind(verb, &format!("/api/v1/pods{query}")), expected, "{verb} {query}");
        }
    }

    #[test]
    fn kinds_are_known_by_their_names() {
        for kind in ListKind::ALL {
            assert_eq!(ListKind::named(kind.name()), Some(kind));
        }
        assert_eq!(ListKind::named("list"), None);
    }

    #[test]
    fn options_are_decoded_and_the_first_of_two_counts() {
        let options = ListOptions::from_uri(
            "/api/v1/pods?labelSelector=a%3Db%2Cc+d&limit=5&limit=6&timeoutSeconds=x&resourceVersion=",
        );
        assert_eq!(options.label_selector.as_deref(), Some("a=b,c d"));
        assert_eq!(options.limit, Some(5));
        assert_eq!((options.timeout_secs, options.resource_version), (None, None));
        let options =
            ListOptions::from_uri("/api/v1/pods?watch&timeout=&timeout=8m15s&%6Cimit=5&allowWatchBookmarks=true");
        assert_eq!((options.limit, options.timeout), (Some(5), Some("8m15s")));
        assert_eq!(options.allow_watch_bookmarks, Some(true));
        assert!(ListOptions::from_uri("/api/v1/pods?limit").is_undecodable);
    }

    #[test]
    fn a_continue_token_tells_the_revision_of_its_snapshot() {
        let token = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTUyNzMsInN0YXJ0IjoiZGVmYXVsdC9hXHUwMDAwIn0";
        let revision =
            |query: &str| ListOptions::from_uri(&format!("/api/v1/pods?limit=500{query}")).continue_revision();
        assert_eq!(revision(&format!("&continue={token}")), Some(15273));
        assert_eq!(revision(&format!("&continue={token}%3D")), Some(15273));
        assert_eq!((revision("&continue=abc"), revision("")), (None, None));
    }
}
