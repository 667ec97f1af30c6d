//! A page as one HTML file that needs nothing else: no network, no other file.
//!
//! Charts are drawn here, as SVG, and the page is complete without its script; that only adds looking closer. A charting
//! library would have to be a whole one (Plotly, the only one that a crate carries, is 4 MB of script in every report),
//! draws into a canvas or fixes colours and sizes when it draws, and wants styles that a strict policy forbids: here
//! light and dark, paper and phone are a matter of the style sheet. [`maud`] writes all markup, so that whatever is put
//! in is escaped unless it says otherwise, and only the style sheet and the script, which are ours, say so. The policy
//! of the page allows these two by their hashes, and nothing else.

mod chart;
mod ticks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::page::{Card, Chart, Code, Fact, Item, Look, Page, Part, Section, Table, Tone};
use crate::units::{Zone, legible, legible_lines};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page; all its instants are in `zone`.
pub fn html(page: &Page, zone: &Zone) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("stormglass ", env!("CARGO_PKG_VERSION")));
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (legible(&page.full_title())) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (first_screen(page))
                    @for (place, section) in page.sections.iter().enumerate() {
                        (section_markup(section, place, zone))
                    }
                    (footer(page, zone))
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    document.into_string()
}

/// A source as the page's policy names it.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn footer(page: &Page, zone: &Zone) -> Markup {
    html! {
        footer {
            "Written by stormglass " (env!("CARGO_PKG_VERSION")) ". Times are in " (zone.to_string()) "."
            @if page.has_queries() {
                " To ask again: " code { "stormglass query NAME LOGS" } ", with the names that stand under tables and charts."
            }
        }
    }
}

fn first_screen(page: &Page) -> Markup {
    html! {
        header {
            @if page.title.is_empty() {
                h1 { (page.kind) }
            } @else {
                p.kind { (page.kind) }
                h1 { (log_text(&page.title)) }
            }
            @for line in &page.about {
                p.about { (log_text(line)) }
            }
        }
        (verdict(page))
        @if !page.facts.is_empty() { (facts(&page.facts)) }
        (contents(&page.sections))
    }
}

fn contents(sections: &[Section]) -> Markup {
    let named = || sections.iter().enumerate().filter(|(_, section)| !section.heading.is_empty());
    html! {
        @if named().next().is_some() {
            nav aria-label="Contents" {
                @for (place, section) in named() {
                    a href=(format!("#s{place}")) { (log_text(&section.heading)) }
                }
            }
        }
    }
}

fn verdict(page: &Page) -> Markup {
    let is_empty = page.certainty.is_none() && page.verdict.is_empty() && page.first_step.is_none();
    html! {
        @if !is_empty {
            section.verdict {
                @if let Some((tone, words)) = &page.certainty {
                    p class=(format!("badge {}", tone_class(*tone))) { (log_text(words)) }
                }
                @for (place, sentence) in page.verdict.iter().enumerate() {
                    p.lead[place == 0] { (log_text(sentence)) }
                }
                @if let Some(step) = &page.first_step {
                    p.first { b { "First: " } (log_text(step)) }
                }
            }
        }
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl.facts {
            @for fact in facts {
                div {
                    dt { (log_text(&fact.label)) }
                    dd { (log_text(&fact.value)) }
                    dd.note { (log_text(&fact.note)) }
                }
            }
        }
    }
}

fn section_markup(section: &Section, place: usize, zone: &Zone) -> Markup {
    html! {
        section id=(format!("s{place}")) {
            @if !section.heading.is_empty() { h2 { (log_text(&section.heading)) } }
            @for (number, part) in section.parts.iter().enumerate() {
                (part_markup(part, &format!("s{place}p{number}"), &section.heading, zone))
            }
        }
    }
}

fn part_markup(part: &Part, id: &str, heading: &str, zone: &Zone) -> Markup {
    match part {
        Part::Text(text) => html! { p { (log_text(text)) } },
        Part::Bullets(sentences) => html! {
            ul { @for sentence in sentences { li { (log_text(sentence)) } } }
        },
        Part::Items(items) => items_markup(items),
        Part::Table(table) => html! {
            figure.tabled { (table_markup(table, heading, true)) (query(&table.query)) }
        },
        Part::Chart(chart) => chart_markup(chart, id, zone),
        Part::Code(code) => code_markup(code),
        Part::Card(card) => card_markup(card),
    }
}

fn items_markup(items: &[Item]) -> Markup {
    html! {
        dl.items {
            @for item in items {
                div {
                    dt { (log_text(&item.topic)) }
                    dd { (log_text(&item.text)) }
                    @if !item.note.is_empty() { dd.note { (log_text(&item.note)) } }
                }
            }
        }
    }
}

/// A table, named by its caption or by the heading above it; `folds` into a list of cards where the screen is narrow.
fn table_markup(table: &Table, heading: &str, folds: bool) -> Markup {
    let label = [&table.caption, heading].into_iter().find(|name| !name.is_empty()).unwrap_or("Table");
    html! {
        div.scroll role="region" aria-label=(legible(label)) tabindex="0" {
            table.folds[folds] {
                @if folds && !table.caption.is_empty() { caption { (log_text(&table.caption)) } }
                thead {
                    tr {
                        @for (name, is_number) in &table.columns {
                            th.number[*is_number] scope="col" { (log_text(name)) }
                        }
                    }
                }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (cell, (name, is_number)) in row.iter().zip(&table.columns) {
                                td.number[*is_number] data-name=(legible(name)) { (log_text(cell)) }
                            }
                        }
                    }
                    @if table.rows.is_empty() {
                        tr { td colspan=(table.columns.len()) { "none" } }
                    }
                }
            }
        }
    }
}

