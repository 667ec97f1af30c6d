//! A chart as SVG: shapes in a picture that stretches with the page, words beside it that don't.
//!
//! The outer SVG has no size of its own, so text stays as large as it is on any screen, and stands at percentages of the
//! width. The inner one holds what is drawn, in seconds by pixels, and is stretched to the width: zooming is another
//! `viewBox` of it. Whatever stands at a moment carries it as `data-t`, so that the script can move it.

use std::fmt::Write;

use maud::{Markup, html};

use super::ticks;
use crate::report::page::{Chart, Look, Unit};
use crate::units::{Zone, legible};

/// Heights, in CSS pixels: room above the picture for the labels of marks, the picture, and room below for times.
const ABOVE: f64 = 32.0;
const PICTURE: f64 = 200.0;
/// Where the labels of marks stand: above that of the topmost value.
const MARKED: f64 = 12.0;
const BELOW: f64 = 20.0;

/// Colours for series that are told apart; what comes after them shares the last.
const COLOURS: usize = 9;

/// The picture; its table is for others to write.
pub(super) fn svg(chart: &Chart, id: &str, zone: &Zone) -> Markup {
    let frame = Frame::of(chart);
    html! {
        svg.chart id=(id) width="100%" height=(ABOVE + PICTURE + BELOW) role="img" aria-label=(label(chart)) tabindex="0"
            data-from=(millis(chart.from)) data-to=(millis(chart.to())) {
            g.grid {
                @for value in &frame.lines {
                    line x1="0" x2="100%" y1=(frame.y(*value) + ABOVE) y2=(frame.y(*value) + ABOVE) {}
                }
                line.zero x1="0" x2="100%" y1=(ABOVE + PICTURE) y2=(ABOVE + PICTURE) {}
            }
            svg.plot y=(ABOVE) width="100%" height=(PICTURE) preserveAspectRatio="none"
                viewBox=(format!("0 0 {:.3} {PICTURE}", frame.width)) data-width=(format!("{:.3}", frame.width)) {
                (shapes(chart, &frame))
            }
            (marks(chart, &frame))
            (words(chart, &frame, zone))
            line.cross y1=(ABOVE) y2=(ABOVE + PICTURE) x1="0" x2="0" {}
            rect.choice y=(ABOVE) height=(PICTURE) x="0" width="0" {}
        }
    }
}

/// The class of the colour of the series at a place.
pub(super) fn colour(chart: &Chart, place: usize) -> String {
    let areas = chart.series.iter().take(place).filter(|series| series.look != Look::Bound).count();
    match chart.series[place].look {
        Look::Bound => "bound".to_owned(),
        _ => format!("c{}", areas.min(COLOURS - 1)),
    }
}

/// What is where.
struct Frame {
    /// Seconds from the first bucket to the end of the last.
    width: f64,
    /// The value at the upper edge.
    top: f64,
    /// Values that have a line across.
    lines: Vec<f64>,
}

impl Frame {
    fn of(chart: &Chart) -> Self {
        let mut stack = vec![0.0; chart.buckets()];
        let mut highest: f64 = 0.0;
        for series in &chart.series {
            for (at, value) in series.values.iter().enumerate() {
                let value = value.unwrap_or_default();
                let is_on_top = chart.is_stacked && series.look == Look::Area;
                stack[at] += if is_on_top { value } else { 0.0 };
                highest = highest.max(if is_on_top { stack[at] } else { value });
            }
        }
        let measured = chart.measured.iter().flat_map(|measured| &measured.points);
        highest = measured.map(|(_, value)| *value).fold(highest, f64::max);
        // A limit far above all that happens would leave nothing to see of that.
        const FAR: f64 = 3.0;
        if let Some((limit, _)) = chart.limit.as_ref().filter(|(limit, _)| *limit <= FAR * highest) {
            highest = highest.max(*limit);
        }
        let lines = ticks::values(highest, chart.unit == Unit::Bytes);
        let top = lines.last().copied().unwrap_or(1.0).max(highest);
        Self { width: seconds(chart.to() - chart.from).max(1e-3), top, lines }
    }

    fn y(&self, value: f64) -> f64 {
        PICTURE * (1.0 - value / self.top)
    }
}

