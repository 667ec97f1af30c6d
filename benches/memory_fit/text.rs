//! The fit as text: what `fit.txt` holds.

use std::fmt::{Result, Write};

use super::fit::{Fit, STANDING_GARBAGE, TURNOVER};
use super::line::{Interval, LeavesOut, Line, Prediction, Variation};
use super::runs::{Run, has_same_collection, is_same};

pub(super) fn describe(fit: &Fit<'_>) -> std::result::Result<String, std::fmt::Error> {
    let mut text = "What LISTs cost in memory. Printed by `cargo bench --bench memory_fit` from cells.csv.\n\
        In kB; b: bytes of a response in JSON (of a page, for pages), o: objects in it, n: LISTs in flight.\n\n"
        .to_owned();
    write_lines(&mut text, fit)?;
    write_errors(&mut text, fit)?;
    write_coverage(&mut text, fit)?;
    write_turnover(&mut text, fit)?;
    Ok(text)
}

fn write_lines(text: &mut String, fit: &Fit<'_>) -> Result {
    let [fitted, spread] = ["fit", "measured / fitted"];
    writeln!(text, "{:28}{fitted:42}{spread:20}{:>6}{:>6}", "line", "rms", "runs")?;
    for line in fit.lines().chain(&fit.single) {
        let (low, high) = line.interval;
        let interval = format!("{low:.2} to {high:.2}{}", if line.variation == Variation::Slack { " b" } else { "" });
        let predictions: Vec<_> = fit.predict(line, |_, _| false).into_iter().flatten().collect();
        let rms = Errors::new(&predictions).rms;
        writeln!(text, "{:28}{:42}{interval:20}{rms:>6}{:6}", line.name, formula(line), predictions.len())?;
    }
    let (low, high) = fit.spread;
    writeln!(text, "\nThe spread of all lines of whole LISTs: {low:.3} to {high:.3}.")
}

fn formula(line: &Line<'_>) -> String {
    match line.coefficients[..] {
        [slack] => format!("{slack:.1} b, and as above for each LIST"),
        [slack, each] => format!("({slack:.2} + {each:.2} n) b"),
        [slack, each, json] if line.name.starts_with("etcd") => {
            format!("({slack:.2} + {each:.2} n + {json:.2} n if JSON) b")
        }
        [slack, object, byte] => format!("{slack:.2} b + n ({:.2} o + {byte:.3} b)", object / 1e3),
        _ => "as streamed".to_owned(),
    }
}

/// The sizes of errors, in percent.
struct Errors {
    mean: String,
    /// Root of the mean square.
    rms: String,
    max: String,
}

impl Errors {
    fn new(predictions: &[Prediction]) -> Self {
        let sizes = || predictions.iter().map(|prediction| prediction.error.abs());
        let count = predictions.iter().map(|_| 1.0).sum::<f64>();
        let percent = |value: f64| format!("{:.0} %", value * 100.0);
        let square = sizes().map(|size| size * size).sum::<f64>() / count;
        Self {
            mean: percent(sizes().sum::<f64>() / count),
            rms: percent(square.sqrt()),
            max: percent(sizes().fold(0.0, f64::max)),
        }
    }
}

fn write_errors(text: &mut String, fit: &Fit<'_>) -> Result {
    text.push_str(
        "\nEach run predicted from the others of its line: the error, and whether the run is in the range by the spread\n\
         of the others. Only pods of 17 kB separate the price of an object from that of a byte: without them, four\n\
         streamed runs can't be predicted. They have no error and count as out of range.\n\n",
    );
    let head = format!("{:>6}{:>6}{:>6}{:>9}", "mean", "rms", "max", "in");
    writeln!(text, "{:28}{:>27}{:>33}", "", "each left out", "with its collection")?;
    writeln!(text, "{:28}{head}{:6}{head}", "line", "")?;
    for line in fit.lines().chain(&fit.single) {
        if line.name == "etcd, buffered" {
            write_error_row(text, fit, "etcd, buffered, JSON", &[line], |run| run.is_json)?;
            write_error_row(text, fit, "etcd, buffered, protobuf", &[line], |run| !run.is_json)?;
        } else {
            write_error_row(text, fit, line.name, &[line], |_| true)?;
        }
    }
    let all: Vec<_> = fit.lines().collect();
    write_error_row(text, fit, "all but the last two", &all, |_| true)
}

