//! Pages for the tests of the renderers: all that a page can hold, with text that logs could hold to do harm.

use proptest::prelude::*;

use super::*;

/// What logs could hold to fool a renderer or a reader: markup of all kinds, control characters, and characters that
/// turn the direction of writing.
pub(in crate::report) fn any_text() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec![
        "<script>",
        "</style>",
        "-->",
        "&amp;",
        "\"'",
        "\u{1b}[31m",
        "\u{9b}2J",
        "\u{7}",
        "\0",
        "\n",
        "\r",
        "\t",
        "\n# ",
        "\n- ",
        "# ",
        "- ",
        "+ ",
        "1. ",
        "9) ",
        "=== ",
        "--- ",
        "~~~ ",
        "> ",
        "    ",
        "|",
        "`",
        "```",
        "**",
        "_a_",
        "[a](b)",
        "![",
        "\\",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{61c}",
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "x",
        "20",
        "ä",
    ]);
    prop::collection::vec(prop_oneof![hostile.prop_map(str::to_owned), "\\PC{1,3}"], 1..8)
        .prop_map(|pieces| pieces.concat())
}

/// A page with this text wherever text can stand, and one of everything.
pub(in crate::report) fn page_of(text: &str) -> Page {
    let text = || text.to_owned();
    let table = |caption: String| Table {
        caption,
        query: text(),
        columns: vec![(text(), false), (text(), true)],
        rows: vec![vec![text(), text()]],
    };
    let chart = Chart {
        title: text(),
        note: text(),
        query: text(),
        step: 1_000_000,
        series: vec![Series { name: text(), values: vec![Some(1.0), None, Some(2.0)], look: Look::Line }],
        marks: vec![Mark { at: 1_000_000, label: text(), is_end: true }],
        limit: Some((2.0, text())),
        measured: Some(Measured { name: text(), points: vec![(1_500_000, 1.0)] }),
        ..Chart::default()
    };
    let card = |tone| Card { tone, title: text(), details: vec![(text(), text()), (String::new(), text())] };
    let parts = vec![
        Part::Text(text()),
        Part::Bullets(vec![text(), text()]),
        Part::Items(vec![Item::of(text(), text(), text()), Item::of(text(), text(), "")]),
        Part::Table(table(text())),
        Part::Table(table(String::new())),
        Part::Chart(chart),
        Part::Code(Code { caption: text(), language: "yaml", text: text(), is_short: false }),
        Part::Card(card(Tone::Critical)),
        Part::Card(card(Tone::Plain)),
    ];
    Page {
        kind: "Report",
        title: text(),
        about: vec![text()],
        certainty: Some((Tone::Warning, text())),
        verdict: vec![text(), text()],
        first_step: Some(text()),
        facts: vec![Fact { label: text(), value: text(), note: text() }],
        sections: vec![Section::of(text(), parts.clone()), Section::of("", parts)],
    }
}
