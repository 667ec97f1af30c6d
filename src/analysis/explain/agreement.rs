//! Whether the server's own log agrees about FlowSchema, priority level and seats.

use serde::{Deserialize, Serialize};

use crate::tables::TypedRow;
use crate::units;

/// A row of the query `verdict_checks`: requests alike to us and to the server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct VerdictCheck {
    /// The FlowSchema by our reading.
    pub flow_schema: String,
    /// The priority level by our reading.
    pub priority_level: String,
    /// Whether by our reading they pass by API Priority and Fairness.
    pub is_outside: bool,
    /// The FlowSchema by the server's word; `None` where they passed by.
    pub server_flow_schema: Option<String>,
    /// The priority level by the server's word.
    pub server_priority_level: Option<String>,
    /// Whether they are lists, or watches that begin with one.
    pub is_list: bool,
    /// Whether they are watches.
    pub is_watch: bool,
    /// Seats by our reading, at least.
    pub low_seats: u64,
    /// Seats by our reading, at most.
    pub high_seats: u64,
    /// Seats by the server's word.
    pub initial_seats: Option<u64>,
    /// Requests.
    pub request_count: u64,
    /// The audit ID of one of them.
    pub audit_id: String,
}

impl TypedRow for VerdictCheck {
    const QUERY: &'static str = "verdict_checks";
}

/// The sum of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Requests that are in the logs and in the server's log.
    pub request_count: u64,
    /// Those with the same FlowSchema and priority level, or passing by in both.
    pub same_flow_schema_count: u64,
    /// Lists and watches that the server gave seats.
    pub list_count: u64,
    /// Those whose seats are known for certain, and the same.
    pub same_seats_count: u64,
    /// Those whose seats are known only within bounds, and the server's are within.
    pub possible_seats_count: u64,
    /// What differs, the most frequent first.
    pub differences: Vec<Difference>,
}

/// Requests on which reading and word differ in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Calculated from the log: FlowSchema and priority level, or seats.
    pub reading: String,
    /// From the server's own log.
    pub server: String,
    /// Requests.
    pub request_count: u64,
    /// The audit ID of one of them.
    pub audit_id: String,
}

/// Compares reading and word.
pub(super) fn agreement(checks: &[VerdictCheck]) -> Agreement {
    let mut sum = Agreement::default();
    for check in checks {
        sum.request_count += check.request_count;
        sum.take_schema(check);
        if let Some(seats) = check.initial_seats.filter(|_| check.is_list || check.is_watch) {
            sum.take_seats(check, seats);
        }
    }
    sum.differences.sort_by(|a, b| (b.request_count, &a.reading).cmp(&(a.request_count, &b.reading)));
    sum
}

impl Agreement {
    fn take_schema(&mut self, check: &VerdictCheck) {
        let server = check.server_flow_schema.as_deref().zip(check.server_priority_level.as_deref());
        let reading = (!check.is_outside).then_some((check.flow_schema.as_str(), check.priority_level.as_str()));
        if reading == server {
            self.same_flow_schema_count += check.request_count;
            return;
        }
        let name = |side: Option<(&str, &str)>| {
            side.map_or_else(|| "passes by".to_owned(), |(schema, level)| format!("{schema} ({level})"))
        };
        self.differ(name(reading), name(server), check);
    }

    fn take_seats(&mut self, check: &VerdictCheck, seats: u64) {
        self.list_count += check.request_count;
        if (check.low_seats, check.high_seats) == (seats, seats) {
            self.same_seats_count += check.request_count;
        } else if (check.low_seats..=check.high_seats).contains(&seats) {
            self.possible_seats_count += check.request_count;
        } else {
            let reading = format!("{} in {}", seats_words(check.low_seats, check.high_seats), check.flow_schema);
            self.differ(reading, seats_words(seats, seats), check);
        }
    }

    fn differ(&mut self, reading: String, server: String, check: &VerdictCheck) {
        let same = self.differences.iter_mut().find(|known| known.reading == reading && known.server == server);
        if let Some(same) = same {
            same.request_count += check.request_count;
            return;
        }
        let (request_count, audit_id) = (check.request_count, check.audit_id.clone());
        self.differences.push(Difference { reading, server, request_count, audit_id });
    }
}

fn seats_words(low: u64, high: u64) -> String {
    let noun = if (low, high) == (1, 1) { "seat" } else { "seats" };
    let (low, high) = (units::count(low), units::count(high));
    if low == high { format!("{low} {noun}") } else { format!("{low}–{high} {noun}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(low_seats: u64, high_seats: u64, initial_seats: u64) -> VerdictCheck {
        VerdictCheck {
            flow_schema: "global-default".into(),
            priority_level: "global-default".into(),
            server_flow_schema: Some("global-default".into()),
            server_priority_level: Some("global-default".into()),
            is_list: true,
            low_seats,
            high_seats,
            initial_seats: Some(initial_seats),
            request_count: 3,
            audit_id: "a".into(),
            ..VerdictCheck::default()
        }
    }

    #[test]
    fn seats_within_bounds_are_no_agreement_but_no_difference_either() {
        let sum = agreement(&[check(2, 2, 2), check(1, 10, 5), check(3, 4, 7)]);
        assert_eq!((sum.list_count, sum.same_seats_count, sum.possible_seats_count), (9, 3, 3));
        assert_eq!(sum.differences.len(), 1);
        assert_eq!(sum.differences[0].reading, "3–4 seats in global-default");
    }

    #[test]
    fn a_request_that_passes_by_has_no_schema_on_either_side() {
        let outside = VerdictCheck {
            is_outside: true,
            server_flow_schema: None,
            server_priority_level: None,
            initial_seats: None,
            ..check(1, 1, 1)
        };
        let only_here = VerdictCheck { is_outside: true, ..check(1, 1, 1) };
        let sum = agreement(&[outside, only_here]);
        assert_eq!((sum.request_count, sum.same_flow_schema_count), (6, 3));
        assert_eq!(sum.differences[0].reading, "passes by");
    }
}
