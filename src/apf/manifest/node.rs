//! YAML and JSON as a tree in which every value knows its line.
//!
//! Text is split into documents before parsing, so that an indentation error in one does not hide the others. JSON is
//! parsed as YAML too, because serde_json gives no positions; what YAML does not allow is rewritten first.

use std::fmt;

use serde::de::{self, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

/// The documents of a text in their order, without the empty ones.
pub(super) fn documents(text: &str) -> Vec<Result<Node, SyntaxError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    for part in parts(text) {
        if !is_empty(part.text) {
            part.read_into(&mut documents);
        }
    }
    documents.retain(|document| !matches!(document, Ok(Node { value: Value::Null, .. })));
    documents
}

/// A value and its line.
#[derive(Debug)]
pub(super) struct Node {
    /// Its line, from 1.
    pub(super) line: u64,
    /// The value.
    pub(super) value: Value,
}

/// The kinds of values.
#[derive(Debug)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number that is not whole, or too large.
    Number,
    /// A text.
    Text(String),
    /// Values in their order.
    List(Vec<Node>),
    /// Fields in their order; a name may occur twice.
    Map(Vec<Entry>),
}

/// A field.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) key: String,
    /// The line of its name, from 1.
    pub(super) line: u64,
    /// Its value.
    pub(super) node: Node,
}

/// Why a document can't be parsed.
#[derive(Debug)]
pub(super) struct SyntaxError {
    /// The line, from 1; `None` where the parser doesn't say.
    pub(super) line: Option<u64>,
    /// What is wrong.
    pub(super) message: String,
}

/// The message for a text that is an unrendered template.
pub(in super::super) const TEMPLATE: &str = "is a template, not YAML: render it first, for example with helm template";

impl Node {
    /// The value of a field; the last one if it occurs twice, `None` if null.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        let entry = entries.iter().rfind(|entry| entry.key == name)?;
        (!matches!(entry.node.value, Value::Null)).then_some(&entry.node)
    }

    /// The string value of a field; `None` if it is not a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match &self.field(name)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What a value is, in words.
    pub(super) const fn name(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Flag(_) => "true or false",
            Value::Whole(_) | Value::Number => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// Adds the lines before the document.
    fn shift(&mut self, lines: u64) {
        self.line += lines;
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Value::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.line += lines;
                entry.node.shift(lines);
            }),
            _ => {}
        }
    }
}

/// The part of a text between two document markers.
struct Part<'t> {
    /// The part, with the marker that starts it.
    text: &'t str,
    /// How many lines precede it.
    lines_before: u64,
}

/// Splits a text at its document markers. `---` and `...` at the start of a line have no other meaning in YAML, and do
/// not occur in JSON.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut offset) = (0, 0);
    let (mut lines_before, mut line) = (0, 0);
    for content in text.split_inclusive('\n') {
        let next = offset + content.len();
        if is_marker(content, "---") {
            parts.push(Part { text: &text[start..offset], lines_before });
            (start, lines_before) = (offset, line);
        } else if is_marker(content, "...") {
            parts.push(Part { text: &text[start..offset], lines_before });
            (start, lines_before) = (next, line + 1);
        }
        offset = next;
        line += 1;
    }
    parts.push(Part { text: &text[start..], lines_before });
    parts
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether a part has only markers, comments and directives.
fn is_empty(part: &str) -> bool {
    body(part).lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#') || line.starts_with('%'))
}

/// A part without the marker that starts it.
fn body(part: &str) -> &str {
    match part.lines().next() {
        Some(line) if is_marker(line, "---") => &part[3..],
        _ => part,
    }
}

impl Part<'_> {
    fn read_into(&self, documents: &mut Vec<Result<Node, SyntaxError>>) {
        let body = body(self.text);
        let (ends, error) = json_documents(body);
        if ends.is_empty() {
            documents.push(parse(self.text, self.lines_before));
            return;
        }
        let mut start = 0;
        for end in ends {
            let lines_before = self.lines_before + line_breaks(&body[..start]);
            documents.push(parse(&as_yaml(&body[start..end]), lines_before));
            start = end;
        }
        if let Some(error) = error {
            let line = self.lines_before + u64::try_from(error.line()).unwrap_or(u64::MAX);
            documents.push(Err(SyntaxError { line: Some(line), message: without_place(&error.to_string()) }));
        }
    }
}

