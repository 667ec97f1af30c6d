//! The chart of what lists held over time, put together from the rows of `list_pressure`.

use std::collections::BTreeMap;

use super::float;
use super::page::{Chart, Look, Series, Unit};
use super::size_words::{held_estimate, size_words};
use crate::findings::{Bytes, ListPressure, PressurePeak};
use crate::units;

/// Types of clients that have a colour of their own; the rest are one.
const TYPES: usize = 7;

/// What lists held at a peak, on its own.
pub(super) fn held_words(peak: &PressurePeak) -> String {
    held_bytes(peak).map_or_else(|| "unknown".to_owned(), size_words)
}

/// What lists held at a peak, in a sentence after a verb.
pub(super) fn held_in_words(peak: &PressurePeak) -> String {
    held_bytes(peak).map_or_else(|| "an unknown amount of memory".to_owned(), held_estimate)
}

/// Lists of unknown size are left out, so with some of those the bytes are a lower bound.
fn held_bytes(peak: &PressurePeak) -> Option<Bytes> {
    peak.estimated_bytes.map(|bytes| if peak.unknown == 0 { bytes } else { Bytes { high: None, ..bytes } })
}

/// The servers of some rows, in order of their names.
pub(super) fn servers<'r>(names: impl Iterator<Item = &'r Option<String>>) -> Vec<&'r Option<String>> {
    let mut servers: Vec<_> = names.collect();
    servers.sort_unstable();
    servers.dedup();
    servers
}

/// What to add to the title of a chart of one server; nothing where there are no others.
pub(super) fn of_server(server: &Option<String>, servers: &[&Option<String>]) -> String {
    match server {
        _ if servers.len() < 2 => String::new(),
        Some(name) => format!(", apiserver {name}"),
        None => ", apiserver without a name".to_owned(),
    }
}

/// The middle of the estimate by type of client, on top of each other, with the bounds of the sum; of one server, over a span
/// in microseconds. Nothing is drawn as the upper bound where nothing bounds it.
pub(super) fn pressure_chart(
    rows: &[ListPressure],
    server: &Option<String>,
    (from, to): (i64, i64),
    step: i64,
    memory_limit: Option<u64>,
) -> Chart {
    let rows = rows.iter().filter(|row| row.apiserver == *server);
    // Buckets may be laid so that one ends with the server.
    let shift = rows.clone().next().map_or(0, |row| row.bucket_at.rem_euclid(step));
    let from = (from - shift).div_euclid(step) * step + shift;
    let buckets = usize::try_from((to - from).div_euclid(step) + 1).unwrap_or_default();
    let place =
        |row: &ListPressure| usize::try_from((row.bucket_at - from).div_euclid(step)).ok().filter(|at| *at < buckets);
    let mut by_type: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let (mut low, mut high, mut slack) = (vec![0.0; buckets], vec![0.0; buckets], vec![(0.0_f64, 0.0_f64); buckets]);
    let mut is_bounded = vec![true; buckets];
    for (at, row) in rows.filter_map(|row| Some((place(row)?, row))) {
        let (least, most) = (float(row.inflight_low_bytes), float(row.inflight_high_bytes));
        by_type.entry(&row.client_type).or_insert_with(|| vec![0.0; buckets])[at] += f64::midpoint(least, most);
        low[at] += least;
        is_bounded[at] &= row.unbounded_count == 0;
        high[at] += most;
        slack[at] = (slack[at].0.max(float(row.slack_low_bytes)), slack[at].1.max(float(row.slack_high_bytes)));
    }
    let mut by_type: Vec<(&str, Vec<f64>)> = by_type.into_iter().collect();
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    by_type.sort_by(|one, other| highest(&other.1).total_cmp(&highest(&one.1)).then_with(|| one.0.cmp(other.0)));
    let mut series: Vec<Series> = Vec::new();
    for (place, (name, values)) in by_type.into_iter().enumerate() {
        match series.last_mut().filter(|_| place > TYPES) {
            Some(rest) => {
                rest.values.iter_mut().zip(values).for_each(|(sum, value)| *sum = Some(sum.unwrap_or(0.0) + value))
            }
            None => {
                let name = if place == TYPES { "other types" } else { name };
                series.push(area(name, values));
            }
        }
    }
    let middle: Vec<f64> = slack.iter().map(|(least, most)| f64::midpoint(*least, *most)).collect();
    if highest(&middle) > 0.0 {
        series.push(area("garbage of LISTs", middle));
    }
    let bound = |name: &str, of: &dyn Fn(usize) -> Option<f64>| Series {
        name: name.to_owned(),
        values: (0..buckets).map(of).collect(),
        look: Look::Bound,
    };
    series.push(bound("at least", &|at| Some(low[at] + slack[at].0)));
    series.push(bound("at most", &|at| is_bounded[at].then(|| high[at] + slack[at].1)));
    Chart {
        note: "By type of client, middle of the estimate, at the worst instant of each step; the dotted lines are what all of them held at \
               least and at most. LISTs that left no line, as the policy dropped them, aren't in it."
            .to_owned(),
        query: "list_pressure".to_owned(),
        unit: Unit::Bytes,
        is_stacked: true,
        from,
        step,
        series,
        limit: memory_limit.map(|limit| (float(limit), format!("limit {}", units::bytes(limit)))),
        ..Chart::default()
    }
}

fn area(name: &str, values: Vec<f64>) -> Series {
    Series { name: name.to_owned(), values: values.into_iter().map(Some).collect(), look: Look::Area }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_beyond_the_colours_are_one_and_nothing_is_lost() {
        let row = |number: u64| ListPressure {
            client_type: format!("type-{number}"),
            bucket_at: 10,
            inflight_low_bytes: number,
            inflight_high_bytes: number,
            slack_high_bytes: 4,
            ..ListPressure::default()
        };
        let rows: Vec<ListPressure> = (1..=10).map(row).collect();
        let chart = pressure_chart(&rows, &None, (0, 19), 10, None);
        let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
        assert_eq!(names[0], "type-10");
        assert_eq!(names[7..], ["other types", "garbage of LISTs", "at least", "at most"]);
        assert_eq!(chart.series[7].values, [Some(0.0), Some(6.0)]);
        assert_eq!(chart.series[10].values, [Some(0.0), Some(59.0)]);
    }
}
