//! The period over time.

use super::CapacityReport;
use crate::findings::{Finding, ServerActivity, Severity};
use crate::report::page::{Chart, Look, Mark, Part, Series, Unit};
use crate::report::pressure::{of_server, pressure_chart, servers};
use crate::report::{bucket_micros, float};
use crate::units::Zone;

impl CapacityReport {
    pub(super) fn charts(&self, zone: &Zone) -> Vec<Part> {
        let servers = servers(self.activity.iter().map(|row| &row.apiserver));
        let marks = self.marks(zone);
        let (span, step) = ((self.window.from, self.window.to - 1), bucket_micros(self.bucket_secs));
        let of_servers = servers.iter().map(|server| {
            let mut chart = pressure_chart(&self.pressure, server, span, step, self.memory_limit_bytes);
            let named = of_server(server, &servers);
            chart.title =
                format!("Memory that LISTs held, estimated, at the worst instant of each {}{named}", self.bucket());
            let here = marks.iter().filter(|(name, _)| name.is_none() || name == *server);
            chart.marks = here.map(|(_, mark)| mark.clone()).collect();
            chart
        });
        let all = if servers.len() > 1 { ", all apiservers" } else { "" };
        let secs = self.bucket_secs;
        let rate = |count: u64| float(count) / secs;
        let chart = |title: &str, unit: Unit, series: Vec<Series>| Chart {
            title: format!("{title}{all}"),
            query: "server_activity".to_owned(),
            unit,
            from: self.window.from,
            step,
            series,
            ..Chart::default()
        };
        let of_all = [
            chart("Requests", Unit::PerSecond, vec![self.sums("requests", &|row| rate(row.request_count))]),
            chart(
                "LISTs and watches received",
                Unit::PerSecond,
                vec![
                    self.sums("LISTs", &|row| rate(row.list_count)),
                    self.sums("watches opened", &|row| rate(row.watch_count - row.watch_list_count)),
                    self.sums("watch-lists", &|row| rate(row.watch_list_count)),
                ],
            ),
            chart(
                &format!("Rejected, failed and late in each {}", self.bucket()),
                Unit::Count,
                vec![
                    self.sums("429 from Priority and Fairness", &|row| float(row.rejected_count)),
                    self.sums("5xx", &|row| float(row.error_count)),
                    self.sums("later than their objective", &|row| float(row.late_count)),
                ],
            ),
        ];
        of_servers.chain(of_all).map(Part::Chart).collect()
    }

    /// How many buckets the period has.
    pub(super) fn buckets(&self) -> usize {
        let step = bucket_micros(self.bucket_secs);
        usize::try_from((self.window.to - self.window.from + step - 1).div_euclid(step)).unwrap_or_default()
    }

    /// The bucket that an instant is in; `None` outside of the period.
    pub(super) fn bucket_of(&self, at: i64) -> Option<usize> {
        let index = (at - self.window.from).div_euclid(bucket_micros(self.bucket_secs));
        usize::try_from(index).ok().filter(|index| *index < self.buckets())
    }

    /// Sums of all apiservers by bucket.
    fn sums(&self, name: &str, of: &dyn Fn(&ServerActivity) -> f64) -> Series {
        let mut values = vec![0.0; self.buckets()];
        for (index, row) in self.activity.iter().filter_map(|row| Some((self.bucket_of(row.bucket_at)?, row))) {
            values[index] += of(row);
        }
        Series { name: name.to_owned(), values: values.into_iter().map(Some).collect(), look: Look::Line }
    }

    /// Ends of apiservers, and the worst storms.
    fn marks(&self, zone: &Zone) -> Vec<(Option<String>, Mark)> {
        /// More marks would hide each other.
        const STORMS: usize = 3;
        let (storms, ends): (Vec<&Finding>, Vec<&Finding>) =
            self.findings.iter().partition(|finding| finding.is_storm());
        let ends = ends.into_iter().filter(|finding| finding.severity == Severity::Critical);
        let storms = storms.into_iter().filter(|finding| finding.severity >= Severity::Warning);
        let mark = |finding: &Finding, label: String| {
            (finding.apiserver.clone(), Mark { at: finding.started_at, label, is_end: true })
        };
        let ends = ends.map(|finding| mark(finding, format!("died {}", zone.clock(finding.started_at))));
        ends.chain(storms.take(STORMS).map(|finding| mark(finding, finding.kind.name().to_owned()))).collect()
    }
}
