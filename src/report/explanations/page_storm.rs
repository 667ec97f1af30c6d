//! Explains `page-storm`.

use super::{Explanation, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "Paging keeps each response small, as it should. A client that reads the whole collection in pages \
                      again and again is still a load: before 1.34 each page after the first is read from etcd. When a \
                      chain's snapshot is compacted away (410), many clients start again without pages and read everything at \
                      once.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.page_storm;
    let rule = format!(
        "A client reads at least {} pages after the first (page_storm.min_pages) of a resource in at least {} chains \
         (page_storm.min_chains), or {} chains break off with 410 (page_storm.warning_gone). Chains are told apart by their \
         snapshot's revision. It is a warning from {} pages per second (page_storm.warning_rps), or when chains break off; \
         critical when {} are held (held.critical_bytes, low end) or an apiserver died during it. One long chain is a backup or \
         a person, and not reported.",
        limits.min_pages,
        limits.min_chains,
        limits.warning_gone,
        limits.warning_rps,
        whole_bytes(thresholds.held.critical_bytes)
    );
    let limits = "Continue tokens that are not upstream's have no revision, so their chains can't be counted. The last page of a \
                  chain can't be told from a page after which the client gave up.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