/// The ends of the JSON documents at the start of a text, and why the rest is not JSON; empty for YAML.
fn json_documents(text: &str) -> (Vec<usize>, Option<serde_json::Error>) {
    let mut ends = Vec::new();
    if !text.trim_start().starts_with(['{', '[']) {
        return (ends, None);
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    while let Some(document) = stream.next() {
        match document {
            Ok(_) => ends.push(stream.byte_offset()),
            Err(error) => return (ends, Some(error)),
        }
    }
    (ends, None)
}

/// JSON as YAML: without tabs, which are whitespace in JSON, and with characters escaped that YAML does not allow,
/// which occur only in strings.
fn as_yaml(json: &str) -> String {
    let mut yaml = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        match character {
            '\t' => yaml.push(' '),
            ' '..='~' | '\n' | '\r' => yaml.push(character),
            _ => yaml.extend(character.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}"))),
        }
    }
    yaml
}

fn line_breaks(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').map(|_| 1).sum()
}

fn parse(text: &str, lines_before: u64) -> Result<Node, SyntaxError> {
    let node: Result<Node, _> = serde_saphyr::from_str_with_options(text, options());
    let mut node = node.map_err(|error| match template_line(text) {
        Some(line) => SyntaxError { line: Some(line + lines_before), message: TEMPLATE.to_owned() },
        None => SyntaxError {
            line: error.location().map(|location| location.line() + lines_before),
            message: without_place(&error.without_snippet().to_string()),
        },
    })?;
    node.shift(lines_before);
    Ok(node)
}

/// The first line, from 1, that contains a template expression outside comments.
fn template_line(text: &str) -> Option<u64> {
    let is_open = |line: &str| line.contains("{{") && line.contains("}}") && !line.trim_start().starts_with('#');
    (1..).zip(text.lines()).find(|(_, line)| is_open(line)).map(|(number, _)| number)
}

