//! A page on the terminal, or as plain text: all but its charts, which tables can't show at a glance, and long text to
//! copy, such as manifests.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table as Grid, TableComponent, Width};

use super::page::{Card, Code, Fact, Item, Page, Part, Section, Table};
use crate::units::legible;

const BOLD: Style = Style::new().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// A page as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TerminalPage {
    /// The text, styled, with a line end after each line.
    pub text: String,
    /// What to know of it beside: columns that don't fit.
    pub notes: Vec<String>,
}

/// A page for a terminal of so many columns, or for a pipe, where nothing is cut, for `None`.
///
/// Of a table too wide for the terminal long text is cut short, and columns that still don't fit are left out from the
/// right, and named in the notes.
pub fn terminal(page: &Page, width: Option<u16>) -> TerminalPage {
    let mut screen = Screen { width, ..Screen::default() };
    if !page.title.is_empty() {
        screen.heading(&page.full_title());
    }
    page.about.iter().for_each(|line| screen.line(&legible(line)));
    screen.gap();
    screen.verdict(page);
    screen.facts(&page.facts);
    page.sections.iter().for_each(|section| screen.section(section));
    if let Some(left_out) = left_out(page) {
        screen.line(&format!(
            "{left_out} are not shown on the terminal; write them to a file: -o FILE.html, FILE.md or FILE.json."
        ));
    }
    screen.page
}

/// What this page has that a terminal doesn't show.
fn left_out(page: &Page) -> Option<&'static str> {
    let parts = || page.sections.iter().flat_map(|section| &section.parts);
    let has_charts = parts().any(|part| matches!(part, Part::Chart(_)));
    let has_code = parts().any(|part| matches!(part, Part::Code(code) if !code.is_short));
    match (has_charts, has_code) {
        (true, true) => Some("Charts and manifests"),
        (true, false) => Some("Charts"),
        (false, true) => Some("Manifests"),
        (false, false) => None,
    }
}

/// Text that grows line by line.
#[derive(Default)]
struct Screen {
    page: TerminalPage,
    width: Option<u16>,
    /// Whether an empty line belongs before the next one, if there is any before it.
    is_apart: bool,
}

impl Screen {
    /// Adds a line that is inert already.
    fn line(&mut self, line: &str) {
        if std::mem::take(&mut self.is_apart) && !self.page.text.is_empty() {
            self.page.text.push('\n');
        }
        self.page.text += line;
        self.page.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line(&format!("{BOLD}{}{BOLD:#}", legible(text)));
    }

    /// Sets apart what follows.
    fn gap(&mut self) {
        self.is_apart = true;
    }

    fn verdict(&mut self, page: &Page) {
        if page.certainty.is_none() && page.verdict.is_empty() && page.first_step.is_none() {
            return;
        }
        self.heading(page.certainty.as_ref().map_or("Verdict", |(_, words)| words));
        page.verdict.iter().for_each(|sentence| self.line(&legible(sentence)));
        page.first_step.iter().for_each(|step| self.line(&format!("First: {}", legible(step))));
        self.gap();
    }

    fn facts(&mut self, facts: &[Fact]) {
        for fact in facts {
            let note = if fact.note.is_empty() { String::new() } else { format!(" ({})", fact.note) };
            self.bullet(&format!("{}: {}{note}", fact.label, fact.value));
        }
        self.gap();
    }

    fn section(&mut self, section: &Section) {
        if !section.parts.iter().any(is_shown) {
            return;
        }
        if !section.heading.is_empty() {
            self.heading(&section.heading);
        }
        for part in &section.parts {
            match part {
                Part::Text(text) => self.line(&legible(text)),
                Part::Bullets(sentences) => sentences.iter().for_each(|sentence| self.bullet(sentence)),
                Part::Items(items) => items.iter().for_each(|item| self.item(item)),
                Part::Table(table) => self.table(table, &section.heading),
                Part::Card(card) => self.card(card),
                Part::Code(code) if code.is_short => self.code(code),
                Part::Chart(_) | Part::Code(_) => {}
            }
        }
        self.gap();
    }

