//! Markdown, for tickets and chat.

use super::page::{Card, Item, Page, Part, Section, Table, Tone};
use crate::units::{Zone, legible, legible_lines};

/// Charts become tables of so many rows at most; each row then has the highest values of its span.
const CHART_ROWS: usize = 40;

/// A page as Markdown; all its instants are in `zone`.
pub fn markdown(page: &Page, zone: &Zone) -> String {
    let title = if page.title.is_empty() { String::new() } else { format!(": {}", escaped(&page.title)) };
    let mut text = format!("# {}{title}\n", page.kind);
    if !page.about.is_empty() {
        text.push('\n');
    }
    for line in &page.about {
        text += &format!("{}\n", paragraph(line));
    }
    if let Some((_, words)) = &page.certainty {
        text += &format!("\n**{}**\n", escaped(words));
    }
    for sentence in &page.verdict {
        text += &format!("\n{}\n", paragraph(sentence));
    }
    if let Some(step) = &page.first_step {
        text += &format!("\n**First:** {}\n", escaped(step));
    }
    if !page.facts.is_empty() {
        text.push('\n');
    }
    for fact in &page.facts {
        let note = if fact.note.is_empty() { String::new() } else { format!(" ({})", escaped(&fact.note)) };
        text += &format!("- {}: **{}**{note}\n", paragraph(&fact.label), escaped(&fact.value));
    }
    for section in &page.sections {
        text += &section_text(section, zone);
    }
    let queries = if page.has_queries() { " Queries can be asked again: stormglass query NAME LOGS" } else { "" };
    text += &format!("\nTimes are in {zone}.{queries}\n");
    text
}

fn section_text(section: &Section, zone: &Zone) -> String {
    let mut text =
        if section.heading.is_empty() { String::new() } else { format!("\n## {}\n", escaped(&section.heading)) };
    for part in &section.parts {
        text.push('\n');
        match part {
            Part::Text(words) => text += &format!("{}\n", paragraph(words)),
            Part::Bullets(sentences) => {
                for sentence in sentences {
                    text += &format!("- {}\n", paragraph(sentence));
                }
            }
            Part::Items(items) => items.iter().for_each(|item| text += &item_text(item)),
            Part::Table(table) => text += &table_text(table),
            Part::Chart(chart) => {
                text += &table_text(&chart.coarser(CHART_ROWS).table(zone, true));
                if !chart.note.is_empty() {
                    text += &format!("\n{}\n", paragraph(&chart.note));
                }
            }
            Part::Code(code) => {
                text += &format!("{}\n\n{}\n", paragraph(&code.caption), fenced(&code.text, code.language));
            }
            Part::Card(card) => text += &card_text(card),
        }
    }
    text
}

fn item_text(item: &Item) -> String {
    let note = if item.note.is_empty() { String::new() } else { format!("\n  {}", paragraph(&item.note)) };
    format!("- **{}**: {}{note}\n", escaped(&item.topic), escaped(&item.text))
}

/// A table; numbers stand to the right.
fn table_text(table: &Table) -> String {
    let query = if table.query.is_empty() { String::new() } else { format!("query {}", escaped(&table.query)) };
    let mut text = match (table.caption.as_str(), query.as_str()) {
        ("", "") => String::new(),
        ("", query) => format!("({query})\n\n"),
        (caption, "") => format!("**{}**\n\n", escaped(caption)),
        (caption, query) => format!("**{}** ({query})\n\n", escaped(caption)),
    };
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let rule = |(_, is_number): &(String, bool)| if *is_number { "---:" } else { "---" }.to_owned();
    text += &line(table.columns.iter().map(|(name, _)| escaped(name)).collect());
    text += &line(table.columns.iter().map(rule).collect());
    for row in &table.rows {
        text += &line(row.iter().map(|cell| escaped(cell)).collect());
    }
    if table.rows.is_empty() {
        text += "\nnone\n";
    }
    text
}

fn card_text(card: &Card) -> String {
    let tone = match card.tone {
        Tone::Warning => "⚠ ",
        Tone::Critical => "⛔ ",
        Tone::Plain | Tone::Good => "",
    };
    let mut text = format!("### {tone}{}\n\n", escaped(&card.title));
    for (topic, detail) in &card.details {
        text += &match topic.as_str() {
            "" => format!("- {}\n", paragraph(detail)),
            topic => format!("- **{}**: {}\n", escaped(topic), escaped(detail)),
        };
    }
    text
}

/// A block of code, fenced by more backticks than are in it.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", legible_lines(text))
}

/// Text at the beginning of a line, where more would be obeyed: marks of lists and headings, and indentation.
fn paragraph(text: &str) -> String {
    let text = escaped(text);
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text[digits..].chars().next() {
        Some('-' | '+' | '=') if digits == 0 => format!("\\{text}"),
        Some('.' | ')') if digits > 0 => format!("{}\\{}", &text[..digits], &text[digits..]),
        _ => text,
    }
}

/// Text from logs, without what Markdown or HTML would obey.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in legible(text).trim().chars() {
        match c {
            '~' | '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::page::samples::{any_text, page_of};
    use super::*;

    #[test]
    fn what_comes_from_logs_is_only_text() {
        let row = vec!["a|b".to_owned(), "<img src=x>\n# not a heading".to_owned()];
        let mut table = Table::of("t", "q_q", &[("one", false), ("two", true)]);
        table.rows.push(row);
        let text = table_text(&table);
        assert_eq!(
            text,
            "**t** (query q\\_q)\n\n| one | two |\n| --- | ---: |\n| a\\|b | &lt;img src=x&gt;\u{fffd}\\# not a heading |\n"
        );
    }

    /// What is markup in Markdown, line by line, with the text between it left out. Blocks of code have none.
    fn markup(text: &str) -> Vec<String> {
        let mut fence: Option<String> = None;
        let mut found = Vec::new();
        for line in text.lines() {
            match &fence {
                Some(end) if line == end => fence = None,
                Some(_) => {}
                None if line.starts_with("```") => {
                    fence = Some(line.trim_end_matches("yaml").to_owned());
                }
                None => found.push(marks(line)),
            }
        }
        assert_eq!(fence, None, "a block of code has no end in {text}");
        found
    }

    /// The marks of a line, those at its beginning and those that count anywhere.
    fn marks(line: &str) -> String {
        let content = line.strip_prefix("- ").unwrap_or(line);
        let digits = content.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_block = content.starts_with(['-', '+', '=', '\t']) || content.starts_with("    ");
        let is_numbered = digits.len() < content.len() && digits.starts_with(['.', ')']);
        let mut marks = format!("{} {is_block} {is_numbered} ", line.len() - content.len());
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => drop(chars.next()),
                '|' | '*' | '_' | '`' | '[' | ']' | '#' | '<' | '>' | '~' => marks.push(c),
                _ => {}
            }
        }
        marks
    }

    proptest! {
        #[test]
        fn whatever_a_log_says_is_no_markup(text in any_text()) {
            let [page, harmless] = [text.as_str(), "x"].map(|text| markdown(&page_of(text), &Zone::default()));
            prop_assert!(page.lines().all(|line| legible(line) == line), "{page:?}");
            prop_assert_eq!(markup(&page), markup(&harmless), "{}", page);
        }
    }

    #[test]
    fn code_does_not_end_where_its_text_would_have_it() {
        assert_eq!(fenced("a: b\n```\nc", "yaml"), "````yaml\na: b\n```\nc\n````");
    }
}
