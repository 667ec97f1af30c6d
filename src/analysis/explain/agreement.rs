//! Whether the server's own log agrees about FlowSchema, priority level and seats.

use serde::{Deserialize, Serialize};

use crate::tables::TypedRow;

/// A row of the query `verdict_checks`: requests alike to us and to the server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct VerdictCheck {
    /// The FlowSchema as calculated.
    pub flow_schema: String,
    /// The priority level as calculated.
    pub priority_level: String,
    /// Whether, as calculated, they bypass API Priority and Fairness.
    pub is_outside: bool,
    /// The FlowSchema by the server's log; `None` where they bypassed API Priority and Fairness.
    pub server_flow_schema: Option<String>,
    /// The priority level by the server's log.
    pub server_priority_level: Option<String>,
    /// Whether they are lists, or watches that begin with one.
    pub is_list: bool,
    /// Whether they are watches.
    pub is_watch: bool,
    /// Seats as calculated, at least.
    pub low_seats: u64,
    /// Seats as calculated, at most.
    pub high_seats: u64,
    /// Seats by the server's log.
    pub initial_seats: Option<u64>,
    /// Requests.
    pub request_count: u64,
    /// The audit ID of one of them.
    pub audit_id: String,
}

impl TypedRow for VerdictCheck {
    const QUERY: &'static str = "verdict_checks";
}

/// How far the calculation agrees with the server's own log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Requests that are in the logs and in the server's log.
    pub request_count: u64,
    /// Those with the same FlowSchema and priority level, or bypassing API Priority and Fairness in both.
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

/// Requests about which the calculation and the server's own log differ in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Calculated from the audit log.
    pub reading: Handling,
    /// From the server's own log.
    pub server: Handling,
    /// Requests.
    pub request_count: u64,
    /// The audit ID of one of them.
    pub audit_id: String,
}

/// What API Priority and Fairness does with a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Handling {
    /// The request bypasses it.
    Bypasses,
    /// The request is matched by a FlowSchema.
    Matches {
        /// The FlowSchema.
        flow_schema: String,
        /// Its priority level.
        priority_level: String,
    },
    /// The request takes seats.
    TakesSeats {
        /// The FlowSchema that matches it.
        flow_schema: String,
        /// Seats, at least.
        low_seats: u64,
        /// Seats, at most.
        high_seats: u64,
    },
}

/// Compares the calculation with the server's own log.
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
        let handling = |matched: Option<(&str, &str)>| match matched {
            None => Handling::Bypasses,
            Some((schema, level)) => {
                Handling::Matches { flow_schema: schema.to_owned(), priority_level: level.to_owned() }
            }
        };
        self.differ(handling(reading), handling(server), check);
    }

    fn take_seats(&mut self, check: &VerdictCheck, seats: u64) {
        self.list_count += check.request_count;
        if (check.low_seats, check.high_seats) == (seats, seats) {
            self.same_seats_count += check.request_count;
        } else if (check.low_seats..=check.high_seats).contains(&seats) {
            self.possible_seats_count += check.request_count;
        } else {
            let taking = |low_seats, high_seats| Handling::TakesSeats {
                flow_schema: check.flow_schema.clone(),
                low_seats,
                high_seats,
            };
            self.differ(taking(check.low_seats, check.high_seats), taking(seats, seats), check);
        }
    }

    fn differ(&mut self, reading: Handling, server: Handling, check: &VerdictCheck) {
        let same = self.differences.iter_mut().find(|known| known.reading == reading && known.server == server);
        if let Some(same) = same {
            same.request_count += check.request_count;
            return;
        }
        let (request_count, audit_id) = (check.request_count, check.audit_id.clone());
        self.differences.push(Difference { reading, server, request_count, audit_id });
    }
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
        let flow_schema = "global-default".to_owned();
        assert_eq!(sum.differences[0].reading, Handling::TakesSeats { flow_schema, low_seats: 3, high_seats: 4 });
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
        assert_eq!(sum.differences[0].reading, Handling::Bypasses);
    }
}
