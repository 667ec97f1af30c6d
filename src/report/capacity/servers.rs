//! How the servers coped: latency, priority levels, busiest hours, trends, storms.

use super::words::{amount_words, load_words, scope_words, state_words, trend_words};
use super::{CapacityReport, ROWS};
use crate::findings::{Finding, Headroom, Severity, Trend, TrendUnit};
use crate::report::findings_cards::findings_table;
use crate::report::page::{Chart, Look, Part, Series, Table, Unit};
use crate::report::{about, bucket_micros, more_in_json, or_dash};
use crate::units::{self, Zone};

impl CapacityReport {
    pub(super) fn objectives(&self) -> Table {
        let mut columns =
            vec![("requests for", false), ("objective", true), ("requests", true), ("later", true), ("within", true)];
        if self.window_before.is_some() {
            columns.push(("within, before", true));
        }
        let mut table = Table::of(
            "Latency against Kubernetes' objectives: 99 % of the requests within the objective",
            "client_periods",
            &columns,
        );
        table.rows = self
            .review
            .objectives
            .iter()
            .map(|one| {
                let mut row = vec![
                    scope_words(one.scope).to_owned(),
                    format!("{} s", one.objective_secs),
                    units::count(one.requests),
                    units::count(one.late),
                    units::percent(one.requests - one.late, one.requests),
                ];
                if self.window_before.is_some() {
                    row.push(units::percent(one.requests_before - one.late_before, one.requests_before));
                }
                row
            })
            .collect();
        table
    }

    pub(super) fn levels(&self, zone: &Zone) -> Vec<Part> {
        let columns = [
            ("priority level", false),
            ("seats in use at its busiest", true),
            ("nominal", true),
            ("maximum", true),
            ("in use of nominal", true),
            ("requests", true),
            ("waited", true),
            ("rejected", true),
            ("busiest", false),
            ("state", false),
        ];
        let mut table = Table::of("Demand on each priority level, on one apiserver", "level_hours", &columns);
        table.rows = self.review.levels.iter().map(|level| level_row(level, zone)).collect();
        let mut parts = vec![Part::Table(table)];
        let mut series = Vec::new();
        for level in self.review.levels.iter().filter(|level| level.requests > 0 && !level.is_exempt) {
            let mut values = vec![0.0; self.buckets()];
            let of_level = self.level_hours.iter().filter(|hour| hour.priority_level == level.priority_level);
            for (index, hour) in of_level.filter_map(|hour| Some((self.bucket_of(hour.bucket_at)?, hour))) {
                // Of several apiservers the fullest counts, as each has its own seats.
                values[index] = f64::max(values[index], f64::midpoint(hour.mean_low_seats, hour.mean_high_seats));
            }
            let values = values.into_iter().map(Some).collect();
            series.push(Series { name: level.priority_level.clone(), values, look: Look::Line });
        }
        parts.push(Part::Chart(Chart {
            title: format!("Seats in use, mean of each {}, on the fullest apiserver", self.bucket()),
            note: "Middle of the range. A burst hardly shows in such a mean; waits and rejections show it.".to_owned(),
            query: "level_hours".to_owned(),
            unit: Unit::Count,
            from: self.window.from,
            step: bucket_micros(self.bucket_secs),
            series,
            ..Chart::default()
        }));
        parts
    }

    pub(super) fn busiest(&self, zone: &Zone) -> Table {
        let mut table = Table::of(
            format!("The busiest {} of each kind", self.bucket()),
            "server_activity, list_pressure",
            &[("by", false), ("from", false), ("value", true)],
        );
        table.rows = self
            .review
            .busiest
            .iter()
            .map(|hour| vec![load_words(&hour.load).to_owned(), zone.minute(hour.at), amount_words(&hour.load)])
            .collect();
        table
    }

