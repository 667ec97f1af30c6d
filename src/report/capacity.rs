//! The report of `capacity`: a period against the one before, and against what the servers can bear.

use serde::Serialize;

use super::findings_cards::findings_table;
use super::incident::{LogFacts, Window};
use super::page::{Chart, Fact, Look, Mark, Page, Part, Section, Series, Table, Tone, Unit};
use super::pressure::pressure_chart;
use super::{ServerFacts, or_dash};
use crate::findings::{
    Bytes, ClientUsage, Clock, Finding, Headroom, LevelHour, ListPressure, Review, ServerActivity, Severity, Trend,
    Usage,
};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct CapacityReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the period is called, such as `2026-W47`.
    pub period: String,
    /// The period.
    pub window: Window,
    /// The period before; `None` where the logs hold nothing of it, or nobody wanted it.
    pub before: Option<Window>,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The review.
    #[serde(flatten)]
    pub review: Review,
    /// What each apiserver was asked, by the hour.
    pub activity: Vec<ServerActivity>,
    /// What lists held, by the hour and type of client.
    pub pressure: Vec<ListPressure>,
    /// What priority levels were asked for, by the hour.
    pub level_hours: Vec<LevelHour>,
    /// How long an hour is here, in seconds.
    pub hour_secs: f64,
    /// What an apiserver's memory is limited to, in bytes; `None` where nobody said.
    pub memory_limit_bytes: Option<u64>,
    /// What was found in the period, the worst first.
    pub findings: Vec<Finding>,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Rows of tables beyond this are left to JSON.
const ROWS: usize = 15;

