//! Lines of Prometheus' text format.
//!
//! Read by hand: a few metrics of one line each are wanted, and what can't be read is to be counted. The crate
//! `prometheus-parse` passes over such lines in silence, keeps all samples of a page in maps without an order, and
//! brings a clock and regular expressions along.

/// A sample's line. Label values stay as they are written: names of groups and resources hold nothing to unescape.
pub(super) struct Line<'t> {
    pub(super) metric: &'t str,
    labels: Vec<(&'t str, &'t str)>,
    pub(super) value: f64,
}

impl<'t> Line<'t> {
    /// `metric{label="value",…} number [timestamp]`.
    pub(super) fn read(line: &'t str) -> Option<Self> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let (metric, mut rest) = line.split_at(line.find(|c| !is_name(c))?);
        let mut labels = Vec::new();
        if let Some(mut inner) = rest.strip_prefix('{') {
            loop {
                inner = inner.trim_start_matches([' ', ',']);
                if let Some(after) = inner.strip_prefix('}') {
                    rest = after;
                    break;
                }
                let (name, quoted) = inner.split_once('=')?;
                let (value, after) = split_quoted(quoted.trim_start())?;
                labels.push((name.trim(), value));
                inner = after;
            }
        }
        let value = rest.split_whitespace().next()?.parse().ok()?;
        (!metric.is_empty()).then_some(Self { metric, labels, value })
    }

    pub(super) fn label(&self, name: &str) -> Option<&'t str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| *value)
    }
}

/// What stands in quotes at the start, and what follows.
fn split_quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}
