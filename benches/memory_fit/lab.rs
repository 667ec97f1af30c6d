//! Makes the cells from the files of a measurement: `memory.csv` with a row per run, and the results of the runs under APF,
//! which say how many LISTs were executing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::runs::HEADER;

type Row = BTreeMap<String, String>;

/// The text of `cells.csv`.
pub(super) fn cells(lab: &Path) -> Result<String> {
    let executing = executing(lab)?;
    let mut reader = csv::Reader::from_path(lab.join("memory.csv"))?;
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let mut lines = vec![HEADER.to_owned()];
    for record in reader.records() {
        let row: Row = names.iter().cloned().zip(record?.iter().map(str::to_owned)).collect();
        if is_used(&row) {
            lines.push(cell(&row, &executing)?);
        }
    }
    Ok(lines.join("\n"))
}

/// Left out are first tries, runs under the default configuration, LISTs of a namespace, and runs that ended with a kill.
fn is_used(row: &Row) -> bool {
    let variant = row["apf"].as_str();
    variant != "default" && !variant.starts_with("FIRSTRUN") && row["mode"] != "custom" && row["killed"] != "True"
}

fn cell(row: &Row, executing: &BTreeMap<String, String>) -> Result<String> {
    let variant = row["apf"].as_str();
    let (set, in_flight) = match variant {
        "exempt" => ("burst", &row["concurrency"]),
        _ => {
            let repetition = if variant.starts_with('C') { &row["cell"][row["cell"].len() - 1..] } else { "null" };
            let key = format!("{} {variant} {} {repetition}", row["profile"], row["concurrency"]);
            let is_capped = variant.starts_with("V3") || variant.starts_with("V4");
            let in_flight = executing.get(&key).with_context(|| format!("no result of {key}"))?;
            (if is_capped { "capped" } else { "other" }, in_flight)
        }
    };
    let rise = row["rss_peak"].parse::<u64>()? - row["rss_base"].parse::<u64>()?;
    let columns = ["profile", "mode", "encoding", "pods", "obj_bytes"].map(|name| row[name].as_str()).join(",");
    Ok(format!("{set},{columns},{in_flight},{},{rise},{}", row["total_requests"], row["cell"]))
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