impl CapacityReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let span = format!("{} to {}", zone.minute(self.window.from), zone.minute(self.window.to));
        let compared = match self.before {
            Some(before) => format!("Compared with {} to {}.", zone.minute(before.from), zone.minute(before.to)),
            None => "Not compared: the logs hold nothing of the period before.".to_owned(),
        };
        Page {
            kind: "Capacity report",
            title: if self.period.starts_with("20") && !self.period.contains('W') {
                format!("{span} {zone}")
            } else {
                format!("{}, {span} {zone}", self.period)
            },
            about: vec![self.logs.line(zone), compared, format!("Server: {}.", self.server.line())],
            certainty: Some(self.tone()),
            verdict: self.review.verdict.iter().map(|sentence| zone.in_sentence(sentence)).collect(),
            facts: self.facts(zone),
            sections: self.sections(zone),
        }
    }

    fn tone(&self) -> (Tone, String) {
        match self.findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Critical) => (Tone::Critical, "A server was at risk".to_owned()),
            Some(Severity::Warning) => (Tone::Warning, "Storms, but none took a server down".to_owned()),
            _ => (Tone::Good, "Nothing out of the ordinary".to_owned()),
        }
    }

    fn facts(&self, zone: &Zone) -> Vec<Fact> {
        let fact = |label: &str, value: String, note: String| Fact { label: label.to_owned(), value, note };
        let review = &self.review;
        let changed = |now: f64, then: Option<f64>| match then {
            Some(then) if then > 0.0 => format!("{:+.0} % on the period before", (now / then - 1.0) * 100.0),
            _ => String::new(),
        };
        let before = review.before.as_ref();
        let count = |of: fn(&Usage) -> u64| changed(float(of(&review.this)), before.map(|usage| float(of(usage))));
        let middle = |usage: &Usage| f64::midpoint(usage.low_seat_secs, usage.high_seat_secs);
        let mut facts = vec![
            fact("Requests", units::count(review.this.requests), count(|usage| usage.requests)),
            fact("LISTs", units::count(review.this.lists), count(|usage| usage.lists)),
            match review.peak {
                Some(peak) => fact(
                    "Held by LISTs at most",
                    peak.estimated_bytes.words(),
                    format!("{} at once at {}; an estimate", units::count(peak.inflight), zone.minute(peak.at)),
                ),
                None => fact("Held by LISTs at most", "unknown".to_owned(), "give --metrics or --resource".to_owned()),
            },
            fact(
                "Seat-seconds",
                range_words(review.this.low_seat_secs, review.this.high_seat_secs),
                changed(middle(&review.this), before.map(middle)),
            ),
        ];
        let late: u64 = review.objectives.iter().map(|objective| objective.late).sum();
        let all: u64 = review.objectives.iter().map(|objective| objective.requests).sum();
        facts.push(fact(
            "Within their latency objective",
            units::percent(all - late, all),
            "1 s, 5 s or 30 s by scope; 99 % is the objective".to_owned(),
        ));
        let loud = self.findings.iter().filter(|finding| finding.severity >= Severity::Warning).count();
        facts.push(fact("Storms", units::count(loud as u64), "at warning or above".to_owned()));
        facts
    }

    fn sections(&self, zone: &Zone) -> Vec<Section> {
        let section = |heading: &str, parts: Vec<Part>| Section { heading: heading.to_owned(), parts };
        vec![
            section("What to do first", self.improvements()),
            section("The week over time", self.charts(zone)),
            section(
                "By type of client",
                vec![Part::Table(
                    self.usage_table("Types of clients, by what their LISTs returned", &self.review.client_types),
                )],
            ),
            section("By client", self.clients()),
            section("Latency", vec![Part::Table(self.objectives())]),
            section("Priority levels", self.levels(zone)),
            section("Busiest hours", vec![Part::Table(self.busiest(zone))]),
            section("Like a clock", self.clocks()),
            section("Trends", self.trends(zone)),
            section("Storms", self.storms(zone)),
            section("What the log can't show", vec![Part::Bullets(self.unseen())]),
        ]
    }

    fn improvements(&self) -> Vec<Part> {
        if self.review.improvements.is_empty() {
            return vec![Part::Text("No client reads whole collections again and again.".to_owned())];
        }
        let columns = [
            ("client", false),
            ("type", false),
            ("LISTs saved", true),
            ("of all that LISTs return", true),
            ("bytes saved (estimated)", true),
            ("peak without (estimated)", true),
            ("what to do", false),
        ];
        let mut table =
            Table::of("Most to be gained, by the bytes that LISTs would no longer return", "client_lists", &columns);
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
                    or_dash(one.share.map(|share| Unit::Share.words(share))),
                    or_dash(one.response_bytes.map(Bytes::words)),
                    or_dash(one.peak_bytes.map(|bytes| format!("−{}", bytes.words()))),
                    one.what.clone(),
                ]
            })
            .collect();
        vec![Part::Table(table)]
    }

    fn charts(&self, zone: &Zone) -> Vec<Part> {
        let mut servers: Vec<&Option<String>> = self.activity.iter().map(|row| &row.apiserver).collect();
        servers.sort_unstable();
        servers.dedup();
        let mut parts = Vec::new();
        let marks = self.marks(zone);
        for server in &servers {
            let named = if servers.len() > 1 {
                format!(", apiserver {}", server.as_deref().unwrap_or("without a name"))
            } else {
                String::new()
            };
            let rows: Vec<ListPressure> =
                self.pressure.iter().filter(|row| row.apiserver == **server).cloned().collect();
            let mut chart = pressure_chart(&rows, (self.window.from, self.window.to - 1), micros(self.hour_secs));
            chart.title = format!("Memory that LISTs held, estimated, at the worst instant of each hour{named}");
            chart.limit = self.memory_limit_bytes.map(|limit| (float(limit), format!("limit {}", units::bytes(limit))));
            chart.marks = marks
                .iter()
                .filter(|(name, _)| name.is_none() || name == *server)
                .map(|(_, mark)| mark.clone())
                .collect();
            parts.push(Part::Chart(chart));
        }
        let series = |name: &str, look: Look, of: &dyn Fn(&ServerActivity) -> f64| self.hourly(name, look, of);
        let secs = self.hour_secs;
        let chart = |title: &str, unit: Unit, series: Vec<Series>| Chart {
            title: title.to_owned(),
            query: "server_activity".to_owned(),
            unit,
            from: self.window.from,
            step: micros(self.hour_secs),
            series,
            ..Chart::default()
        };
        let all = if servers.len() > 1 { ", all apiservers" } else { "" };
        parts.push(Part::Chart(chart(
            &format!("Requests{all}"),
            Unit::PerSecond,
            vec![series("requests", Look::Line, &|row| float(row.request_count) / secs)],
        )));
        parts.push(Part::Chart(chart(
            &format!("LISTs and watches received{all}"),
            Unit::PerSecond,
            vec![
                series("LISTs", Look::Line, &|row| float(row.list_count) / secs),
                series("watches opened", Look::Line, &|row| float(row.watch_count - row.watch_list_count) / secs),
                series("watch-lists", Look::Line, &|row| float(row.watch_list_count) / secs),
            ],
        )));
        parts.push(Part::Chart(chart(
            &format!("Refused, failed and late, an hour{all}"),
            Unit::Count,
            vec![
                series("429 of Priority and Fairness", Look::Line, &|row| float(row.rejected_count)),
                series("5xx", Look::Line, &|row| float(row.error_count)),
                series("later than the objective", Look::Line, &|row| float(row.late_count)),
            ],
        )));
        parts
    }

    /// Sums of all apiservers by the hour.
    fn hourly(&self, name: &str, look: Look, of: &dyn Fn(&ServerActivity) -> f64) -> Series {
        let step = micros(self.hour_secs);
        let buckets =
            usize::try_from((self.window.to - self.window.from + step - 1).div_euclid(step)).unwrap_or_default();
        let mut values = vec![0.0; buckets];
        for row in &self.activity {
            let place = usize::try_from((row.bucket_at - self.window.from).div_euclid(step)).unwrap_or(usize::MAX);
            if let Some(value) = values.get_mut(place) {
                *value += of(row);
            }
        }
        Series { name: name.to_owned(), values: values.into_iter().map(Some).collect(), look }
    }

    /// Ends of apiservers, and the worst storms.
    fn marks(&self, zone: &Zone) -> Vec<(Option<String>, Mark)> {
        const STORMS: usize = 3;
        let is_end = |finding: &&Finding| finding.kind == crate::findings::Kind::ApiserverRestart;
        let ends = self.findings.iter().filter(is_end).filter(|finding| finding.severity == Severity::Critical);
        let storms = self.findings.iter().filter(|finding| !is_end(finding) && finding.severity >= Severity::Warning);
        let mark = |finding: &Finding, label: String| {
            (finding.apiserver.clone(), Mark { at: finding.started_at, label, is_end: true })
        };
        let ends = ends.map(|finding| mark(finding, format!("killed {}", zone.clock(finding.started_at))));
        ends.chain(storms.take(STORMS).map(|finding| mark(finding, finding.client.clone()))).collect()
    }

    fn usage_table(&self, caption: &str, usages: &[ClientUsage]) -> Table {
        let is_of_types = usages.iter().all(|usage| usage.client.is_empty());
        let mut columns = if is_of_types { vec![("type", false)] } else { vec![("client", false), ("type", false)] };
        columns.extend([
            ("requests", true),
            ("LISTs", true),
            ("watches", true),
            ("seat-seconds", true),
            ("returned by LISTs (estimated)", true),
            (if is_of_types { "highest client's peak" } else { "peak held (estimated)" }, true),
        ]);
        if self.before.is_some() {
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
                    units::count(this.watches),
                    range_words(this.low_seat_secs, this.high_seat_secs),
                    or_dash(this.response_bytes.map(Bytes::words)),
                    or_dash(this.peak_bytes.map(Bytes::words)),
                ]);
                if self.before.is_some() {
                    let before =
                        |of: fn(&Usage) -> u64| or_dash(usage.before.as_ref().map(|before| units::count(of(before))));
                    row.extend([before(|usage| usage.requests), before(|usage| usage.lists)]);
                }
                row
            })
            .collect();
        table
    }

    fn clients(&self) -> Vec<Part> {
        let mut parts =
            vec![Part::Table(self.usage_table("Clients, by what their LISTs returned", &self.review.clients))];
        let more = self.review.clients.len().saturating_sub(ROWS);
        if more > 0 {
            parts.push(Part::Text(format!("{more} more are in the JSON.")));
        }
        if self.before.is_none() {
            return parts;
        }
        let grown: Vec<&ClientUsage> = self.review.clients.iter().filter(|client| !client.why.is_empty()).collect();
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
            "Collections that grew or shrank, which makes each LIST of them so much bigger or smaller",
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

    fn objectives(&self) -> Table {
        let mut columns =
            vec![("requests for", false), ("objective", true), ("requests", true), ("later", true), ("within", true)];
        if self.before.is_some() {
            columns.push(("within, before", true));
        }
        let mut table =
            Table::of("Latency against upstream's objectives, which ask for 99 % within", "client_periods", &columns);
        table.rows = self
            .review
            .objectives
            .iter()
            .map(|one| {
                let mut row = vec![
                    one.scope.to_owned(),
                    format!("{} s", one.objective_secs),
                    units::count(one.requests),
                    units::count(one.late),
                    units::percent(one.requests - one.late, one.requests),
                ];
                if self.before.is_some() {
                    row.push(units::percent(one.requests_before - one.late_before, one.requests_before));
                }
                row
            })
            .collect();
        table
    }

    fn levels(&self, zone: &Zone) -> Vec<Part> {
        let columns = [
            ("priority level", false),
            ("seats in use, busiest hour", true),
            ("nominal", true),
            ("most", true),
            ("in use of nominal", true),
            ("requests", true),
            ("waited", true),
            ("refused", true),
            ("busiest", false),
            ("", false),
        ];
        let mut table = Table::of("Demand of each priority level on one apiserver", "level_hours", &columns);
        table.rows = self.review.levels.iter().map(|level| level_row(level, zone)).collect();
        let mut parts = vec![Part::Table(table)];
        let step = micros(self.hour_secs);
        let buckets =
            usize::try_from((self.window.to - self.window.from + step - 1).div_euclid(step)).unwrap_or_default();
        let mut series = Vec::new();
        for level in self.review.levels.iter().filter(|level| level.requests > 0 && !level.is_exempt) {
            let mut values = vec![Some(0.0); buckets];
            for hour in self.level_hours.iter().filter(|hour| hour.priority_level == level.priority_level) {
                let place = usize::try_from((hour.bucket_at - self.window.from).div_euclid(step)).unwrap_or(usize::MAX);
                if let Some(value) = values.get_mut(place) {
                    let middle = f64::midpoint(hour.mean_low_seats, hour.mean_high_seats);
                    // Of several apiservers the fullest counts, as each has its own seats.
                    *value = value.map(|highest: f64| highest.max(middle));
                }
            }
            series.push(Series { name: level.priority_level.clone(), values, look: Look::Line });
        }
        parts.push(Part::Chart(Chart {
            title: "Seats in use, mean of each hour, on the fullest apiserver".to_owned(),
            note: "Middle of the range. A burst hardly shows in the mean of an hour; waits and refusals tell of it."
                .to_owned(),
            query: "level_hours".to_owned(),
            unit: Unit::Count,
            from: self.window.from,
            step,
            series,
            ..Chart::default()
        }));
        parts
    }

    fn busiest(&self, zone: &Zone) -> Table {
        let mut table = Table::of(
            "The busiest hour of each kind",
            "server_activity, list_pressure",
            &[("by", false), ("hour from", false), ("", true)],
        );
        table.rows = self
            .review
            .busiest
            .iter()
            .map(|hour| vec![hour.by.to_owned(), zone.minute(hour.at), hour.value.clone()])
            .collect();
        table
    }

    fn clocks(&self) -> Vec<Part> {
        if self.review.clocks.is_empty() {
            return vec![Part::Text("No client lists at regular intervals.".to_owned())];
        }
        let columns = [
            ("client", false),
            ("type", false),
            ("lists", false),
            ("how", false),
            ("every", true),
            ("clocks", true),
            ("LISTs", true),
            ("returned (estimated)", true),
        ];
        let mut table = Table::of(
            "Clients that list like a clock, by what that returns; over all of these logs",
            "clocks",
            &columns,
        );
        table.rows = self.review.clocks.iter().take(ROWS).map(clock_row).collect();
        vec![
            Part::Table(table),
            Part::Text("Each could watch, or take turns, so that they don't list at the same moment.".to_owned()),
        ]
    }

    fn trends(&self, zone: &Zone) -> Vec<Part> {
        let columns = [
            ("what", false),
            ("days", true),
            ("first", true),
            ("last", true),
            ("change a week", true),
            ("95 % interval", true),
            ("limit", true),
            ("meets it", false),
        ];
        let mut table =
            Table::of("By the day, and by least squares", "server_activity, list_pressure, level_hours", &columns);
        table.rows = self.review.trends.iter().map(|trend| trend_row(trend, zone)).collect();
        vec![
            Part::Table(table),
            Part::Text(
                "An interval with 0 in it means that the days differ too much to tell a trend. Days are taken to be independent and the growth to \
                 be steady, which weekends aren't; a date is given only where the whole interval grows, and not far ahead."
                    .to_owned(),
            ),
        ]
    }

    fn storms(&self, zone: &Zone) -> Vec<Part> {
        let loud: Vec<Finding> =
            self.findings.iter().filter(|finding| finding.severity >= Severity::Warning).cloned().collect();
        if loud.is_empty() {
            return vec![Part::Text("No finding at warning or above.".to_owned())];
        }
        let more = loud.len().saturating_sub(ROWS);
        let mut parts = vec![Part::Table(findings_table(&loud[..loud.len().min(ROWS)], zone))];
        if more > 0 {
            parts.push(Part::Text(format!("{more} more are in the JSON, and in stormglass storms.")));
        }
        parts.push(Part::Text(
            "The evidence of each: stormglass storms; the story of one: stormglass incident --at TIME.".to_owned(),
        ));
        parts
    }

    fn unseen(&self) -> Vec<String> {
        let mut spots = self.blind_spots.clone();
        spots.extend(self.notes.iter().cloned());
        spots
    }
}

