//! Makes the cells from the files of two measurements. The first has `memory.csv` with a row per run, and the results of
//! the runs under APF, which say how many LISTs were executing; all its LISTs are of pods. The second has `memory2.csv`,
//! with the resource of each run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::runs::HEADER;

type Row = BTreeMap<String, String>;

/// The text of `cells.csv`.
pub(super) fn cells(lab: &Path, lab2: &Path) -> Result<String> {
    let executing = executing(lab)?;
    let mut lines = vec![HEADER.to_owned()];
    for row in rows(&lab.join("memory.csv"))?.iter().filter(|row| is_used(row)) {
        lines.push(cell(row, &executing)?);
    }
    for row in &rows(&lab2.join("memory2.csv"))? {
        lines.push(cell_of_kind(row)?);
    }
    Ok(lines.join("\n"))
}

fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("can't read {}", path.display()))?;
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let row = |record: csv::StringRecord| names.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| Ok(row(record?))).collect()
}

/// Left out are first tries, runs under the default configuration, LISTs of a namespace, and runs that ended with a kill.
fn is_used(row: &Row) -> bool {
    let variant = row["apf"].as_str();
    variant != "default" && !variant.starts_with("FIRSTRUN") && row["mode"] != "custom" && row["killed"] != "True"
}

fn cell(row: &Row, executing: &BTreeMap<String, String>) -> Result<String> {
    let variant = row["apf"].as_str();
    let (set, in_flight) = match variant {
        "exempt" => (free_set(row), &row["concurrency"]),
        _ => {
            let repetition = if variant.starts_with('C') { &row["cell"][row["cell"].len() - 1..] } else { "null" };
            let key = format!("{} {variant} {} {repetition}", row["profile"], row["concurrency"]);
            let is_capped = variant.starts_with("V3") || variant.starts_with("V4");
            let in_flight = executing.get(&key).with_context(|| format!("no result of {key}"))?;
            (if is_capped { "capped" } else { "other" }, in_flight)
        }
    };
    line(row, set, ("plain", "pods"), (&row["pods"], in_flight))
}

fn cell_of_kind(row: &Row) -> Result<String> {
    let special = ["curl", "table", "meta"].into_iter().find(|form| row["cell"].contains(&format!("-{form}")));
    let form = special.unwrap_or(if row["gzip"] == "1" { "gzip" } else { "plain" });
    line(row, free_set(row), (form, &row["kind"]), (&row["objects"], &row["concurrency"]))
}

/// One at a time means one after another.
fn free_set(row: &Row) -> &'static str {
    if row["concurrency"] == "1" { "series" } else { "burst" }
}

fn line(row: &Row, set: &str, (form, kind): (&str, &str), (objects, in_flight): (&str, &str)) -> Result<String> {
    let rise = row["rss_peak"].parse::<u64>()? - row["rss_base"].parse::<u64>()?;
    let columns = ["profile", "mode", "encoding"].map(|name| row[name].as_str()).join(",");
    // Fewer objects than a page has are no chain.
    let is_whole = row["mode"] == "limit500" && objects.parse::<u64>()? <= 500;
    let columns = if is_whole { columns.replace("limit500", "whole500") } else { columns };
    let (bytes, asked, cell) = (&row["obj_bytes"], &row["total_requests"], &row["cell"]);
    Ok(format!("{set},{columns},{form},{kind},{objects},{bytes},{in_flight},{asked},{rise},{cell}"))
}

/// The highest number of LISTs that a sampler saw executing at once, by profile, variant, number of LISTs and repetition.
fn executing(lab: &Path) -> Result<BTreeMap<String, String>> {
    let mut most = BTreeMap::new();
    for file in ["apf/apf_results.json", "apf/apf_clean_results.json"] {
        let text = fs::read_to_string(lab.join(file)).with_context(|| format!("can't read {file}"))?;
        let results: Vec<Value> = serde_json::from_str(&text)?;
        for result in results {
            // All clean runs are of the old profile.
            let profile = result["profile"].as_str().unwrap_or("legacy");
            let variant = result["variant"].as_str().context("a result has no variant")?;
            let key = format!("{profile} {variant} {} {}", result["result"]["conc"], result["rep"]);
            let gauges = result["max_seen_during"].as_object().context("a result has no gauges")?;
            let is_count = |name: &str| name.starts_with("apiserver_flowcontrol_current_executing_requests");
            let count = gauges.iter().find(|(name, _)| is_count(name)).and_then(|(_, count)| count.as_f64());
            most.insert(key, format!("{:.0}", count.context("a result has no number of executing requests")?));
        }
    }
    Ok(most)
}
