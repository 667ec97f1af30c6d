//! Codes and changes of a capacity report in words, each in one place.

use super::{CapacityNote, NotCompared};
use crate::findings::{BusyLoad, Improvement, LevelState, ListChange, ObjectiveScope, TrendSubject};
use crate::report::pressure::held_words;
use crate::report::{counted, float};
use crate::units::{self, Zone};

/// A bucket of that many seconds.
pub(super) fn bucket_name(secs: f64) -> &'static str {
    match secs {
        secs if secs < 900.0 => "minute",
        secs if secs < 3_600.0 => "quarter of an hour",
        _ => "hour",
    }
}

const fn whole_buckets(secs: f64) -> &'static str {
    match secs {
        secs if secs < 900.0 => "whole minutes",
        secs if secs < 3_600.0 => "whole quarters of an hour",
        _ => "whole hours",
    }
}

/// A factor of two rates such as `+20 %`; `None` where it differs from 1 by less than the share `least`.
pub(super) fn rate_change_words(factor: f64, least: f64) -> Option<String> {
    ((factor - 1.0).abs() >= least).then(|| factor_words(factor))
}

/// A change such as `+20 %`; `None` where it is smaller than the share `least`, or there was nothing before.
pub(super) fn change_words(now: u64, before: u64, least: f64) -> Option<String> {
    let factor = (before > 0).then(|| float(now) / float(before))?;
    ((factor - 1.0).abs() >= least).then(|| factor_words(factor))
}

/// A factor as a change: `+20 %`, or `×9` from five times on.
fn factor_words(factor: f64) -> String {
    if factor >= 5.0 { format!("×{factor:.0}") } else { format!("{:+.0} %", (factor - 1.0) * 100.0) }
}

/// What explains a change of LISTs.
pub(super) fn list_change_words(change: &ListChange) -> String {
    let instances = change.instances.map(|instances| {
        let factor = factor_words(float(instances.now) / float(instances.before));
        format!("{factor} instances ({} → {})", units::count(instances.before), units::count(instances.now))
    });
    let each = change.lists_per_instance.map(|factor| format!("{} LISTs per instance", factor_words(factor)));
    let size = change.bytes_per_list.map(|factor| {
        format!("{} bytes per response, so it lists other things or in another way", factor_words(factor))
    });
    let reasons: Vec<String> = [instances, each, size].into_iter().flatten().collect();
    let lists = factor_words(change.lists);
    if reasons.is_empty() { format!("{lists} LISTs") } else { format!("{lists} LISTs: {}", reasons.join(", ")) }
}

/// What to do, and how many LISTs it saves.
pub(super) fn improvement_words(improvement: &Improvement) -> String {
    let advice = improvement.advice.as_deref().unwrap_or(
        "watch instead of listing (an informer), or list with resourceVersion=0 and selectors, and less often",
    );
    let lists = counted(improvement.lists_saved, "LIST");
    format!("{advice} (would save {lists} of whole collections: all but the first of each instance)")
}

pub(super) const fn scope_words(scope: ObjectiveScope) -> &'static str {
    match scope {
        ObjectiveScope::Object => "one object (writes included)",
        ObjectiveScope::Namespace => "a collection in a namespace",
        ObjectiveScope::Cluster => "a collection in the whole cluster",
    }
}

pub(super) const fn state_words(state: LevelState) -> &'static str {
    match state {
        LevelState::Unused => "unused",
        LevelState::Exempt => "no limit",
        LevelState::Rejecting => "rejects requests",
        LevelState::Borrowing => "relies on borrowed seats",
        LevelState::HalfFull => "half full or more",
        LevelState::Ample => "ample",
    }
}

pub(super) const fn load_words(load: &BusyLoad) -> &'static str {
    match load {
        BusyLoad::Requests { .. } => "requests",
        BusyLoad::Lists { .. } => "LISTs",
        BusyLoad::Rejected { .. } => "rejected by Priority and Fairness",
        BusyLoad::MemoryHeld { .. } => "memory held by LISTs",
    }
}

