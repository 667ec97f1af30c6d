//! Facts of the Kubernetes API that many stages need, each stated once. Every stage may name this one; it names none.

mod version;

pub use version::{InvalidVersion, Version};
