//! Texts with blanks, such as `/api/v1/namespaces/«ns»/pods/«pod»`: the catalogue of calls and the bodies are written as
//! one reads them in a log, taken apart once, and filled per line. What goes into a blank follows from the request's
//! seed, so that a request's URI, `objectRef`, messages and bodies agree without being stored.

use super::digits::{Micros, push_hex, push_number, push_second, push_uuid};
use super::names::{APPS, NAMESPACES, SAFE_LETTERS};
use super::random::{mix, place};

/// A text with blanks, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(Vec<u8>),
    Blank(Blank),
}

#[derive(Clone, Copy, Debug)]
enum Blank {
    /// A namespace.
    Namespace,
    /// A workload.
    App,
    /// A pod of that workload.
    Pod,
    /// The client's node, or any node for a client that has none.
    Node,
    /// The hash in the name of an `events` object.
    EventHash,
    /// A UUID.
    Uuid,
    /// A resource version.
    Version,
    /// The time limit of a watch as a Go duration.
    Timeout,
    /// The time limit of a watch in seconds.
    TimeoutSecs,
    /// The `continue` token of a page after the first.
    Continue,
    /// The instant of the request, to the second.
    Second,
    /// 64 letters and digits.
    Filler,
}

/// What fills the blanks of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    /// All names follow from it.
    pub(super) seed: u64,
    /// The resource version.
    pub(super) version: u64,
    /// The node's name.
    pub(super) node: &'a str,
    /// The time limit of a watch, in seconds.
    pub(super) timeout_secs: u32,
    /// Which page of a list, from 0.
    pub(super) page: u32,
    /// When the request was received.
    pub(super) received_at: Micros,
}

impl Template {
    /// Takes a text apart whose blanks stand between `«` and `»`; line breaks and the spaces after them are dropped.
    pub(super) fn new(text: &str) -> Self {
        let text: String = text.lines().map(str::trim_start).collect();
        let mut pieces = Vec::new();
        for (at, part) in text.split(['«', '»']).enumerate() {
            if at % 2 == 1 {
                pieces.push(Piece::Blank(Blank::named(part)));
            } else if !part.is_empty() {
                pieces.push(Piece::Literal(part.as_bytes().to_vec()));
            }
        }
        Self { pieces }
    }

    /// Takes a URI apart; Go escapes the `&` of its query.
    pub(super) fn of_uri(text: &str) -> Self {
        Self::new(&text.replace('&', r"\u0026"))
    }

    /// Whether it is the empty text.
    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends the text with its blanks filled.
    pub(super) fn fill(&self, values: &Values<'_>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => out.extend_from_slice(literal),
                Piece::Blank(blank) => blank.fill(values, out),
            }
        }
    }
}

impl Blank {
    fn named(name: &str) -> Self {
        match name {
            "ns" => Self::Namespace,
            "app" => Self::App,
            "pod" => Self::Pod,
            "node" => Self::Node,
            "event" => Self::EventHash,
            "uuid" => Self::Uuid,
            "rv" => Self::Version,
            "timeout" => Self::Timeout,
            "secs" => Self::TimeoutSecs,
            "continue" => Self::Continue,
            "second" => Self::Second,
            "filler" => Self::Filler,
            _ => unreachable!("the catalogue names a blank that does not exist: {name}"),
        }
    }

    fn fill(self, values: &Values<'_>, out: &mut Vec<u8>) {
        let seed = values.seed;
        match self {
            Self::Namespace => out.extend_from_slice(namespace(seed).as_bytes()),
            Self::App => out.extend_from_slice(app(seed).as_bytes()),
            Self::Pod => push_pod(seed, out),
            Self::Node => out.extend_from_slice(values.node.as_bytes()),
            Self::EventHash => push_hex(0x1800_0000_0000_0000 | seed >> 8, out),
            Self::Uuid => push_uuid([mix(seed), mix(!seed)], out),
            Self::Version => push_number(values.version, out),
            Self::Timeout => push_timeout(u64::from(values.timeout_secs), out),
            Self::TimeoutSecs => push_number(u64::from(values.timeout_secs), out),
            Self::Continue => push_continue(values, out),
            Self::Second => push_second(values.received_at.div_euclid(1_000_000), out),
            Self::Filler => push_filler(seed, out),
        }
    }
}

