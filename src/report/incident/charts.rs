//! Memory, traffic and latency over time.

use std::collections::BTreeMap;

use super::IncidentReport;
use super::reasons::{growth_words, source_words};
use crate::findings::{Moment, MomentKind, ServerActivity};
use crate::report::page::{Chart, Look, Mark, Measured, Part, Series, Unit};
use crate::report::pressure::{of_server, pressure_chart, servers};
use crate::report::{bucket_micros, counted, float};
use crate::units::Zone;

impl IncidentReport {
    /// For each apiserver, the one of this report's moment first.
    pub(super) fn charts(&self, zone: &Zone) -> Vec<Part> {
        /// Further ones are in the JSON.
        const SERVERS: usize = 5;
        let mut parts = Vec::new();
        let names =
            self.activity.iter().map(|row| &row.apiserver).chain(self.pressure.iter().map(|row| &row.apiserver));
        let mut servers = servers(names);
        servers.sort_by_key(|server| **server != self.moment.apiserver);
        for server in servers.iter().copied().take(SERVERS) {
            let named = of_server(server, &servers);
            let marks = self.marks(server, zone);
            let (span, step) = ((self.window.from, self.window.to), bucket_micros(self.pressure_secs));
            let mut chart = pressure_chart(&self.pressure, server, span, step, self.memory_limit_bytes);
            chart.title = format!("Memory that LISTs held, estimated{named}");
            chart.marks.clone_from(&marks);
            let memory = self.memory.as_ref().filter(|_| *server == self.moment.apiserver);
            chart.measured = memory
                .map(|memory| Measured { name: "measured resident memory".to_owned(), points: memory.samples.clone() });
            parts.push(Part::Chart(chart));
            parts.extend(memory.map(|memory| {
                let growth = growth_words(memory, self.moment.is_end(), &self.incident.thresholds);
                Part::Text(format!("{growth} ({})", source_words(memory)))
            }));
            let rows: Vec<&ServerActivity> = self.activity.iter().filter(|row| row.apiserver == *server).collect();
            parts.extend(self.activity_charts(&rows, &named, &marks).into_iter().map(Part::Chart));
        }
        if servers.len() > SERVERS {
            let more = counted((servers.len() - SERVERS) as u64, "more apiserver");
            parts.push(Part::Text(format!("Left to the JSON: {more}.")));
        }
        parts
    }

    /// Ends and returns, those of this report's moment first: they keep their labels where there is no room for all.
    fn marks(&self, server: &Option<String>, zone: &Zone) -> Vec<Mark> {
        let moments = std::iter::once(&self.moment).chain(&self.other_moments);
        let moments: Vec<&Moment> = moments.filter(|moment| moment.apiserver == *server).collect();
        let end = |moment: &&Moment| {
            let label = match moment.kind {
                MomentKind::Death => "died",
                MomentKind::PossibleDeath => "died?",
                MomentKind::Peak => "peak",
                MomentKind::Asked => "asked for",
            };
            Mark { at: moment.at, label: format!("{label} {}", zone.clock(moment.at)), is_end: true }
        };
        let back = |moment: &&Moment| Some(Mark { at: moment.back_at?, label: "back".to_owned(), is_end: false });
        let mut marks: Vec<Mark> = moments.iter().map(end).collect();
        marks.extend(moments.iter().filter_map(back));
        marks.retain(|mark| (self.window.from..=self.window.to).contains(&mark.at));
        marks
    }

    /// The seconds of a span that a server's log covers: within the logs, and without the time that it was away.
    fn logged_secs(&self, server: &Option<String>, from: i64, to: i64) -> f64 {
        let overlap = |begin: i64, end: i64| (to.min(end) - from.max(begin)).max(0);
        let moments = std::iter::once(&self.moment).chain(&self.other_moments);
        let ends = moments.filter(|moment| moment.apiserver == *server && moment.is_end());
        let away: i64 = ends.filter_map(|end| Some(overlap(end.at, end.back_at?))).sum();
        #[expect(clippy::cast_precision_loss, reason = "seconds of a bucket")]
        let secs = (overlap(self.logs.from, self.logs.to) - away) as f64 / 1e6;
        secs
    }

    fn activity_charts(&self, rows: &[&ServerActivity], named: &str, marks: &[Mark]) -> Vec<Chart> {
        let step = bucket_micros(self.activity_secs);
        // Buckets may be laid so that one ends with the server.
        let shift = rows.first().map_or(0, |row| row.bucket_at.rem_euclid(step));
        let from = (self.window.from - shift).div_euclid(step) * step + shift;
        let server = rows.first().map_or(&self.moment.apiserver, |row| &row.apiserver);
        let buckets = usize::try_from((self.window.to - from).div_euclid(step) + 1).unwrap_or_default();
        let by_bucket: BTreeMap<i64, &ServerActivity> =
            rows.iter().map(|row| ((row.bucket_at - from).div_euclid(step), *row)).collect();
        let series = |name: &str, of: &dyn Fn(&ServerActivity) -> Option<f64>| {
            let values = (0_i64..).take(buckets).map(|bucket| by_bucket.get(&bucket).map_or(Some(0.0), |row| of(row)));
            Series { name: name.to_owned(), values: values.collect(), look: Look::Line }
        };
        // Buckets in which the server was away, or which the log only has a part of, are shorter.
        let rate = |row: &ServerActivity, count: u64| {
            let secs = self.logged_secs(server, row.bucket_at, row.bucket_at + step);
            Some(float(count) / if secs > 0.0 { secs } else { self.activity_secs })
        };
        let chart = |title: &str, unit, series: Vec<Series>, note: &str| Chart {
            title: format!("{title}{named}"),
            note: note.to_owned(),
            query: "server_activity".to_owned(),
            unit,
            from,
            step,
            series,
            marks: marks.to_vec(),
            ..Chart::default()
        };
        vec![
            chart(
                "LISTs and watches received",
                Unit::PerSecond,
                vec![
                    series("LISTs", &|row| rate(row, row.list_count)),
                    series("watches opened", &|row| rate(row, row.watch_count - row.watch_list_count)),
                    series("watch-lists", &|row| rate(row, row.watch_list_count)),
                ],
                "",
            ),
            chart(
                "Rejected and failed",
                Unit::PerSecond,
                vec![
                    series("429 from Priority and Fairness", &|row| rate(row, row.rejected_count)),
                    series("5xx", &|row| rate(row, row.error_count)),
                ],
                "",
            ),
            chart(
                "Latency of finished requests, without watches",
                Unit::Seconds,
                vec![
                    series("longest", &|row| row.longest_secs.or(Some(0.0))),
                    series("mean", &|row| row.mean_duration_secs.or(Some(0.0))),
                ],
                "By time of receipt. Requests cut off by an end are missing, so the figures just before one are too good.",
            ),
        ]
    }
}