    fn bullet(&mut self, text: &str) {
        self.line(&format!("  - {}", legible(text)));
    }

    fn item(&mut self, item: &Item) {
        self.line(&format!("  {CYAN}{}{CYAN:#}: {}", legible(&item.topic), legible(&item.text)));
        if !item.note.is_empty() {
            self.line(&format!("      {}", legible(&item.note)));
        }
    }

    fn card(&mut self, card: &Card) {
        self.gap();
        self.heading(&card.title);
        for (topic, detail) in &card.details {
            let topic = if topic.is_empty() { String::new() } else { format!("{topic}: ") };
            self.line(&format!("  {}", legible(&format!("{topic}{detail}"))));
        }
        self.gap();
    }

    fn code(&mut self, code: &Code) {
        self.gap();
        self.line(&legible(&format!("{}:", code.caption)));
        code.text.lines().for_each(|line| self.line(&format!("  {}", legible(line))));
        self.gap();
    }

    fn table(&mut self, table: &Table, heading: &str) {
        if !table.caption.is_empty() {
            let query = if table.query.is_empty() { String::new() } else { format!(" (query {})", table.query) };
            self.line(&legible(&format!("{}{query}:", table.caption)));
        }
        if table.rows.is_empty() && !(table.caption.is_empty() && heading.is_empty()) {
            self.line("  none");
            return;
        }
        let inert = inert(table);
        let shown = self.width.map_or(inert.columns.len(), |width| columns_that_fit(&inert, width));
        let grid = grid(&inert, shown, self.width);
        self.line(&grid);
        let hidden: Vec<_> = inert.columns[shown..].iter().map(|(name, _)| name.as_str()).collect();
        if !hidden.is_empty() {
            let name = [&table.caption, heading].into_iter().find(|name| !name.is_empty());
            let name = name.map_or_else(String::new, |name| format!(" of {name:?}"));
            self.page.notes.push(format!(
                "columns{name} that don't fit on this terminal: {}; a file or a pipe gets them all",
                hidden.join(", ")
            ));
        }
    }
}

/// Whether anything of a part is shown.
fn is_shown(part: &Part) -> bool {
    match part {
        Part::Text(_) | Part::Table(_) | Part::Card(_) => true,
        Part::Code(code) => code.is_short,
        Part::Bullets(sentences) => !sentences.is_empty(),
        Part::Items(items) => !items.is_empty(),
        Part::Chart(_) => false,
    }
}

fn inert(table: &Table) -> Table {
    Table {
        columns: table.columns.iter().map(|(name, is_number)| (legible(name), *is_number)).collect(),
        rows: table.rows.iter().map(|row| row.iter().map(|cell| legible(cell)).collect()).collect(),
        ..Table::default()
    }
}

const PADDING: u16 = 2;

/// Text is not cut shorter than this.
const LEAST_TEXT: usize = 24;

/// The first columns of a table, on lines that are no longer than `width`.
fn grid(table: &Table, shown: usize, width: Option<u16>) -> String {
    let mut out = Grid::new();
    out.load_preset(comfy_table::presets::NOTHING).set_truncation_indicator("…");
    out.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    match width {
        Some(width) => out.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => out.set_content_arrangement(ContentArrangement::Disabled),
    };
    let mut header = comfy_table::Row::from(table.columns.iter().take(shown).map(|(name, _)| name));
    if width.is_some() {
        // Letters that are two columns wide make a name wider than it has letters.
        header.max_height(1);
    }
    out.set_header(header);
    for row in &table.rows {
        let mut line = comfy_table::Row::from(row.iter().take(shown));
        if width.is_some() {
            line.max_height(1);
        }
        out.add_row(line);
    }
    let least = least_widths(table);
    for ((column, (_, is_number)), least) in out.column_iter_mut().zip(&table.columns).zip(least) {
        column.set_padding((0, PADDING));
        if width.is_some() {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + PADDING)));
        }
        if *is_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// The width below which each column says too little: its name's, and its content's unless that is long.