fn growth_row(client: &ClientUsage) -> Vec<String> {
    let lists = |usage: &Option<Usage>| or_dash(usage.as_ref().map(|usage| units::count(usage.lists)));
    vec![
        client.client.clone(),
        client.client_type.clone(),
        lists(&client.before),
        lists(&client.this),
        client.why.clone(),
    ]
}

fn level_row(level: &Headroom, zone: &Zone) -> Vec<String> {
    let seats = |seats: u32| if level.is_exempt { "–".to_owned() } else { units::count(seats.into()) };
    vec![
        level.priority_level.clone(),
        super::about(level.busiest_low_seats, level.busiest_high_seats),
        seats(level.nominal_seats),
        seats(level.max_seats),
        if level.is_exempt { "–".to_owned() } else { Unit::Share.words(level.share()) },
        units::count(level.requests),
        units::count(level.waited),
        units::count(level.rejected),
        or_dash(level.busiest_at.map(|at| zone.minute(at))),
        level.verdict.to_owned(),
    ]
}

fn clock_row(clock: &Clock) -> Vec<String> {
    let returned = clock
        .response_low_bytes
        .map(|low| Bytes { low, high: clock.response_high_bytes.filter(|high| *high >= low) }.words());
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

fn trend_row(trend: &Trend, zone: &Zone) -> Vec<String> {
    let unit = match trend.unit {
        "bytes" => Unit::Bytes,
        "per-second" => Unit::PerSecond,
        _ => Unit::Count,
    };
    let signed = |value: f64| {
        let sign = if value < 0.0 { "−" } else { "+" };
        format!("{sign}{}", unit.words(value.abs()))
    };
    let end = |day: Option<&(i64, f64)>| or_dash(day.map(|(_, value)| unit.words(*value)));
    let meets = match (&trend.meets, &trend.slope) {
        (Some(meets), _) => {
            let day = |at: Option<i64>| at.map_or_else(|| "later than can be told".to_owned(), |at| zone.day(at));
            format!("{} ({} to {})", day(meets.likely), day(meets.earliest), day(meets.latest))
        }
        (None, None) => "too few days".to_owned(),
        (None, Some(slope)) if slope.is_noise() => "no trend".to_owned(),
        (None, Some(slope)) if trend.limit.is_some() && slope.high > 0.0 => {
            "not as far ahead as can be told".to_owned()
        }
        (None, Some(_)) => "–".to_owned(),
    };
    vec![
        trend.of.clone(),
        units::count(trend.days.len() as u64),
        end(trend.days.first()),
        end(trend.days.last()),
        or_dash(trend.slope.map(|slope| signed(slope.per_week))),
        or_dash(trend.slope.map(|slope| format!("{} to {}", signed(slope.low), signed(slope.high)))),
        or_dash(trend.limit.map(|limit| unit.words(limit))),
        meets,
    ]
}

/// The difference of two counts.
fn signed(more: u64, less: u64) -> String {
    if more >= less { format!("+{}", units::count(more - less)) } else { format!("−{}", units::count(less - more)) }
}

fn range_words(low: f64, high: f64) -> String {
    super::about(low, high)
}

#[expect(clippy::cast_possible_truncation, reason = "the length of a bucket")]
fn micros(secs: f64) -> i64 {
    ((secs * 1e6).round() as i64).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "counts, and sizes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}
