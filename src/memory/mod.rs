//! How many bytes a LIST makes the apiserver hold while it is in flight.
//!
//! An audit log has neither sizes nor memory, so this stage estimates them from other sources:
//!
//! ```text
//! Given, Snapshot, Observed ─▶ estimate_sizes ─▶ estimate_response ─▶ estimate_memory ─▶ sum_in_flight
//!  (flags, metrics, log)        of a resource     of one LIST           of one LIST         of all in flight at once
//! ```
//!
//! Each number is a [`Range`] and says where it came from ([`SizeSource`]). What is unknown stays unknown: there is
//! no default for the number of objects, except for kinds of which every cluster has few; only for the size of one.

mod coefficients;
mod cost;
mod defaults;
mod fit;
mod given;
mod list_sizes;
mod metrics;
mod observed;
mod prometheus;
mod range;
mod resident;
mod response;
mod routes;
#[cfg(test)]
mod size_cases;
mod sizes;
mod source;
mod whole_lists;

pub use cost::{Encoding, MemoryCost, estimate_memory, estimate_sustained, sum_in_flight};
pub use fit::{Fit, Stretch, fit};
pub use given::{Given, GivenError};
pub use metrics::{MetricsError, Snapshot};
pub use observed::{Observed, node_count};
pub use range::Range;
pub use resident::{Resident, ResidentError, parse_resident};
pub use response::{ListResponse, ListShape, estimate_response};
pub use routes::{Server, reads_lists_from_etcd};
pub use sizes::{Estimate, ResourceSize, SizeBasis, assume_size, estimate_sizes};
pub use source::SizeSource;
pub use whole_lists::{WholeLists, add_whole_lists};
