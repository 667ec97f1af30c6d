//! Fits what LISTs cost in memory: `src/memory/coefficients.rs` is taken from the prices that this tool prints.
//!
//! ```console
//! $ cargo bench --bench memory_fit                         # print the fit
//! $ cargo bench --bench memory_fit -- --check              # compare with fit.txt and src/memory/coefficients.rs
//! $ cargo bench --bench memory_fit -- --lab DIR DIR2       # print the cells of the measurements in the two directories
//! $ cargo bench --bench memory_fit -- --check --lab DIR DIR2 # ... and compare them with cells.csv
//! ```
//!
//! Nothing is timed; `cargo test --bench memory_fit -- --check` does the same without a release build. After new
//! measurements, write the output of `--lab` to `cells.csv` and the fit to `fit.txt`, and change the coefficients as
//! `--check` says.
//!
//! `cells.csv` holds the measurements: by how much the resident memory of an apiserver rose over its base while LISTs were
//! in flight. In `burst`, all LISTs start together; in `series`, one follows the other; prices are fitted to both. In
//! `capped`, six LISTs run while others wait, so that they follow one another. In `other` are runs under APF that nothing
//! is fitted to.
//!
//! A LIST is the sum of parts: it is read from etcd or the watch cache, and encoded into a buffer or not. `rise = sum of
//! price × part`, with one price for each part whatever way it is on. The prices minimize the squares of the relative errors
//! (predicted / measured − 1). The spread is the interval of measured / fitted; a range is the prediction times that. How
//! good that is for what wasn't seen is estimated by leaving runs out of both: each run with its repeats, all of the same
//! collection, of the same kind, and of the same way.

#![expect(clippy::print_stdout, reason = "a tool prints its result")]

mod coefficients;
mod fit;
mod lab;
mod prices;
mod runs;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use fit::Fit;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_check = args.iter().any(|arg| arg == "--check");
    let labs = args.iter().position(|arg| arg == "--lab").map(|index| &args[index + 1..]);
    match labs {
        Some([lab, lab2, ..]) => {
            let cells = lab::cells(&PathBuf::from(lab), &PathBuf::from(lab2))?;
            if !is_check {
                println!("{cells}");
                return Ok(());
            }
            let known = read("benches/memory_fit/cells.csv")?;
            ensure!(known.trim_end() == cells.trim_end(), "cells.csv differs from the measurements");
        }
        Some(_) => anyhow::bail!("--lab takes two directories"),
        None => {}
    }
    let runs = runs::parse_all(&read("benches/memory_fit/cells.csv")?)?;
    let fit = Fit::new(&runs);
    let text = text::describe(&fit)?;
    if !is_check {
        print!("{text}");
        return Ok(());
    }
    ensure!(
        read("benches/memory_fit/fit.txt")? == text,
        "fit.txt differs from the fit of cells.csv, which is:\n\n{text}"
    );
    check_fit(&fit)?;
    coefficients::check(&fit, &read("src/memory/coefficients.rs")?)?;
    println!("cells, fit and coefficients agree");
    Ok(())
}

/// A file of the project.
fn read(path: &str) -> Result<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).with_context(|| format!("can't read {path}"))
}

/// The properties of the fit that the documentation of the coefficients states.
fn check_fit(fit: &Fit<'_>) -> Result<()> {
    for (leaves_out, percent, name) in [
        (runs::nothing as runs::LeavesOut, 100, "made of all"),
        (runs::is_same, 95, "made without them"),
        (runs::has_same_collection, 90, "made without their collection"),
        (runs::is_same_kind, 90, "made without their kind"),
    ] {
        let judged = fit.judge(leaves_out);
        let held = judged.iter().filter(|judged| judged.is_in()).count();
        ensure!(held * 100 >= judged.len() * percent, "only {held} of {} runs are in the range {name}", judged.len());
    }
    for run in fit.runs.iter().filter(|run| run.set == runs::Set::Capped || run.cell.contains("C3-hardcap")) {
        let (_, (low, high)) = fit.limited(run);
        ensure!((low..=high).contains(&run.rise_bytes), "{}: not within {low} to {high}", run.cell);
    }
    Ok(())
}