    pub(super) fn trends(&self, zone: &Zone) -> Vec<Part> {
        let columns = [
            ("what", false),
            ("days", true),
            ("first", true),
            ("last", true),
            ("change per week", true),
            ("95 % interval", true),
            ("limit", true),
            ("reached", false),
        ];
        let mut table =
            Table::of("Day by day, by least squares", "server_activity, list_pressure, level_hours", &columns);
        table.rows = self.review.trends.iter().map(|trend| trend_row(trend, self.bucket(), zone)).collect();
        vec![
            Part::Table(table),
            Part::Text(
                "An interval that contains 0 means that the days differ too much to show a trend. Days are assumed to be independent and growth \
                 to be steady, which weekends break; a date is given only where the whole interval is above 0, and not far ahead."
                    .to_owned(),
            ),
        ]
    }

    pub(super) fn storms(&self, zone: &Zone) -> Vec<Part> {
        let loud: Vec<Finding> =
            self.findings.iter().filter(|finding| finding.severity >= Severity::Warning).cloned().collect();
        if loud.is_empty() {
            return vec![Part::Text("No storm at warning or above, and no end of an apiserver.".to_owned())];
        }
        let more = loud.len().saturating_sub(ROWS);
        let mut parts = vec![Part::Table(findings_table(&loud[..loud.len().min(ROWS)], zone))];
        if more > 0 {
            parts.push(Part::Text(more_in_json(more)));
        }
        parts.push(Part::Text(
            "For the evidence of each, run stormglass storms; for a report on a single one, run stormglass incident --at TIME."
                .to_owned(),
        ));
        parts
    }
}

fn level_row(level: &Headroom, zone: &Zone) -> Vec<String> {
    let seats = |seats: u32| if level.is_exempt { "–".to_owned() } else { units::count(seats.into()) };
    vec![
        level.priority_level.clone(),
        about(level.busiest_low_seats, level.busiest_high_seats),
        seats(level.nominal_seats),
        seats(level.max_seats),
        if level.is_exempt { "–".to_owned() } else { Unit::Share.words(level.share()) },
        units::count(level.requests),
        units::count(level.waited),
        units::count(level.rejected),
        or_dash(level.busiest_at.map(|at| zone.minute(at))),
        state_words(level.state).to_owned(),
    ]
}

fn trend_row(trend: &Trend, bucket: &str, zone: &Zone) -> Vec<String> {
    let unit = match trend.unit {
        TrendUnit::Bytes => Unit::Bytes,
        TrendUnit::PerSecond => Unit::PerSecond,
        TrendUnit::Seats => Unit::Count,
    };
    let signed = |value: f64| {
        let sign = if value < 0.0 { "−" } else { "+" };
        format!("{sign}{}", unit.words(value.abs()))
    };
    let end = |day: Option<&(i64, f64)>| or_dash(day.map(|(_, value)| unit.words(*value)));
    let meets = match (&trend.meets, &trend.slope) {
        (Some(meets), _) => {
            let day = |at: Option<i64>| at.map_or_else(|| "too far ahead".to_owned(), |at| zone.day(at));
            format!("{} ({} to {})", day(meets.likely), day(meets.earliest), day(meets.latest))
        }
        (None, None) => "too few days".to_owned(),
        (None, Some(slope)) if slope.is_noise() => "no trend".to_owned(),
        (None, Some(slope)) if trend.limit.is_some() && slope.high > 0.0 => "too far ahead to give a date".to_owned(),
        (None, Some(_)) => "–".to_owned(),
    };
    vec![
        trend_words(&trend.subject, bucket),
        units::count(trend.days.len() as u64),
        end(trend.days.first()),
        end(trend.days.last()),
        or_dash(trend.slope.map(|slope| signed(slope.per_week))),
        or_dash(trend.slope.map(|slope| format!("{} to {}", signed(slope.low), signed(slope.high)))),
        or_dash(trend.limit.map(|limit| unit.words(limit))),
        meets,
    ]
}
