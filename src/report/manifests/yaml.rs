//! A small YAML writer for manifests.
//!
//! It is written by hand because the names in manifests come from logs, where anybody who may send a request chooses some
//! of them. All that isn't a plain word is put in double quotes and in ASCII, with escapes that every YAML parser knows. So
//! nothing is taken for a number or a line of its own, and two names that look alike don't. A general serializer quotes only
//! what its own parser needs, and writes letters that look alike, or that turn the direction of the text, as they are.

/// What YAML 1.1 or 1.2, or a careless parser of either, reads as something else than a text, in any case.
const RESERVED: [&str; 12] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "infinity", "nan"];

/// A value as it is written.
pub(super) enum Node {
    /// On the line of its field, quoted where it has to be.
    Scalar(String),
    /// In lines of their own, each with a dash.
    List(Vec<Node>),
    /// In lines of their own, in this order; without those that have nothing.
    Map(Vec<(&'static str, Node)>),
}

/// What is left out of a map, which is the same to the server as an empty list.
pub(super) const NOTHING: Node = Node::List(Vec::new());

pub(super) fn map<const N: usize>(fields: [(&'static str, Node); N]) -> Node {
    Node::Map(fields.into_iter().filter(|(_, value)| !value.is_empty()).collect())
}

pub(super) fn texts(texts: &[String]) -> Node {
    Node::List(texts.iter().map(|one| text(one)).collect())
}

pub(super) fn number(number: i32) -> Node {
    Node::Scalar(number.to_string())
}

pub(super) fn text(text: &str) -> Node {
    Node::Scalar(if is_plain(text) { text.to_owned() } else { quoted(text) })
}

/// Whether a text is one without quotes too, for every parser.
pub(super) fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-./".contains(character))
        && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(text))
}

/// A text in double quotes and in ASCII. Characters of more than 16 bits are escaped as YAML does it, because not every
/// YAML parser takes the two halves that JSON has for them.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            '\0'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

impl Node {
    const fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(fields) => fields.is_empty(),
        }
    }

    /// Writes whole lines, indented so far. A list is no deeper than the field that has it, as kubectl writes it.
    pub(super) fn write(&self, indent: usize, out: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            Self::Scalar(scalar) => out.push_str(&format!("{margin}{scalar}\n")),
            Self::Map(fields) if fields.is_empty() => out.push_str(&format!("{margin}{{}}\n")),
            Self::Map(fields) => {
                for (name, value) in fields {
                    match value {
                        Self::Scalar(scalar) => out.push_str(&format!("{margin}{name}: {scalar}\n")),
                        Self::List(_) => {
                            out.push_str(&format!("{margin}{name}:\n"));
                            value.write(indent, out);
                        }
                        Self::Map(_) => {
                            out.push_str(&format!("{margin}{name}:\n"));
                            value.write(indent + 2, out);
                        }
                    }
                }
            }
            Self::List(items) => {
                for item in items {
                    // The dash takes the place of the first line's indentation.
                    let dash = out.len() + indent;
                    item.write(indent + 2, out);
                    out.replace_range(dash..dash + 2, "- ");
                }
            }
        }
    }
}