fn least_widths(table: &Table) -> impl Iterator<Item = u16> {
    table.columns.iter().enumerate().map(|(index, (name, _))| {
        let content = table.rows.iter().map(|row| row[index].chars().count()).max().unwrap_or_default();
        u16::try_from(name.chars().count().max(content.min(LEAST_TEXT))).unwrap_or(u16::MAX)
    })
}

/// How many columns, from the left, fit into `width`; at least one.
fn columns_that_fit(table: &Table, width: u16) -> usize {
    let ends = least_widths(table).scan(0_u16, |used, least| {
        *used = used.saturating_add(least.saturating_add(PADDING));
        Some(*used)
    });
    ends.take_while(|end| *end <= width).count().max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::page::samples::{any_text, page_of};
    use super::*;

    fn agents() -> Page {
        let agent = "calico-node/v0.0.0 (linux/amd64) kubernetes/$Format";
        let mut table = Table::of("", "", &[("user_agent", false), ("request_count", true)]);
        table.rows = vec![vec![agent.to_owned(), "12".to_owned()], vec!["–".to_owned(), "0.5".to_owned()]];
        Page::of_table("Query", table)
    }

    #[test]
    fn a_table_fits_the_terminal_and_a_pipe_gets_all() {
        let wide = terminal(&agents(), Some(45));
        assert!(wide.text.lines().all(|line| line.chars().count() <= 45), "{}", wide.text);
        assert!(wide.text.contains("request_count") && wide.notes.is_empty());
        let narrow = terminal(&agents(), Some(30));
        assert!(!narrow.text.contains("request_count"));
        assert_eq!(
            narrow.notes,
            ["columns that don't fit on this terminal: request_count; a file or a pipe gets them all"]
        );
        assert!(terminal(&agents(), None).text.contains("kubernetes/$Format"));
    }

    #[test]
    fn parts_are_set_apart_where_that_helps() {
        let card = Card {
            title: "1. warning".to_owned(),
            details: vec![("what".to_owned(), "lists".to_owned())],
            ..Card::default()
        };
        let policy = Code {
            caption: "for the server".to_owned(),
            text: "a: 1\nb: 2\n".to_owned(),
            is_short: true,
            ..Code::default()
        };
        let page = Page {
            about: vec!["Kubernetes 1.34".to_owned()],
            verdict: vec!["It stormed.".to_owned()],
            sections: vec![
                Section::of("Charts", vec![Part::Code(Code::default())]),
                Section::of(
                    "Findings",
                    vec![Part::Text("two".to_owned()), Part::Card(card), Part::Text("more".to_owned())],
                ),
                Section::of("Policy", vec![Part::Code(policy)]),
                Section::of("Notes", vec![Part::Items(vec![Item::of("level", "Metadata", "no bodies")])]),
            ],
            ..Page::default()
        };
        let text = anstream::adapter::strip_str(&terminal(&page, None).text).to_string();
        assert_eq!(
            text,
            "Kubernetes 1.34\n\nVerdict\nIt stormed.\n\nFindings\ntwo\n\n1. warning\n  what: lists\n\nmore\n\nPolicy\n\nfor the server:\n  a: 1\n  b: 2\n\nNotes\n  level: Metadata\n      \
             no bodies\n\nManifests are not shown on the terminal; write them to a file: -o FILE.html, FILE.md or FILE.json.\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_a_log_says_is_only_text(text in any_text(), width in prop_oneof![Just(None), (20_u16..200).prop_map(Some)]) {
            let (page, harmless) = (terminal(&page_of(&text), width), terminal(&page_of("x"), width));
            // Cyan is bold too.
            let styles = [format!("{CYAN}"), format!("{BOLD}"), format!("{BOLD:#}")];
            let ours = |text: &str| styles.iter().fold(text.to_owned(), |text, style| text.replace(style, ""));
            let plain = ours(&page.text);
            prop_assert!(plain.lines().all(|line| legible(line) == line), "{plain:?}");
            prop_assert_eq!(plain.lines().count(), ours(&harmless.text).lines().count());
            prop_assert!(page.notes.iter().all(|note| !note.contains('\n')));
        }
    }
}