fn namespace(seed: u64) -> &'static str {
    NAMESPACES[place(seed >> 3, NAMESPACES.len())]
}

fn app(seed: u64) -> &'static str {
    APPS[place(seed >> 13, APPS.len())]
}

/// `<app>-<hash of the ReplicaSet>-<suffix>`: the pods of a workload share their hash.
fn push_pod(seed: u64, out: &mut Vec<u8>) {
    let app = app(seed);
    out.extend_from_slice(app.as_bytes());
    out.push(b'-');
    let workload = app.len() * 31 + namespace(seed).len();
    push_letters(mix(u64::try_from(workload).unwrap_or(0) + (seed >> 13) % 7), 10, out);
    out.push(b'-');
    push_letters(mix(seed), 5, out);
}

/// Appends letters of the alphabet that Kubernetes draws name suffixes from.
pub(super) fn push_letters(bits: u64, count: usize, out: &mut Vec<u8>) {
    let mut rest = bits;
    for _ in 0..count {
        out.push(SAFE_LETTERS[place(rest, SAFE_LETTERS.len())]);
        rest /= 27;
    }
}

/// Whole seconds as a Go duration; a watch is given 5 to 10 minutes.
fn push_timeout(secs: u64, out: &mut Vec<u8>) {
    push_number(secs / 60, out);
    out.push(b'm');
    push_number(secs % 60, out);
    out.push(b's');
}

/// Base64url without padding of upstream's continue token (`pkg/storage/continue.go`): the same resource version in all
/// pages, and a start key that moves through the namespaces.
fn push_continue(values: &Values<'_>, out: &mut Vec<u8>) {
    let mut token = br#"{"v":"meta.k8s.io/v1","rv":"#.to_vec();
    push_number(values.version, &mut token);
    token.extend_from_slice(br#","start":""#);
    let at = usize::try_from(values.page).unwrap_or(0).min(NAMESPACES.len() - 1);
    token.extend_from_slice(NAMESPACES[at].as_bytes());
    token.push(b'/');
    push_pod(mix(values.seed ^ u64::from(values.page)), &mut token);
    token.extend_from_slice(br#"\u0000"}"#);
    push_base64url(&token, out);
}

fn push_base64url(bytes: &[u8], out: &mut Vec<u8>) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| usize::from(group.get(at).copied().unwrap_or(0)));
        let letters = [a >> 2, (a << 4 | b >> 4) & 63, (b << 2 | c >> 6) & 63, c & 63];
        out.extend(letters[..=group.len()].iter().map(|&letter| LETTERS[letter]));
    }
}

/// What an annotation or a ConfigMap is full of, as far as size and entropy go.
fn push_filler(seed: u64, out: &mut Vec<u8>) {
    let offset = u64::try_from(out.len()).unwrap_or(0);
    for word in 0..8 {
        push_letters(mix(seed ^ offset << 8 ^ word), 8, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> =
        Values { seed: 42, version: 77, node: "node-1", timeout_secs: 433, page: 2, received_at: 0 };

    fn filled(template: &Template) -> String {
        let mut out = Vec::new();
        template.fill(&VALUES, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn blanks_are_filled_and_ampersands_escaped() {
        let uri = Template::of_uri("/api/v1/nodes/«node»?resourceVersion=«rv»&timeout=«timeout»&timeoutSeconds=«secs»");
        assert_eq!(filled(&uri), r"/api/v1/nodes/node-1?resourceVersion=77\u0026timeout=7m13s\u0026timeoutSeconds=433");
    }

    /// A body that names another pod than the URI would be no real request.
    #[test]
    fn the_same_seed_names_the_same_pod() {
        let text = filled(&Template::new("«pod»/«pod»"));
        let (first, second) = text.split_once('/').unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn base64url_has_no_padding() {
        for (bytes, text) in [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg")] {
            let mut out = Vec::new();
            push_base64url(bytes.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
