//! What the apiserver's own log says about its requests: each decision once, whichever files it stands in.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use crate::apf::ApiserverDecision;
use crate::audit::parse_duration_secs;
use crate::tables::{ApiserverDecisionRow, audit_key};

/// Decisions of API Priority and Fairness, collected from access logs.
///
/// What stands in two logs, or twice, counts once; an audit ID that stands for several requests, since a client may choose
/// it, tells nothing.
#[derive(Debug, Default)]
pub struct ApiserverDecisions {
    /// By `audit_key`; `None` where the ID stands for several requests.
    rows: BTreeMap<i64, Option<ApiserverDecisionRow>>,
}

impl ApiserverDecisions {
    /// Adds a log; how many lines of it are about a request.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(&mut self, mut log: impl BufRead) -> io::Result<u64> {
        let (mut line, mut count) = (Vec::new(), 0);
        while log.read_until(b'\n', &mut line)? > 0 {
            let text = String::from_utf8_lossy(&line);
            if let Some(decision) = ApiserverDecision::parse(text.trim_end()) {
                self.add(row(&decision));
                count += 1;
            }
            line.clear();
        }
        Ok(count)
    }

    fn add(&mut self, row: ApiserverDecisionRow) {
        let known = self.rows.entry(row.audit_key).or_insert_with(|| Some(row.clone()));
        if known.as_ref() != Some(&row) {
            *known = None;
        }
    }

    /// Audit IDs that stand for several requests.
    pub fn ambiguous_count(&self) -> usize {
        self.rows.values().filter(|row| row.is_none()).count()
    }

    /// The decisions, but for those of ambiguous audit IDs.
    pub fn into_rows(self) -> Vec<ApiserverDecisionRow> {
        self.rows.into_values().flatten().collect()
    }
}

fn row(decision: &ApiserverDecision<'_>) -> ApiserverDecisionRow {
    let owned = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let initial = decision.initial_seats.map(i64::from);
    #[expect(clippy::cast_possible_truncation, reason = "a wait in microseconds is far below 2^63")]
    let micros = |secs: f64| (secs * 1e6).round() as i64;
    ApiserverDecisionRow {
        audit_key: audit_key(&decision.audit_id),
        audit_id: decision.audit_id.to_string(),
        flow_schema: owned(&decision.flow_schema),
        priority_level: owned(&decision.priority_level),
        initial_seats: initial,
        max_seats: initial.max(decision.final_seats.map(i64::from)),
        wait_micros: decision.wait.as_deref().and_then(parse_duration_secs).map(micros),
    }
}
