//! Measured memory of a server: CSV, or the JSON of a Prometheus range query.

use serde::Deserialize;

use crate::units::parse_bytes;

/// The resident memory of one process over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resident {
    /// Its labels, or the name of its column; empty where there is only one series.
    pub name: String,
    /// Microseconds since 1970 and bytes, by time.
    pub samples: Vec<(i64, f64)>,
}

/// Why a text can't be read as measurements.
#[derive(Debug, thiserror::Error)]
pub enum ResidentError {
    /// It looks like JSON, but isn't the answer to a range query.
    #[error("not a response to a Prometheus range query")]
    Json(#[source] serde_json::Error),
    /// The query failed, or wasn't one over a range of time.
    #[error("a Prometheus response without a matrix: query /api/v1/query_range")]
    NoMatrix,
    /// The CSV can't be read.
    #[error("not valid CSV")]
    Csv(#[source] csv::Error),
    /// A cell isn't what it should be.
    #[error("line {line}: invalid {what} {text:?}")]
    Cell {
        /// The line.
        line: u64,
        /// The cell.
        text: String,
        /// What it should be.
        what: &'static str,
    },
    /// There is nothing in it.
    #[error("no samples found")]
    Empty,
}

/// Parses all series of a text.
///
/// CSV has the time in its first column, as RFC 3339 (without a zone it is UTC) or in seconds or milliseconds since 1970, and
/// a series in each further one, in bytes or with a unit such as `1.5 GiB`; a first line without numbers names them. Empty
/// cells are passed over.
///
/// # Errors
/// When it is neither, or nothing is in it.
pub fn parse_resident(text: &str) -> Result<Vec<Resident>, ResidentError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut all = if text.trim_start().starts_with('{') { of_prometheus(text)? } else { of_csv(text)? };
    all.retain(|series| !series.samples.is_empty());
    for series in &mut all {
        series.samples.sort_by_key(|(at, _)| *at);
    }
    if all.is_empty() { Err(ResidentError::Empty) } else { Ok(all) }
}

#[derive(Deserialize)]
struct PrometheusAnswer {
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<SeriesOf>,
}

#[derive(Deserialize)]
struct SeriesOf {
    #[serde(default)]
    metric: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

fn of_prometheus(text: &str) -> Result<Vec<Resident>, ResidentError> {
    let answer: PrometheusAnswer = serde_json::from_str(text).map_err(ResidentError::Json)?;
    let data = answer.data.filter(|data| data.result_type == "matrix").ok_or(ResidentError::NoMatrix)?;
    let series = data.result.into_iter().map(|series| {
        let labels = series.metric.iter().filter(|(name, _)| *name != "__name__");
        let labels: Vec<String> = labels.map(|(name, value)| format!("{name}={value}")).collect();
        let known = |(secs, value): &(f64, String)| {
            let value = value.parse::<f64>().ok().filter(|value| value.is_finite())?;
            Some((micros(*secs, 1e6)?, value))
        };
        Resident { name: labels.join(", "), samples: series.values.iter().filter_map(known).collect() }
    });
    Ok(series.collect())
}

fn of_csv(text: &str) -> Result<Vec<Resident>, ResidentError> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let mut all: Vec<Resident> = Vec::new();
    for (place, record) in reader.records().enumerate() {
        let record = record.map_err(ResidentError::Csv)?;
        let line = record.position().map_or(0, csv::Position::line);
        let first = record.get(0).unwrap_or_default();
        if all.len() + 1 < record.len() {
            all.resize_with(record.len() - 1, Resident::default);
        }
        let Some(at) = instant(first) else {
            if place == 0 {
                let names = record.iter().skip(1);
                all.iter_mut().zip(names).for_each(|(series, name)| name.clone_into(&mut series.name));
                continue;
            }
            return Err(ResidentError::Cell { line, text: first.to_owned(), what: "time" });
        };
        for (series, cell) in all.iter_mut().zip(record.iter().skip(1)).filter(|(_, cell)| !cell.is_empty()) {
            let bytes = bytes(cell).ok_or_else(|| ResidentError::Cell { line, text: cell.to_owned(), what: "size" })?;
            series.samples.push((at, bytes));
        }
    }
    if let [only] = all.as_mut_slice() {
        only.name.clear();
    }
    Ok(all)
}

fn bytes(text: &str) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "sizes of which three digits are told")]
    let with_unit = |text: &str| parse_bytes(text).map(|bytes| bytes as f64);
    text.parse::<f64>().ok().filter(|bytes| bytes.is_finite()).or_else(|| with_unit(text))
}

/// An instant in microseconds since 1970.
fn instant(text: &str) -> Option<i64> {
    /// Later than that it is milliseconds; in seconds it is in the year 5138.
    const MOST_SECS: f64 = 1e11;
    if let Ok(number) = text.parse::<f64>() {
        return micros(number, if number < MOST_SECS { 1e6 } else { 1e3 });
    }
    let with_zone = text.parse::<jiff::Timestamp>().ok();
    let without =
        || Some(text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    Some(with_zone.or_else(without)?.as_microsecond())
}

fn micros(number: f64, factor: f64) -> Option<i64> {
    let micros = number * factor;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (micros.is_finite() && (0.0..9e15).contains(&micros)).then_some(micros.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_795_511_460_000_000;

    #[test]
    fn csv_is_read_as_people_have_it() {
        let one = "t,rss\n1795511460,1048576\n1795511461.5,2 MiB\n";
        let samples = vec![(AT, 1_048_576.0), (AT + 1_500_000, 2_097_152.0)];
        assert_eq!(parse_resident(one).unwrap(), [Resident { name: String::new(), samples: samples.clone() }]);
        let grafana = "Time,cp-1,cp-2\n2026-11-24 09:11:00,1.5e6,\n2026-11-24T10:11:01+01:00,,7\n";
        let both = parse_resident(grafana).unwrap();
        assert_eq!((both[0].name.as_str(), &both[0].samples), ("cp-1", &vec![(AT, 1.5e6)]));
        assert_eq!((both[1].name.as_str(), &both[1].samples), ("cp-2", &vec![(AT + 1_000_000, 7.0)]));
        assert_eq!(parse_resident("1795511460000,5\n").unwrap()[0].samples, [(AT, 5.0)]);
    }

    #[test]
    fn what_is_no_measurement_is_said_with_its_line() {
        let error = |text: &str| parse_resident(text).unwrap_err().to_string();
        assert_eq!(error("t,rss\n1795511460,5\nlater,5\n"), "line 3: invalid time \"later\"");
        assert_eq!(error("t,rss\n1795511460,much\n"), "line 2: invalid size \"much\"");
        assert_eq!(error("t,rss\n"), "no samples found");
        assert_eq!(error("{\"a\":1}"), "a Prometheus response without a matrix: query /api/v1/query_range");
        assert_eq!(error("{"), "not a response to a Prometheus range query");
    }

    #[test]
    fn a_range_query_is_read_with_its_labels() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"process_resident_memory_bytes","instance":"10.0.0.1:6443"},
             "values":[[1795511461,"7"],[1795511460,"5"],[1795511462,"NaN"]]}]}}"#;
        let all = parse_resident(text).unwrap();
        assert_eq!(all[0].name, "instance=10.0.0.1:6443");
        assert_eq!(all[0].samples, [(AT, 5.0), (AT + 1_000_000, 7.0)]);
    }
}
