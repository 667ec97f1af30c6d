//! How many bytes a LIST makes the apiserver hold while it is in flight.
//!
//! Neither sizes nor memory stand in an audit log, so this stage puts them together from what else is known:
//!
//! ```text
//! Given, Snapshot, Observed ─▶ sizes ─▶ answer ─▶ held ─▶ together
//!  (flags, metrics, log)        of a     of one   of one   of all that are
//!                               resource  LIST     LIST     in flight at once
//! ```
//!
//! Each number is a [`Range`] and says where it came from. What isn't known stays unknown: there is no default for how
//! many objects a resource has, only for how big one is, but for kinds of which a cluster has a handful by nature.

mod answer;
mod coefficients;
mod defaults;
mod fit;
mod given;
mod held;
mod metrics;
mod observed;
mod range;
mod resident;
mod routes;
mod sizes;

pub use answer::{Answer, ListShape, answer};
pub use fit::{Fit, Stretch, fit};
pub use given::{Given, GivenError};
pub use held::{Encoding, Held, held, sustained, together};
pub use metrics::{MetricsError, Snapshot};
pub use observed::{Observed, node_count};
pub use range::Range;
pub use resident::{Resident, ResidentError, resident};
pub use routes::{Server, list_kind, reads_lists_from_etcd};
pub use sizes::{Basis, Estimate, ResourceSize, sizes, unseen};
