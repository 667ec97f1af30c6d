//! Which collections grew: what was created of each resource and deleted again.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::FlowPeriod;
use crate::kubernetes::resource_name;

/// What was created and deleted of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectionGrowth {
    /// The resource, with its group where it has one.
    pub resource: String,
    /// Objects created in this period.
    pub created: u64,
    /// Objects deleted in this period, one by one: what `deletecollection` removes has no line of its own.
    pub deleted: u64,
    /// Objects created in the period before.
    pub created_before: u64,
    /// Objects deleted in the period before.
    pub deleted_before: u64,
}

/// By resource, the greatest change first; `resources` gives the resource and group of each flow key.
pub fn summarize_collections(rows: &[FlowPeriod], resources: &HashMap<i64, (&str, &str)>) -> Vec<CollectionGrowth> {
    let mut grown: BTreeMap<String, CollectionGrowth> = BTreeMap::new();
    for row in rows {
        let Some((resource, api_group)) = resources.get(&row.flow_key).filter(|(resource, _)| !resource.is_empty())
        else {
            continue;
        };
        let sum = grown.entry(resource_name(resource, Some(api_group))).or_default();
        let (created, deleted) = if row.is_this {
            (&mut sum.created, &mut sum.deleted)
        } else {
            (&mut sum.created_before, &mut sum.deleted_before)
        };
        *created += row.created_count;
        *deleted += row.deleted_count;
    }
    let named = grown.into_iter().map(|(resource, sum)| CollectionGrowth { resource, ..sum });
    let mut grown: Vec<CollectionGrowth> = named.collect();
    grown.sort_by_key(|one| std::cmp::Reverse(one.created.abs_diff(one.deleted)));
    grown
}
