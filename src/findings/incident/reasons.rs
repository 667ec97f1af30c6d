//! What speaks for a verdict and against it, and what to do first, as data.

use serde::Serialize;

/// What speaks for the culprits being the ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Support {
    /// Lists and deletions of collections of their own were cut off by the end.
    WasCutOff {
        /// Theirs that were cut off.
        own: u64,
        /// Those of all clients.
        all: u64,
    },
    /// Measured memory grew most while their types of client had lists in flight.
    MemoryGrewWithItsLists,
    /// Measured memory follows the estimate.
    MemoryFollowsEstimate {
        /// Pearson's r, from -1 to 1.
        correlation: f64,
    },
    /// They had most of what was in flight.
    HadMostInFlight {
        /// Their share, from 0 to 1.
        share: f64,
    },
    /// What their lists held at the last peak, at least, is enough to matter.
    HeldEnough,
    /// All lists together held a good part of the memory limit.
    NearMemoryLimit {
        /// The limit, in bytes.
        memory_limit: u64,
        /// The share of it that lists held at the last peak, at least; above 1 if they held more.
        share: f64,
    },
    /// Which clients they are, is certain.
    IdentityCertain,
}

/// What speaks against a verdict, or isn't known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Doubt {
    /// No event of the stage ResponseComplete is logged, so nothing is known of what was in flight.
    EndsNotLogged,
    /// Measured memory doesn't rise and fall with what lists are estimated to have held.
    MemoryDoesNotFollowEstimate {
        /// Pearson's r, 0 or less.
        correlation: f64,
    },
    /// Measured memory rose by far less than lists are estimated to have held at least.
    MemoryRoseFarLess {
        /// The rise, in bytes.
        rise_bytes: u64,
        /// The low end of the estimate for all lists at the last peak, in bytes.
        low_bytes: u64,
    },
    /// Measured memory didn't grow most while the culprits' types of client had lists in flight.
    MemoryDidNotGrowWithItsLists,
    /// Other clients together had more in flight than the culprits.
    OthersHadMoreInFlight,
    /// No event of the stage RequestReceived is logged, so lists in flight at the end left no line.
    RequestReceivedNotLogged,
    /// How much the culprits' lists held is unknown: nothing bounds it, or the bounds are a decade apart.
    SizeUnknown,
    /// No list is logged in the run-up.
    NoListInFlight,
    /// How much the lists held is unknown for some of them.
    SomeSizesUnknown,
    /// The culprits' lists in the log held too little to fill a server.
    HeldTooLittle {
        /// The high end of what they held, in bytes.
        high_bytes: u64,
    },
    /// The two ends of the estimate are far apart.
    RoughEstimate,
    /// Which client the main culprit is, is only inferred.
    IdentityInferred {
        /// What from, as the client catalogue says it.
        evidence: String,
    },
}

/// What to do first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum IncidentStep {
    /// Stop or scale down a client that the cluster can do without, then fix it.
    StopClient {
        /// The client.
        client: String,
        /// What it runs as.
        running_as: RunningAs,
        /// The finding whose first remedy, if it has one, fixes it: an index into the report's findings.
        finding: usize,
        /// The other culprits, to which the same goes.
        others: Vec<String>,
    },
    /// Fix a client.
    FixClient {
        /// The client.
        client: String,
        /// The finding whose first remedy fixes it: an index into the report's findings.
        finding: usize,
    },
    /// Have the stage RequestReceived of LISTs logged.
    LogRequestReceived,
}

/// The identity that a client runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RunningAs {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name in the namespace.
        name: String,
    },
    /// Any other user.
    User {
        /// The user name.
        name: String,
    },
}

impl RunningAs {
    pub(super) fn parse(user_name: &str) -> Self {
        let account = user_name.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
        match account {
            Some((namespace, name)) => Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() },
            None => Self::User { name: user_name.to_owned() },
        }
    }
}

impl Support {
    /// What weighs more comes first.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::WasCutOff { .. } => 0,
            Self::MemoryGrewWithItsLists => 1,
            Self::MemoryFollowsEstimate { .. } => 2,
            Self::HadMostInFlight { .. } => 3,
            Self::HeldEnough => 4,
            Self::NearMemoryLimit { .. } => 5,
            Self::IdentityCertain => 6,
        }
    }
}

impl Doubt {
    /// What weighs more comes first.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::EndsNotLogged => 0,
            Self::MemoryRoseFarLess { .. } => 1,
            Self::MemoryDoesNotFollowEstimate { .. } => 2,
            Self::MemoryDidNotGrowWithItsLists => 3,
            Self::HeldTooLittle { .. } => 4,
            Self::OthersHadMoreInFlight => 5,
            Self::RequestReceivedNotLogged => 6,
            Self::NoListInFlight => 7,
            Self::SizeUnknown | Self::SomeSizesUnknown => 8,
            Self::RoughEstimate => 9,
            Self::IdentityInferred { .. } => 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_accounts_are_told_from_other_users() {
        let account = RunningAs::ServiceAccount { namespace: "acme".to_owned(), name: "sync".to_owned() };
        assert_eq!(RunningAs::parse("system:serviceaccount:acme:sync"), account);
        assert_eq!(RunningAs::parse("system:admin"), RunningAs::User { name: "system:admin".to_owned() });
    }
}
