//! Latency against Kubernetes' own service level objectives.

use serde::Serialize;

use super::ClientPeriod;

/// The scope of a request, by which its latency objective goes.
///
/// Source: the API call latency objectives of SIG Scalability (`kubernetes/community`, `sig-scalability/slos`). The queries
/// count late requests by the same limits; see `client_activity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectiveScope {
    /// One object; all writes among them.
    Object,
    /// A collection in a namespace.
    Namespace,
    /// A collection in the whole cluster.
    Cluster,
}

impl ObjectiveScope {
    const ALL: [Self; 3] = [Self::Object, Self::Namespace, Self::Cluster];

    /// Within how many seconds 99 % of requests are to be answered.
    pub const fn objective_secs(self) -> u32 {
        match self {
            Self::Object => 1,
            Self::Namespace => 5,
            Self::Cluster => 30,
        }
    }

    /// Requests of this scope in a row, and those of them that were late.
    const fn counts(self, row: &ClientPeriod) -> (u64, u64) {
        match self {
            Self::Object => (row.object_took_count, row.object_late_count),
            Self::Namespace => (row.namespace_took_count, row.namespace_late_count),
            Self::Cluster => (row.cluster_took_count, row.cluster_late_count),
        }
    }
}

/// How many requests met an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Objective {
    /// The scope of the requests.
    #[serde(rename = "scope_code")]
    pub scope: ObjectiveScope,
    /// The limit, in seconds.
    pub objective_secs: u32,
    /// Requests in this period.
    pub requests: u64,
    /// Requests in this period that took longer.
    pub late: u64,
    /// Requests in the period before.
    pub requests_before: u64,
    /// Requests in the period before that took longer.
    pub late_before: u64,
}

impl Objective {
    /// Whether more than 1 % of requests took longer.
    pub const fn is_missed(&self) -> bool {
        self.late * 100 > self.requests
    }
}

pub(super) fn measure_objectives(clients: &[ClientPeriod]) -> Vec<Objective> {
    let sum = |scope: ObjectiveScope, is_this: bool| {
        let rows = clients.iter().filter(|row| row.is_this == is_this).map(|row| scope.counts(row));
        rows.fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1))
    };
    let objective = |scope: ObjectiveScope| {
        let ((requests, late), (requests_before, late_before)) = (sum(scope, true), sum(scope, false));
        Objective { scope, objective_secs: scope.objective_secs(), requests, late, requests_before, late_before }
    };
    ObjectiveScope::ALL.map(objective).to_vec()
}