fn shapes(chart: &Chart, frame: &Frame) -> Markup {
    let mut stack = vec![0.0; chart.buckets()];
    let mut drawn = Vec::new();
    for (place, series) in chart.series.iter().enumerate() {
        let colour = colour(chart, place);
        match series.look {
            Look::Area if chart.is_stacked => {
                let below = stack.clone();
                for (sum, value) in stack.iter_mut().zip(&series.values) {
                    *sum += value.unwrap_or_default();
                }
                if stack != below {
                    drawn.push((format!("area {colour}"), area(chart, frame, &stack, &below)));
                }
            }
            Look::Area => {
                let values: Vec<f64> = series.values.iter().map(|value| value.unwrap_or_default()).collect();
                drawn.push((format!("area {colour}"), area(chart, frame, &values, &vec![0.0; values.len()])));
            }
            Look::Line | Look::Bound => {
                drawn.push((format!("line {colour}"), line(chart, frame, &series.values)));
            }
        }
    }
    html! {
        @for (class, path) in &drawn {
            path class=(class) d=(path) {}
        }
        @if let Some(measured) = &chart.measured {
            path.line.measured d=(measured_line(chart, frame, &measured.points)) {}
        }
        @if let Some((limit, _)) = chart.limit.as_ref().filter(|(limit, _)| *limit <= frame.top) {
            path.line.limit d=(format!("M0 {0:.1}H{1:.3}", frame.y(*limit), frame.width)) {}
        }
        @for mark in &chart.marks {
            path.line.mark d=(format!("M{:.3} 0V{PICTURE}", seconds(mark.at - chart.from))) {}
        }
    }
}

/// The outline between two heights, which hold through each bucket. Buckets of the same heights are one step, and those in
/// which there is nothing between the two are left out.
fn area(chart: &Chart, frame: &Frame, upper: &[f64], lower: &[f64]) -> String {
    let mut path = String::new();
    let is_there = |at: usize| upper[at] > lower[at];
    let mut at = 0;
    while at < upper.len() {
        if !is_there(at) {
            at += 1;
            continue;
        }
        let end = (at..upper.len()).find(|at| !is_there(*at)).unwrap_or(upper.len());
        let x = |at: usize| seconds(chart.bucket_at(at) - chart.from);
        write_to(&mut path, format_args!("M{:.3} {:.1}", x(at), frame.y(upper[at])));
        for place in at..end {
            let is_last = place + 1 == end;
            write_to(&mut path, format_args!("H{:.3}", x(place + 1)));
            let next = if is_last { lower[place] } else { upper[place + 1] };
            write_to(&mut path, format_args!("V{:.1}", frame.y(next)));
        }
        for place in (at..end).rev() {
            write_to(&mut path, format_args!("H{:.3}", x(place)));
            if place > at {
                write_to(&mut path, format_args!("V{:.1}", frame.y(lower[place - 1])));
            }
        }
        path.push('Z');
        at = end;
    }
    path
}

/// A line that holds through each bucket, and breaks off where nothing is known.
fn line(chart: &Chart, frame: &Frame, values: &[Option<f64>]) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            is_drawing = false;
            continue;
        };
        let (x, y) = (seconds(chart.bucket_at(at) - chart.from), frame.y(*value));
        if is_drawing {
            write_to(&mut path, format_args!("V{y:.1}"));
        } else {
            write_to(&mut path, format_args!("M{x:.3} {y:.1}"));
        }
        write_to(&mut path, format_args!("H{:.3}", x + seconds(chart.step)));
        is_drawing = true;
    }
    path
}

/// A line from point to point.
fn measured_line(chart: &Chart, frame: &Frame, points: &[(i64, f64)]) -> String {
    let mut path = String::new();
    for (at, value) in points.iter().filter(|(at, _)| (chart.from..=chart.to()).contains(at)) {
        let pen = if path.is_empty() { 'M' } else { 'L' };
        write_to(&mut path, format_args!("{pen}{:.3} {:.1}", seconds(at - chart.from), frame.y(*value)));
    }
    path
}

/// The labels of marks, before or behind their lines, but never over an edge. Those that come first are drawn first.
fn marks(chart: &Chart, frame: &Frame) -> Markup {
    html! {
        @for mark in &chart.marks {
            @let share = seconds(mark.at - chart.from) / frame.width;
            text.marked data-t=(millis(mark.at)) x=(percent(share)) y=(MARKED)
                data-side=(if mark.is_end { "end" } else { "start" }) text-anchor=(side(mark.is_end, share)) {
                (legible(&mark.label))
            }
        }
    }
}

