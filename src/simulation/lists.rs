//! The LISTs of a log that share the server's capacity, with the work of those that the log doesn't show completely.

use std::collections::BTreeMap;

use super::service::{ExecutedList, infer_works};

/// LISTs that share the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedLists {
    /// Those that the log shows running.
    pub executed: Vec<ExecutedList>,
    /// The group of each LIST that was rejected or has no end in the log.
    pub unknown: Vec<u32>,
}

impl SharedLists {
    /// Estimates the work of each, in nanoseconds: first of those that ran, then of the others. Those that were cut off or
    /// never ran get the median of their group, or of all LISTs where their group has no other.
    pub fn estimate_works(&self, capacity: f64) -> Vec<u64> {
        let mut works = infer_works(&self.executed, capacity);
        let mut groups: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let mut all = Vec::new();
        for (list, work) in self.executed.iter().zip(&works).filter(|(list, _)| list.is_whole) {
            groups.entry(list.group).or_default().push(*work);
            all.push(*work);
        }
        let of_all = median(&mut all);
        let medians: BTreeMap<u32, u64> =
            groups.into_iter().map(|(group, mut works)| (group, median(&mut works))).collect();
        let usual = |group: u32| medians.get(&group).copied().unwrap_or(of_all);
        for (list, work) in self.executed.iter().zip(&mut works).filter(|(list, _)| !list.is_whole) {
            *work = (*work).max(usual(list.group));
        }
        works.extend(self.unknown.iter().map(|group| usual(*group)));
        works
    }
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_log_does_not_show_is_like_the_others() {
        let ran = |started_ns, ended_ns, group, is_whole| ExecutedList { started_ns, ended_ns, group, is_whole };
        let lists = SharedLists {
            executed: vec![ran(0, 10, 1, true), ran(20, 50, 1, true), ran(60, 80, 1, true), ran(90, 95, 1, false)],
            unknown: vec![1, 2],
        };
        assert_eq!(lists.estimate_works(1.0), [10, 30, 20, 20, 20, 20]);
        assert_eq!(SharedLists::default().estimate_works(1.0), [0_u64; 0]);
    }
}