fn query(name: &str) -> Markup {
    html! {
        @if !name.is_empty() {
            p.query { "query " code { (legible(name)) } }
        }
    }
}

fn chart_markup(chart: &Chart, id: &str, zone: &Zone) -> Markup {
    let table = chart.table(zone, false);
    html! {
        figure.charted {
            figcaption { (log_text(&chart.title)) }
            @if !chart.note.is_empty() { p.note { (log_text(&chart.note)) } }
            div.stage {
                (chart::svg(chart, id, zone))
                div.tip hidden aria-live="polite" {}
            }
            ul.legend {
                @for (place, series) in chart.series.iter().enumerate() {
                    li {
                        span class=(format!("key {} {}", chart::colour(chart, place), look_class(series.look))) {}
                        (log_text(&series.name))
                    }
                }
                @if let Some(measured) = &chart.measured {
                    li { span.key.measured.line {} (log_text(&measured.name)) }
                }
            }
            (query(&chart.query))
            details {
                summary { "The same as a table" }
                (table_markup(&table, &chart.title, false))
            }
        }
    }
}

fn look_class(look: Look) -> &'static str {
    match look {
        Look::Area => "area",
        Look::Line | Look::Bound => "line",
    }
}

fn code_markup(code: &Code) -> Markup {
    html! {
        details.code {
            summary { (log_text(&code.caption)) }
            pre tabindex="0" { code { (legible_lines(&code.text)) } }
        }
    }
}

fn card_markup(card: &Card) -> Markup {
    html! {
        article class=(tone_class(card.tone)) {
            h3 { (log_text(&card.title)) }
            dl {
                @for (topic, detail) in &card.details {
                    div.whole[topic.is_empty()] {
                        dt { (log_text(topic)) }
                        dd { (log_text(detail)) }
                    }
                }
            }
        }
    }
}

fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Critical => "critical",
    }
}

/// Text that may hold some of a log's: only text, and with a direction of its own, so that it can't turn what is around it.
fn log_text(text: &str) -> Markup {
    html! {
        bdi {
            @for (place, piece) in pieces(&legible(text)).iter().enumerate() {
                @if place > 0 { wbr; }
                (piece)
            }
        }
    }
}

/// Words that are too long for a column of a table in pieces that aren't, cut behind punctuation where there is some. Short
/// words stay whole, which they wouldn't if the style sheet let words break anywhere.
fn pieces(text: &str) -> Vec<String> {
    const SHORT: usize = 24;
    const LONGEST: usize = 12;
    let mut pieces = vec![String::new()];
    for word in text.split_inclusive(' ') {
        if word.chars().count() <= SHORT {
            pieces.last_mut().into_iter().for_each(|piece| *piece += word);
            continue;
        }
        let mut length = 0;
        for c in word.chars() {
            pieces.last_mut().into_iter().for_each(|piece| piece.push(c));
            length += 1;
            let is_seam = matches!(c, '-' | '/' | ':' | '.' | '_' | ',' | '=' | '&' | '?') && length >= 4;
            if is_seam || length >= LONGEST {
                pieces.push(String::new());
                length = 0;
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::page::samples::{any_text, page_of};
    use super::*;

    #[test]
    fn a_page_brings_nothing_in_from_elsewhere_and_runs_only_its_own_script() {
        let page = Page {
            kind: "Incident report",
            title: "</title><script>alert(1)</script>".to_owned(),
            verdict: vec!["<img src=x onerror=alert(1)> \u{202e}\0".to_owned()],
            ..Page::default()
        };
        let text = html(&page, &Zone::default());
        assert_eq!(text.matches("<script").count(), 1);
        assert_eq!(text.matches("<img").count(), 0);
        assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("url("), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\0'));
        assert!(!text.contains(" style="), "styles of elements are forbidden by the page's own policy");
        let policy = text.split("Content-Security-Policy\" content=\"").nth(1).unwrap();
        assert!(policy.starts_with("default-src 'none';"));
    }

    /// The tags of a page in order, without the values of their attributes, and without the places where a line may break.
    fn tags(page: &str) -> Vec<String> {
        let tags = page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
        let bare = |tag: &str| tag.split('"').step_by(2).collect::<Vec<_>>().join("\"");
        tags.map(bare).filter(|tag| tag != "wbr").collect()
    }

    proptest! {
        #[test]
        fn whatever_a_log_says_is_no_markup(text in any_text()) {
            let [page, harmless] = [text.as_str(), "x"].map(|text| html(&page_of(text), &Zone::default()));
            prop_assert_eq!(tags(&page), tags(&harmless));
            prop_assert!(page.lines().all(|line| legible(line) == line));
        }
    }

    #[test]
    fn only_long_words_may_break() {
        assert_eq!(pieces("a culprit"), ["a culprit"]);
        assert_eq!(
            pieces("on acme-operator-controller-manager now"),
            ["on acme-", "operator-", "controller-", "manager now"]
        );
        assert!(pieces(&"x".repeat(1_000)).iter().all(|piece| piece.len() <= 12));
    }

    #[test]
    fn a_style_sheet_and_a_script_stand_in_the_page_as_they_are_hashed() {
        // What would end the element early would also change what is hashed.
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
    }
}
