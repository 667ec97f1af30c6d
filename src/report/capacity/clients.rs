//! What clients sent, what changed, and what to do about it.

use super::words::{improvement_words, list_change_words};
use super::{CapacityReport, ROWS};
use crate::findings::{Bytes, ClientUsage, Clock, Usage};
use crate::report::page::{Part, Table};
use crate::report::size_words::size_cell;
use crate::report::{about, more_in_json, or_dash};
use crate::units;

impl CapacityReport {
    pub(super) fn improvements(&self) -> Vec<Part> {
        if self.review.improvements.is_empty() {
            return vec![Part::Text("No client lists whole collections again and again.".to_owned())];
        }
        let columns = [
            ("client", false),
            ("type", false),
            ("LISTs saved", true),
            ("of all bytes from LISTs", true),
            ("bytes saved (estimated)", true),
            ("peak lower by (estimated)", true),
            ("what to do", false),
        ];
        let mut table = Table::of(
            "Biggest savings, by the bytes that LISTs would no longer return (middle of the estimate)",
            "client_lists",
            &columns,
        );
        table.rows = self
            .review
            .improvements
            .iter()
            .take(ROWS)
            .map(|one| {
                vec![
                    one.client.clone(),
                    one.client_type.clone(),
                    units::count(one.lists_saved),
                    or_dash(one.share.map(units::share)),
                    or_dash(one.response_bytes.map(size_cell)),
                    or_dash(one.peak_bytes.map(size_cell)),
                    improvement_words(one),
                ]
            })
            .collect();
        vec![Part::Table(table)]
    }

    pub(super) fn usage_table(&self, caption: &str, usages: &[ClientUsage]) -> Table {
        let is_of_types = usages.iter().all(|usage| usage.client.is_empty());
        let mut columns = if is_of_types { vec![("type", false)] } else { vec![("client", false), ("type", false)] };
        columns.extend([
            ("requests", true),
            ("LISTs (without watch-lists)", true),
            ("watch-lists", true),
            ("watches", true),
            ("seat-seconds", true),
            ("returned by LISTs and watch-lists (estimated)", true),
            (if is_of_types { "highest client's peak" } else { "peak held (estimated)" }, true),
        ]);
        if self.window_before.is_some() {
            columns.extend([("requests before", true), ("LISTs before", true)]);
        }
        let mut table = Table::of(caption, "client_periods, client_lists", &columns);
        table.rows = usages
            .iter()
            .filter_map(|usage| Some((usage, usage.this.as_ref()?)))
            .take(ROWS)
            .map(|(usage, this)| {
                let mut row = if is_of_types {
                    vec![usage.client_type.clone()]
                } else {
                    vec![usage.client.clone(), usage.client_type.clone()]
                };
                row.extend([
                    units::count(this.requests),
                    units::count(this.lists),
                    units::count(this.watch_lists),
                    units::count(this.watches),
                    about(this.low_seat_secs, this.high_seat_secs),
                    or_dash(this.response_bytes.map(size_cell)),
                    or_dash(this.peak_bytes.map(size_cell)),
                ]);
                if self.window_before.is_some() {
                    let before =
                        |of: fn(&Usage) -> u64| or_dash(usage.before.as_ref().map(|before| units::count(of(before))));
                    row.extend([before(|usage| usage.requests), before(|usage| usage.lists)]);
                }
                row
            })
            .collect();
        table
    }

    pub(super) fn clients(&self) -> Vec<Part> {
        let mut parts =
            vec![Part::Table(self.usage_table("Clients, by what their LISTs returned", &self.review.clients))];
        let more = self.review.clients.len().saturating_sub(ROWS);
        if more > 0 {
            parts.push(Part::Text(more_in_json(more)));
        }
        if self.window_before.is_none() {
            return parts;
        }
        let grown: Vec<&ClientUsage> = self.review.clients.iter().filter(|client| client.change.is_some()).collect();
        if !grown.is_empty() {
            let mut table = Table::of(
                "What changed, and what explains it",
                "client_periods, client_lists",
                &[("client", false), ("type", false), ("LISTs before", true), ("LISTs", true), ("why", false)],
            );
            table.rows = grown.iter().take(ROWS).map(|client| growth_row(client)).collect();
            parts.push(Part::Table(table));
        }
        let collections: Vec<Vec<String>> = self
            .review
            .collections
            .iter()
            .take(ROWS)
            .map(|one| {
                vec![
                    one.resource.clone(),
                    units::count(one.created),
                    units::count(one.deleted),
                    signed(one.created, one.deleted),
                    signed(one.created_before, one.deleted_before),
                ]
            })
            .collect();
        let mut table = Table::of(
            "Collections that grew or shrank: each LIST of them got bigger or smaller",
            "flow_periods",
            &[("resource", false), ("created", true), ("deleted", true), ("net", true), ("net before", true)],
        );
        table.rows = collections;
        parts.push(Part::Table(table));
        let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        parts.push(Part::Bullets(vec![
            format!("new clients: {}", names(&self.review.appeared)),
            format!("vanished clients: {}", names(&self.review.vanished)),
        ]));
        parts
    }

    pub(super) fn clocks(&self) -> Vec<Part> {
        if self.review.clocks.is_empty() {
            return vec![Part::Text("No client polls at fixed intervals.".to_owned())];
        }
        let columns = [
            ("client", false),
            ("type", false),
            ("lists", false),
            ("how", false),
            ("every", true),
            ("pollers", true),
            ("LISTs", true),
            ("returned (estimated)", true),
        ];
        let mut table = Table::of(
            "Clients that poll at fixed intervals, by what that returns; over all of these logs",
            "clocks",
            &columns,
        );
        table.rows = self.review.clocks.iter().take(ROWS).map(clock_row).collect();
        vec![
            Part::Table(table),
            Part::Text(
                "Each could watch instead, or spread its LISTs so that they don't come at the same moment.".to_owned(),
            ),
        ]
    }
}

fn growth_row(client: &ClientUsage) -> Vec<String> {
    let lists = |usage: &Option<Usage>| or_dash(usage.as_ref().map(|usage| units::count(usage.lists)));
    vec![
        client.client.clone(),
        client.client_type.clone(),
        lists(&client.before),
        lists(&client.this),
        client.change.as_ref().map(list_change_words).unwrap_or_default(),
    ]
}

fn clock_row(clock: &Clock) -> Vec<String> {
    let returned = clock
        .response_low_bytes
        .map(|low| size_cell(Bytes { low, high: clock.response_high_bytes.filter(|high| *high >= low) }));
    #[expect(clippy::cast_possible_truncation, reason = "a period in microseconds")]
    let every = clock.period_secs.map(|secs| units::span((secs * 10.0).round() as i64 * 100_000));
    vec![
        clock.client.clone(),
        clock.client_type.clone(),
        or_dash(clock.resource.clone()),
        or_dash(clock.list_kind.clone()),
        or_dash(every),
        format!("{} of {}", units::count(clock.regular_poll_count), units::count(clock.poll_count)),
        units::count(clock.regular_request_count.unwrap_or_default()),
        or_dash(returned),
    ]
}

/// The difference of two counts.
fn signed(more: u64, less: u64) -> String {
    if more >= less { format!("+{}", units::count(more - less)) } else { format!("−{}", units::count(less - more)) }
}
