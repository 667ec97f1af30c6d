//! From storms to changes of API Priority and Fairness that can be applied.

mod manifest;

pub use manifest::{flow_schema_yaml, kustomization_yaml, object_name, priority_level_yaml};