fn write_error_row(
    text: &mut String,
    fit: &Fit<'_>,
    name: &str,
    lines: &[&Line<'_>],
    is_included: fn(&Run) -> bool,
) -> Result {
    let columns = [is_same as LeavesOut, has_same_collection].map(|leaves_out| {
        let all = lines.iter().flat_map(|line| line.samples.iter().zip(fit.predict(line, leaves_out)));
        let included: Vec<_> =
            all.filter(|(sample, _)| is_included(sample.run)).map(|(_, prediction)| prediction).collect();
        let count = included.len();
        let predicted: Vec<_> = included.into_iter().flatten().collect();
        let Errors { mean, rms, max } = Errors::new(&predicted);
        let in_own = predicted.iter().filter(|prediction| prediction.is_in_own).count();
        format!("{mean:>6}{rms:>6}{max:>6}{:>9}", format!("{in_own} of {count}"))
    });
    writeln!(text, "{name:28}{}{:6}{}", columns[0], "", columns[1])
}

fn write_coverage(text: &mut String, fit: &Fit<'_>) -> Result {
    let nothing: LeavesOut = |_, _| false;
    text.push_str("\nRuns in the range by the spread of       their own line     all lines of whole LISTs\n");
    for (name, leaves_out) in [
        ("in the fit", nothing),
        ("each left out of fit and spread", is_same),
        ("with its collection", has_same_collection),
    ] {
        let coverage = fit.coverage(leaves_out);
        let own = format!("{} of {}", coverage.in_own, coverage.runs);
        writeln!(text, "{name:41}{own:19}{} of {}", coverage.in_all, coverage.runs)?;
    }
    Ok(())
}

fn write_turnover(text: &mut String, fit: &Fit<'_>) -> Result {
    let line = &fit.turnover;
    let (low, high) = line.interval;
    let (standing, factor) = (line.coefficients[0], line.coefficients[1]);
    let unseen: Vec<_> = line.samples.iter().filter_map(|sample| line.predict(sample, fit.spread, is_same)).collect();
    let Errors { mean, max, .. } = Errors::new(&unseen);
    writeln!(
        text,
        "\nLISTs that follow one another, by the capped runs: {standing:.0} MB + {factor:.2} times what each holds.\n\
         Measured / fitted {low:.2} to {high:.2}; each left out: mean error {mean}, at most {max}.\n\
         So ranges end at {TURNOVER} times what each LIST holds, plus the slack or, if that is more, {:.0} MB.\n\n\
         In MB (* more than a burst, but in the range of LISTs that follow one another):\n",
        STANDING_GARBAGE / 1e6
    )?;
    let head = format!("{:>10}{:>14}{:>14}{:>10}", "in flight", "burst", "sustained", "measured");
    writeln!(text, "{:52}{:7}{head}", "run", "set")?;
    for run in &fit.limited {
        let ranges = fit.ranges(run);
        let range = |(low, high): Interval| format!("{:.0} to {:.0}", low / 1e6, high / 1e6);
        let mark = match run.rise_bytes {
            rise if rise < ranges.sustained.0 => " below",
            rise if rise <= ranges.burst.1 => "",
            rise if rise <= ranges.sustained.1 => " *",
            _ => " above",
        };
        let (burst, sustained, rise) = (range(ranges.burst), range(ranges.sustained), run.rise_bytes / 1e6);
        let row = format!("{:52}{:7}{:>10}{burst:>14}{sustained:>14}", run.cell, run.set, run.in_flight);
        writeln!(text, "{row}{rise:>10.0}{mark}")?;
    }
    Ok(())
}