/// Parses as `sigs.k8s.io/yaml` does, with room for the `kubectl get` output of a large cluster. The parser gives up on
/// nesting deeper than any object has, before the stack overflows.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: 48, max_events: 50_000_000, max_nodes: 20_000_000 },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// A parser's message without its position, which is reported separately.
fn without_place(message: &str) -> String {
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> de::Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Whole(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Number, Value::Whole))
    }

    /// Integers may be written with a point or an exponent: kubectl sends them as digits.
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.to_string().parse().map_or(Value::Number, Value::Whole))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
            entries.push(Entry { line: key.referenced.line(), key: key.value, node });
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields and items of all documents with their lines.
    fn lines(text: &str) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        for document in documents(text) {
            match document {
                Ok(node) => collect(&node, &mut found),
                Err(error) => found.push((error.line.unwrap_or_default(), "error".to_owned())),
            }
        }
        found
    }

    fn collect(node: &Node, found: &mut Vec<(u64, String)>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    found.push((entry.line, entry.key.clone()));
                    collect(&entry.node, found);
                }
            }
            Value::List(items) => items.iter().for_each(|item| collect(item, found)),
            value => found.push((node.line, format!("{value:?}"))),
        }
    }

    fn expected(lines: &[(u64, &str)]) -> Vec<(u64, String)> {
        lines.iter().map(|(line, name)| (*line, (*name).to_owned())).collect()
    }

    #[test]
    fn every_document_counts_its_lines_from_the_beginning_of_the_text() {
        let yaml = "\u{feff}# first\na: 1\n---\n\n--- # third\nb:\n- x\n- z\n...\n%YAML 1.2\n---\nc: 2\n";
        let b = [(6, "b"), (7, "Text(\"x\")"), (8, "Text(\"z\")")];
        let all: Vec<_> =
            [(2, "a"), (2, "Whole(1)")].into_iter().chain(b).chain([(12, "c"), (12, "Whole(2)")]).collect();
        assert_eq!(lines(yaml), expected(&all));
    }

    #[test]
    fn json_may_have_tabs_and_several_documents() {
        let json = "{\n\t\"a\": [\n\t\t1,\n\t\t\"\\u003c\\/x\"\n\t]\n}\n{\"b\":true}{\"c\":null}\n";
        assert_eq!(
            lines(json),
            expected(&[
                (2, "a"),
                (3, "Whole(1)"),
                (4, "Text(\"</x\")"),
                (7, "b"),
                (7, "Flag(true)"),
                (7, "c"),
                (7, "Null"),
            ])
        );
    }

    #[test]
    fn json_strings_may_have_any_character() {
        assert_eq!(lines("{\"a\": \"\\ud83d\\ude00 \\b\\f\\n\\r\\t \\u0000\"}").len(), 2);
        for json in ["{\"a\": \"\\ud83d\\ude00\u{2028}é\"}", "{\"a\": \"😀\u{2028}é\"}"] {
            let Ok(node) = &documents(json)[0] else { panic!("{json}") };
            assert_eq!(node.text("a"), Some("😀\u{2028}é"));
        }
        assert_eq!(
            documents("{\"a\": \"\u{7f}\u{85}\u{feff}\"}")[0].as_ref().unwrap().text("a"),
            Some("\u{7f}\u{85}\u{feff}")
        );
    }

    #[test]
    fn a_document_with_an_error_hides_no_other() {
        let yaml = "a: 1\n---\nb: [1\nc: 2\n---\nd: 3\n";
        let found = lines(yaml);
        assert_eq!(found[..2], expected(&[(1, "a"), (1, "Whole(1)")]));
        assert!(found[2].1 == "error" && (3..=5).contains(&found[2].0), "{found:?}");
        assert_eq!(found[3..], expected(&[(6, "d"), (6, "Whole(3)")]));
        let json = "{\"a\": 1}\n{\"b\": }\n";
        assert_eq!(lines(json), expected(&[(1, "a"), (1, "Whole(1)"), (2, "error")]));
    }

    #[test]
    fn a_template_is_distinguished_from_invalid_yaml() {
        let message = |text: &str| match documents(text).into_iter().next() {
            Some(Err(error)) => (error.line, error.message == TEMPLATE),
            other => panic!("{other:?}"),
        };
        assert_eq!(message("# {{ a }}\nkind: x\nname: {{ .Values.x }}\n"), (Some(3), true));
        assert_eq!(message("---\n{{- if .Values.x }}\nkind: x\n{{- end }}\n"), (Some(2), true));
        assert!(!message("a: [1\nb: 2\n").1);
        assert_eq!(lines("a: '{{ x }}'\n"), expected(&[(1, "a"), (1, "Text(\"{{ x }}\")")]), "in quotes it is a text");
    }

    #[test]
    fn whole_numbers_may_have_a_point_or_an_exponent() {
        for (text, value) in [
            ("1e2", "Whole(100)"),
            ("5.0", "Whole(5)"),
            ("1.5", "Number"),
            ("1e300", "Number"),
            ("99999999999999999999", "Number"),
        ] {
            assert_eq!(lines(&format!("a: {text}")).get(1).map(|line| line.1.as_str()), Some(value), "{text}");
        }
    }

    #[test]
    fn yaml_in_braces_is_yaml() {
        assert_eq!(lines("{a: 1,\n b: [x]}\n"), expected(&[(1, "a"), (1, "Whole(1)"), (2, "b"), (2, "Text(\"x\")")]));
    }

    #[test]
    fn a_field_that_is_there_twice_is_kept_twice() {
        assert_eq!(lines("a: 1\na: 2\n"), expected(&[(1, "a"), (1, "Whole(1)"), (2, "a"), (2, "Whole(2)")]));
    }

    #[test]
    fn what_is_empty_is_no_document() {
        for text in ["", "\n", "---\n", "# nothing\n---\n---\n# more\n", "null\n", "\u{feff}"] {
            assert_eq!(documents(text).len(), 0, "{text:?}");
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_an_error() {
        for text in
            ["[".repeat(100_000), "{\"a\":".repeat(100_000), "- ".repeat(10_000), "[".repeat(99) + &"]".repeat(99)]
        {
            assert_eq!(lines(&text).len(), 1, "{}", &text[..9]);
        }
    }

    #[test]
    fn anchors_and_merges_count_where_they_are_used() {
        let yaml = "a: &x\n  b: 1\nc:\n  <<: *x\n";
        let found = lines(yaml);
        assert!(found.contains(&(4, "b".to_owned())) || found.contains(&(2, "b".to_owned())), "{found:?}");
    }
}