pub(super) fn amount_words(load: &BusyLoad) -> String {
    match load {
        BusyLoad::Requests { count } | BusyLoad::Lists { count } | BusyLoad::Rejected { count } => units::count(*count),
        BusyLoad::MemoryHeld { peak } => held_words(peak),
    }
}

/// What a trend is of, with the name of the buckets.
pub(super) fn trend_words(subject: &TrendSubject, bucket: &str) -> String {
    match subject {
        TrendSubject::Requests => "requests per second, mean of each day".to_owned(),
        TrendSubject::Lists => "LISTs per second, mean of each day".to_owned(),
        TrendSubject::MemoryHeld => "memory held by LISTs, peak of each day, middle of the estimate".to_owned(),
        TrendSubject::SeatsInUse { priority_level } => {
            format!("seats of priority level {priority_level} in use, fullest {bucket} of each day")
        }
    }
}

/// Seats for reading: to a tenth below ten, else whole.
pub(super) fn seats_words(low: f64, high: f64) -> String {
    let rounded = |seats: f64| {
        let digits = if seats < 10.0 { 10.0 } else { 1.0 };
        units::number((seats * digits).round() / digits)
    };
    let (low, high) = (rounded(low), rounded(high));
    if low == high { low } else { format!("{low} to {high}") }
}

pub(super) const fn not_compared_words(reason: NotCompared) -> &'static str {
    match reason {
        NotCompared::NothingBefore => {
            "the logs do not cover the period before; give the logs of two periods to see what changed"
        }
        NotCompared::TooLittleCovered => {
            "the logs cover too little of this period or of the one before to compare them"
        }
        NotCompared::NotAskedFor => "--compare none was given",
    }
}

pub(super) fn note_words(note: &CapacityNote, bucket_secs: f64, zone: &Zone) -> String {
    let words = match note {
        CapacityNote::OneSizePerResource => {
            "memory: what LISTs held is estimated with one size of each resource for the whole log, so the growth of a collection doesn't \
             show"
        }
        CapacityNote::SeatsFromSizes => {
            "seats: the seats of LISTs are estimated from sizes and are a range; waits under half a second, and those of watches, are not logged"
        }
        CapacityNote::BulkDeletesUnseen => {
            "created and deleted: objects removed by deletecollection or by a time to live have no line of their own"
        }
        CapacityNote::WritersWithoutInstances => {
            "instances: they are counted from LISTs and watches, so a client that only writes shows none"
        }
        CapacityNote::PartlyCovered { from, to } => {
            return format!(
                "coverage: the logs cover only {} to {}, which is less than the period",
                zone.second(*from),
                zone.second(*to)
            );
        }
        CapacityNote::SpanWidened { from, to } => {
            return format!(
                "period: widened to {}; --from and --to ask for {} to {}",
                whole_buckets(bucket_secs),
                zone.second(*from),
                zone.second(*to)
            );
        }
        CapacityNote::DefaultConfiguration => {
            "priority levels: the configuration is assumed to be that of a new cluster; give the server's own with --config"
        }
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::InstanceChange;

    #[test]
    fn growth_is_explained_by_what_grew() {
        let change = |lists, instances, lists_per_instance| {
            list_change_words(&ListChange { lists, instances, lists_per_instance, bytes_per_list: None })
        };
        let more = Some(InstanceChange { before: 10, now: 15 });
        assert_eq!(change(1.5, more, None), "+50 % LISTs: +50 % instances (10 → 15)");
        assert_eq!(change(3.0, None, Some(3.0)), "+200 % LISTs: +200 % LISTs per instance");
        assert_eq!(change(9.0, None, Some(9.0)), "×9 LISTs: ×9 LISTs per instance");
        assert_eq!(change(0.5, None, None), "-50 % LISTs");
    }

    #[test]
    fn small_changes_are_left_out() {
        assert_eq!(change_words(103, 100, 0.1), None);
        assert_eq!(change_words(120, 100, 0.1).as_deref(), Some("+20 %"));
        assert_eq!(change_words(120, 0, 0.1), None);
    }
}
