//! Fits what LISTs cost in memory: `src/memory/coefficients.rs` is taken from the lines that this tool prints.
//!
//! ```console
//! $ cargo bench --bench memory_fit                      # print the fit
//! $ cargo bench --bench memory_fit -- --check           # compare with fit.txt and src/memory/coefficients.rs
//! $ cargo bench --bench memory_fit -- --lab DIR         # print the cells of the recorded measurements in DIR
//! $ cargo bench --bench memory_fit -- --check --lab DIR # ... and compare them with cells.csv
//! ```
//!
//! Nothing is timed; `cargo test --bench memory_fit -- --check` does the same without a release build. After new
//! measurements, write the output of `--lab` to `cells.csv` and the fit to `fit.txt`, and change the coefficients as
//! `--check` says.
//!
//! `cells.csv` holds the measurements: by how much the resident memory of an apiserver rose over its base while LISTs of
//! all pods were in flight. There are three sets of runs. In `burst`, all LISTs start together; only these determine the
//! lines. In `capped`, six LISTs run while others wait, so that they follow one another. In `other` are runs under APF
//! that nothing is fitted to.
//!
//! Each route through the server has a line, `rise = known + sum of coefficient × term`. Its coefficients minimize the
//! squares of the relative errors (predicted / measured − 1), by normal equations in which each run is divided by its
//! rise. The spread of a line is the interval of measured / fitted; the range of a prediction is the line times a spread.
//! How good that is for unseen runs is estimated by leaving runs out of both: each run alone, and each run together with
//! all runs of its line on the same collection.

#![expect(clippy::print_stdout, reason = "a tool prints its result")]

mod coefficients;
mod fit;
mod lab;
mod line;
mod runs;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use fit::Fit;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_check = args.iter().any(|arg| arg == "--check");
    let lab = args.iter().position(|arg| arg == "--lab").and_then(|index| args.get(index + 1)).map(PathBuf::from);
    match lab {
        Some(lab) if is_check => check_cells(&lab)?,
        Some(lab) => {
            println!("{}", lab::cells(&lab)?);
            return Ok(());
        }
        None => {}
    }
    let runs = runs::parse_all(&read("benches/memory_fit/cells.csv")?)?;
    let fit = Fit::try_new(&runs)?;
    let text = text::describe(&fit)?;
    if !is_check {
        print!("{text}");
        return Ok(());
    }
    check_text(&text)?;
    check_fit(&fit)?;
    coefficients::check(&fit, &read("src/memory/coefficients.rs")?)?;
    println!("cells, fit and coefficients agree");
    Ok(())
}

/// A file of the project.
fn read(path: &str) -> Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).with_context(|| format!("can't read {path}"))
}

fn check_cells(lab: &Path) -> Result<()> {
    let cells = read("benches/memory_fit/cells.csv")?;
    ensure!(
        cells.trim_end() == lab::cells(lab)?.trim_end(),
        "cells.csv differs from the measurements in {}",
        lab.display()
    );
    Ok(())
}

fn check_text(text: &str) -> Result<()> {
    ensure!(
        read("benches/memory_fit/fit.txt")? == text,
        "fit.txt differs from the fit of cells.csv, which is:\n\n{text}"
    );
    Ok(())
}

/// The properties of the fit that the documentation of the coefficients states.
fn check_fit(fit: &Fit<'_>) -> Result<()> {
    let included = fit.coverage(|_, _| false);
    ensure!((included.runs, included.in_all) == (82, 82), "some runs are outside of the range made of them");
    let left_out = fit.coverage(runs::is_same);
    ensure!(
        left_out.in_all * 10 >= left_out.runs * 9,
        "only {} of {} runs are in the range made without them",
        left_out.in_all,
        left_out.runs
    );
    for run in fit.limited.iter().filter(|run| run.set == "capped" || run.cell.contains("C3-hardcap")) {
        let ranges = fit.ranges(run);
        ensure!(ranges.burst.1 < run.rise_bytes, "{}: the range of a burst holds it", run.cell);
        let (low, high) = ranges.sustained;
        ensure!((low..=high).contains(&run.rise_bytes), "{}: not within {low} to {high}", run.cell);
    }
    Ok(())
}
