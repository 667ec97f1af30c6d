//! Markdown, for tickets and chat.

use super::page::{Card, Page, Part, Section, Table, Tone};
use crate::tables::{Cell, TextTable};
use crate::units::{self, Zone, legible};

/// Charts become tables of so many rows at most; each row then has the highest values of its span.
const CHART_ROWS: usize = 40;

/// A page as Markdown; all its instants are in `zone`.
pub fn page_markdown(page: &Page, zone: &Zone) -> String {
    let mut text = format!("# {}: {}\n\n", page.kind, escaped(&page.title));
    for line in &page.about {
        text += &format!("{}\n", escaped(line));
    }
    if let Some((_, words)) = &page.certainty {
        text += &format!("\n**{}**\n", escaped(words));
    }
    for sentence in &page.verdict {
        text += &format!("\n{}\n", escaped(sentence));
    }
    if let Some(step) = &page.first_step {
        text += &format!("\n**First:** {}\n", escaped(step));
    }
    if !page.facts.is_empty() {
        text.push('\n');
    }
    for fact in &page.facts {
        let note = if fact.note.is_empty() { String::new() } else { format!(" ({})", escaped(&fact.note)) };
        text += &format!("- {}: **{}**{note}\n", escaped(&fact.label), escaped(&fact.value));
    }
    for section in &page.sections {
        text += &section_text(section, zone);
    }
    text += &format!("\nTimes are in {zone}. Queries can be asked again: stormglass query NAME LOGS\n");
    text
}

fn section_text(section: &Section, zone: &Zone) -> String {
    let mut text = format!("\n## {}\n", escaped(&section.heading));
    for part in &section.parts {
        text.push('\n');
        match part {
            Part::Text(words) => text += &format!("{}\n", escaped(words)),
            Part::Bullets(sentences) => {
                for sentence in sentences {
                    text += &format!("- {}\n", escaped(sentence));
                }
            }
            Part::Table(table) => text += &table_text(table),
            Part::Chart(chart) => {
                text += &table_text(&chart.coarser(CHART_ROWS).table(zone, true));
                if !chart.note.is_empty() {
                    text += &format!("\n{}\n", escaped(&chart.note));
                }
            }
            Part::Code(code) => {
                text += &format!("{}\n\n{}\n", escaped(&code.caption), fenced(&code.text, code.language));
            }
            Part::Card(card) => text += &card_text(card),
        }
    }
    text
}

fn table_text(table: &Table) -> String {
    let rows = table.rows.iter().map(|row| row.iter().cloned().map(Cell::Text).collect());
    let plain = TextTable { columns: table.columns.clone(), rows: rows.collect() };
    let query = if table.query.is_empty() { String::new() } else { format!(" (query {})", escaped(&table.query)) };
    let none = if table.rows.is_empty() { "\nnone\n" } else { "" };
    format!("**{}**{query}\n\n{}{none}", escaped(&table.caption), markdown_table(&plain))
}

fn card_text(card: &Card) -> String {
    let tone = match card.tone {
        Tone::Warning => "⚠ ",
        Tone::Critical => "⛔ ",
        Tone::Plain | Tone::Good => "",
    };
    let mut text = format!("### {tone}{}\n\n", escaped(&card.title));
    for (topic, detail) in &card.details {
        text += &format!("- **{}**: {}\n", escaped(topic), escaped(detail));
    }
    text
}

/// A block of code, fenced by more backticks than are in it.
fn fenced(text: &str, language: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = text.lines().map(legible).collect();
    format!("{fence}{language}\n{}\n{fence}", lines.join("\n"))
}

/// A table; numbers stand to the right.
pub(super) fn markdown_table(table: &TextTable) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let cell = |cell: &Cell| match cell {
        Cell::Null => String::new(),
        Cell::Number(number) => units::number(*number),
        Cell::Text(text) => escaped(text),
    };
    let mut text = line(table.columns.iter().map(|(name, _)| escaped(name)).collect());
    let rule = |(_, is_number): &(String, bool)| if *is_number { "---:" } else { "---" }.to_owned();
    text += &line(table.columns.iter().map(rule).collect());
    for row in &table.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text
}

/// Text from logs, without what Markdown or HTML would obey.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in legible(text).chars() {
        match c {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => {
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

    #[test]
    fn code_does_not_end_where_its_text_would_have_it() {
        assert_eq!(fenced("a: b\n```\nc", "yaml"), "````yaml\na: b\n```\nc\n````");
    }
}
