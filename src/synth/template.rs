//! Text with blanks, such as `/api/v1/namespaces/«ns»/pods/«pod»`. Calls and bodies are written as they appear in a log,
//! parsed once, and filled in for each line. What goes into a blank is derived from the seed of the request, so that its
//! URI, `objectRef`, messages and bodies agree without being stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::digits::{Micros, push_hex, push_number, push_second, push_uuid};
use super::names::{APPS, NAMESPACES, SAFE_LETTERS};
use crate::units::{index_from, mix};

/// A parsed text with blanks.
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
    Namespace,
    /// Name of a workload.
    App,
    /// Name of a pod of that workload.
    Pod,
    /// The node of the client, or a random one.
    Node,
    /// The hash in the name of an `events` object.
    EventHash,
    Uuid,
    ResourceVersion,
    /// The timeout of a watch as a Go duration.
    Timeout,
    /// The timeout of a watch in seconds.
    TimeoutSecs,
    /// The `continue` token of a page after the first.
    Continue,
    /// The time of the request, to the second.
    Second,
    /// 64 letters and digits.
    Filler,
}

/// What the blanks of one request are filled from.
#[derive(Clone, Copy, Debug)]
pub(super) struct TemplateValues<'a> {
    /// All names are derived from it.
    pub(super) seed: u64,
    /// Resource version.
    pub(super) version: u64,
    pub(super) node: &'a str,
    pub(super) timeout_secs: u32,
    /// Page of a list, from 0.
    pub(super) page: u32,
    pub(super) received_at: Micros,
}

impl Template {
    /// Parses a text with blanks between `«` and `»`. Line breaks and the spaces after them are removed.
    pub(super) fn new(text: &str) -> Self {
        let text: String = text.lines().map(str::trim_start).collect();
        let mut pieces = Vec::new();
        for (index, part) in text.split(['«', '»']).enumerate() {
            if index % 2 == 1 {
                pieces.push(Piece::Blank(Blank::parse(part)));
            } else if !part.is_empty() {
                pieces.push(Piece::Literal(part.as_bytes().to_vec()));
            }
        }
        Self { pieces }
    }

    /// Parses a URI, and escapes `&` as Go does.
    pub(super) fn from_uri(text: &str) -> Self {
        Self::new(&text.replace('&', r"\u0026"))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Appends the text with its blanks filled in.
    pub(super) fn fill(&self, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => out.extend_from_slice(literal),
                Piece::Blank(blank) => blank.fill(values, out),
            }
        }
    }
}

impl Blank {
    fn parse(name: &str) -> Self {
        match name {
            "ns" => Self::Namespace,
            "app" => Self::App,
            "pod" => Self::Pod,
            "node" => Self::Node,
            "event" => Self::EventHash,
            "uuid" => Self::Uuid,
            "rv" => Self::ResourceVersion,
            "timeout" => Self::Timeout,
            "secs" => Self::TimeoutSecs,
            "continue" => Self::Continue,
            "second" => Self::Second,
            "filler" => Self::Filler,
            _ => unreachable!("no such blank: {name}"),
        }
    }

    fn fill(self, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
        let seed = values.seed;
        match self {
            Self::Namespace => out.extend_from_slice(namespace(seed).as_bytes()),
            Self::App => out.extend_from_slice(app(seed).as_bytes()),
            Self::Pod => push_pod(seed, out),
            Self::Node => out.extend_from_slice(values.node.as_bytes()),
            Self::EventHash => push_hex(0x1800_0000_0000_0000 | seed >> 8, out),
            Self::Uuid => push_uuid([mix(seed), mix(!seed)], out),
            Self::ResourceVersion => push_number(values.version, out),
            Self::Timeout => push_timeout(u64::from(values.timeout_secs), out),
            Self::TimeoutSecs => push_number(u64::from(values.timeout_secs), out),
            Self::Continue => push_continue(values, out),
            Self::Second => push_second(values.received_at.div_euclid(1_000_000), out),
            Self::Filler => push_filler(seed, out),
        }
    }
}

fn namespace(seed: u64) -> &'static str {
    NAMESPACES[index_from(seed >> 3, NAMESPACES.len())]
}

fn app(seed: u64) -> &'static str {
    APPS[index_from(seed >> 13, APPS.len())]
}

/// `<app>-<hash of the ReplicaSet>-<suffix>`; the pods of a workload share the hash.
fn push_pod(seed: u64, out: &mut Vec<u8>) {
    let app = app(seed);
    out.extend_from_slice(app.as_bytes());
    out.push(b'-');
    let workload = app.len() * 31 + namespace(seed).len();
    push_letters(mix(u64::try_from(workload).unwrap_or(0) + (seed >> 13) % 7), 10, out);
    out.push(b'-');
    push_letters(mix(seed), 5, out);
}

/// Appends letters of the alphabet that Kubernetes uses for name suffixes.
pub(super) fn push_letters(bits: u64, count: usize, out: &mut Vec<u8>) {
    let mut rest = bits;
    for _ in 0..count {
        out.push(SAFE_LETTERS[index_from(rest, SAFE_LETTERS.len())]);
        rest /= 27;
    }
}

/// Appends seconds as a Go duration. Timeouts are 5 to 10 minutes, so that there are no hours.
fn push_timeout(secs: u64, out: &mut Vec<u8>) {
    push_number(secs / 60, out);
    out.push(b'm');
    push_number(secs % 60, out);
    out.push(b's');
}

/// Appends a continue token of upstream (`pkg/storage/continue.go`): the resource version is the same on all pages, and
/// the start key moves through the namespaces.
fn push_continue(values: &TemplateValues<'_>, out: &mut Vec<u8>) {
    let mut token = br#"{"v":"meta.k8s.io/v1","rv":"#.to_vec();
    push_number(values.version, &mut token);
    token.extend_from_slice(br#","start":""#);
    let index = usize::try_from(values.page).unwrap_or(0).min(NAMESPACES.len() - 1);
    token.extend_from_slice(NAMESPACES[index].as_bytes());
    token.push(b'/');
    push_pod(mix(values.seed ^ u64::from(values.page)), &mut token);
    token.extend_from_slice(br#"\u0000"}"#);
    out.extend_from_slice(URL_SAFE_NO_PAD.encode(token).as_bytes());
}

/// Appends text with the size and the entropy of a checksum or a configuration.
fn push_filler(seed: u64, out: &mut Vec<u8>) {
    let offset = u64::try_from(out.len()).unwrap_or(0);
    for word in 0..8 {
        push_letters(mix(seed ^ offset << 8 ^ word), 8, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: TemplateValues<'_> =
        TemplateValues { seed: 42, version: 77, node: "node-1", timeout_secs: 433, page: 2, received_at: 0 };

    fn filled(template: &Template) -> String {
        let mut out = Vec::new();
        template.fill(&VALUES, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn blanks_are_filled_and_ampersands_escaped() {
        let uri =
            Template::from_uri("/api/v1/nodes/«node»?resourceVersion=«rv»&timeout=«timeout»&timeoutSeconds=«secs»");
        assert_eq!(filled(&uri), r"/api/v1/nodes/node-1?resourceVersion=77\u0026timeout=7m13s\u0026timeoutSeconds=433");
    }

    /// In a real request, body and URI name the same pod.
    #[test]
    fn the_same_seed_names_the_same_pod() {
        let text = filled(&Template::new("«pod»/«pod»"));
        let (first, second) = text.split_once('/').unwrap();
        assert_eq!(first, second);
    }
}