fn words(chart: &Chart, frame: &Frame, zone: &Zone) -> Markup {
    let levels = ticks::times(chart.from, chart.to(), chart.step, zone);
    html! {
        @for value in &frame.lines {
            text.value x="-8" y=(frame.y(*value) + ABOVE + 4.0) text-anchor="end" { (chart.unit.words(*value)) }
        }
        @if let Some((limit, label)) = chart.limit.as_ref().filter(|(limit, _)| *limit <= frame.top) {
            text.value.limited x="100%" y=(frame.y(*limit) + ABOVE - 4.0) text-anchor="end" { (legible(label)) }
        }
        @for (place, level) in levels.iter().enumerate() {
            g.times.first[place == 0] {
                @for tick in &level.ticks {
                    @let share = seconds(tick.at - chart.from) / frame.width;
                    text data-t=(millis(tick.at)) x=(percent(share)) y=(ABOVE + PICTURE + 15.0)
                        text-anchor=(anchor(share)) { (tick.label) }
                }
            }
        }
    }
}

/// Where a mark's words stand, unless there is no room for them.
fn side(is_end: bool, share: f64) -> &'static str {
    const ROOM: f64 = 0.15;
    if (is_end && share >= ROOM) || share > 1.0 - ROOM { "end" } else { "start" }
}

/// A label at an edge must not hang over it.
fn anchor(share: f64) -> &'static str {
    match share {
        share if share < 0.04 => "start",
        share if share > 0.96 => "end",
        _ => "middle",
    }
}

/// What the chart is, for whoever can't see it.
fn label(chart: &Chart) -> String {
    let names: Vec<String> = chart.series.iter().map(|series| legible(&series.name)).collect();
    format!("Chart over time: {}: {}. The same data follows as a table.", legible(&chart.title), names.join(", "))
}

fn seconds(micros: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "the span of a log in microseconds")]
    let micros = micros as f64;
    micros / 1e6
}

fn millis(micros: i64) -> i64 {
    micros.div_euclid(1_000)
}

fn percent(share: f64) -> String {
    format!("{:.3}%", share * 100.0)
}

fn write_to(path: &mut String, words: std::fmt::Arguments<'_>) {
    let _never_fails = path.write_fmt(words);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::page::{Mark, Series};

    fn chart(series: Vec<Series>) -> Chart {
        Chart { step: 1_000_000, is_stacked: true, series, ..Chart::default() }
    }

    fn series(name: &str, values: &[f64]) -> Series {
        Series { name: name.to_owned(), values: values.iter().map(|value| Some(*value)).collect(), look: Look::Area }
    }

    #[test]
    fn areas_stand_on_those_before_them() {
        let chart = chart(vec![series("a", &[1.0, 0.0]), series("b", &[1.0, 2.0])]);
        let frame = Frame::of(&chart);
        assert!((frame.top - 2.0).abs() < 1e-9);
        let drawn = shapes(&chart, &frame).into_string();
        assert!(drawn.contains(r#"<path class="area c0" d="M0.000 100.0H1.000V200.0H0.000Z">"#), "{drawn}");
        assert!(
            drawn.contains(r#"<path class="area c1" d="M0.000 0.0H1.000V0.0H2.000V200.0H1.000V100.0H0.000Z">"#),
            "{drawn}"
        );
    }

    #[test]
    fn what_comes_from_logs_is_only_text() {
        let mut chart = chart(vec![series("<script>alert(1)</script>\u{202e}", &[1.0])]);
        chart.marks = vec![Mark { at: 0, label: "\"><img src=x>\0".to_owned(), is_end: true }];
        let drawn = svg(&chart, "x", &Zone::default()).into_string();
        assert!(!drawn.contains("<script") && !drawn.contains("<img") && !drawn.contains('\0'), "{drawn}");
    }

    #[test]
    fn a_line_breaks_where_nothing_is_known() {
        let mut line_chart = chart(vec![series("a", &[1.0, 2.0, 2.0])]);
        line_chart.series[0].values[1] = None;
        let frame = Frame::of(&line_chart);
        assert_eq!(line(&line_chart, &frame, &line_chart.series[0].values), "M0.000 100.0H1.000M2.000 0.0H3.000");
    }
}
