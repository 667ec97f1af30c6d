//! A page on the terminal: all but its charts, which tables can't show at a glance.

use super::page::{Card, Page, Part, Section, Table};
use super::{Block, bullets, section};
use crate::tables::{Cell, TextTable};
use crate::units::legible;

/// The blocks of a page; `elsewhere` says how to get what is left out here.
pub fn page_blocks(page: &Page, elsewhere: &str) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(legible(&format!("{}: {}", page.kind, page.title)))];
    blocks.extend(page.about.iter().map(|line| Block::Line(legible(line))));
    blocks.push(Block::Line(String::new()));
    if let Some((_, words)) = &page.certainty {
        blocks.push(Block::Heading(legible(words)));
    }
    blocks.extend(page.verdict.iter().map(|sentence| Block::Line(legible(sentence))));
    blocks.extend(page.first_step.iter().map(|step| Block::Line(legible(&format!("First: {step}")))));
    if !page.facts.is_empty() {
        let facts = page.facts.iter().map(|fact| {
            let note = if fact.note.is_empty() { String::new() } else { format!(" ({})", fact.note) };
            format!("{}: {}{note}", fact.label, fact.value)
        });
        blocks.push(Block::Line(String::new()));
        blocks.push(bullets(&facts.collect::<Vec<_>>()));
    }
    blocks.extend(page.sections.iter().flat_map(section_blocks));
    blocks.push(Block::Line(format!("\n{elsewhere}")));
    blocks
}

fn section_blocks(part: &Section) -> Vec<Block> {
    let body: Vec<Block> = part.parts.iter().filter_map(part_block).flatten().collect();
    let mut body = body.into_iter();
    let Some(first) = body.next() else { return Vec::new() };
    section(&part.heading, first).into_iter().chain(body).collect()
}

fn part_block(part: &Part) -> Option<Vec<Block>> {
    match part {
        Part::Text(text) => Some(vec![Block::Line(legible(text))]),
        Part::Bullets(sentences) => Some(vec![bullets(sentences)]),
        Part::Table(table) => Some(table_blocks(table)),
        Part::Card(card) => Some(vec![card_block(card)]),
        Part::Chart(_) | Part::Code(_) => None,
    }
}

fn table_blocks(table: &Table) -> Vec<Block> {
    let query = if table.query.is_empty() { String::new() } else { format!(" (query {})", table.query) };
    let caption = Block::Line(format!("{}{query}:", legible(&table.caption)));
    if table.rows.is_empty() {
        return vec![caption, Block::Line("  none".to_owned())];
    }
    let rows = table.rows.iter().map(|row| row.iter().cloned().map(Cell::Text).collect());
    vec![caption, Block::Table(TextTable { columns: table.columns.clone(), rows: rows.collect() })]
}

fn card_block(card: &Card) -> Block {
    let details = card.details.iter().map(|(topic, detail)| format!("  {topic}: {}", legible(detail)));
    let lines: Vec<String> = std::iter::once(legible(&card.title)).chain(details).collect();
    Block::Line(lines.join("\n"))
}
