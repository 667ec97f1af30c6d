//! Reads what the apiserver's own log says about its requests.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::apf::ApiserverDecision;
use crate::audit::parse_duration_secs;
use crate::console::Console;
use crate::source::open_beside;
use crate::tables::{ApiserverDecisionRow, audit_key};

/// The decisions that the server logged, each once.
pub(super) fn read_httplogs(paths: &[PathBuf], console: Console) -> Result<Vec<ApiserverDecisionRow>> {
    let mut verdicts = BTreeMap::new();
    for path in paths {
        read_httplog(path, &mut verdicts)?;
    }
    let all = verdicts.len();
    let verdicts: Vec<ApiserverDecisionRow> = verdicts.into_values().flatten().collect();
    if all > verdicts.len() {
        let count = all - verdicts.len();
        console.note(&format!("{count} audit IDs in --httplog belong to several requests and are left out"));
    }
    Ok(verdicts)
}

/// Reads the server's own log. What stands in two files, or twice, counts once; an ID that stands for several requests,
/// since a client may choose it, tells nothing.
fn read_httplog(path: &Path, verdicts: &mut BTreeMap<i64, Option<ApiserverDecisionRow>>) -> Result<()> {
    let doing = || format!("can't read {}", path.display());
    let mut lines = open_beside(path).with_context(doing)?;
    let (mut line, mut count) = (Vec::new(), 0_u64);
    while lines.read_until(b'\n', &mut line).with_context(doing)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if let Some(verdict) = ApiserverDecision::parse(text.trim_end()) {
            let row = verdict_row(&verdict);
            let known = verdicts.entry(row.audit_key).or_insert_with(|| Some(row.clone()));
            if known.as_ref() != Some(&row) {
                *known = None;
            }
            count += 1;
        }
        line.clear();
    }
    if count == 0 {
        bail!("{} has no line of a request with its audit ID, as an apiserver writes them at -v=3", path.display());
    }
    Ok(())
}

fn verdict_row(verdict: &ApiserverDecision<'_>) -> ApiserverDecisionRow {
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let initial = verdict.initial_seats.map(i64::from);
    #[expect(clippy::cast_possible_truncation, reason = "a wait in microseconds is far below 2^63")]
    let micros = |secs: f64| (secs * 1e6).round() as i64;
    ApiserverDecisionRow {
        audit_key: audit_key(&verdict.audit_id),
        audit_id: verdict.audit_id.to_string(),
        flow_schema: owned(&verdict.flow_schema),
        priority_level: owned(&verdict.priority_level),
        initial_seats: initial,
        max_seats: initial.max(verdict.final_seats.map(i64::from)),
        wait_micros: verdict.wait.as_deref().and_then(parse_duration_secs).map(micros),
    }
}
