//! The LISTs of a log that share the server, and the work of those of which the log doesn't tell all.

use std::collections::BTreeMap;

use super::service::{Executed, work};

/// LISTs that share the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Those that the log shows running.
    pub executed: Vec<Executed>,
    /// Those that it doesn't, since they were rejected or have no end: the group of each.
    pub unknown: Vec<u32>,
}

impl Lists {
    /// The work of each, in nanoseconds: first of those that ran, then of the others. Those that were cut off, and those
    /// that never ran, are taken to have as much as others of their group: the median of it, or, where nobody else is in
    /// it, of all.
    pub fn works(&self, capacity: f64) -> Vec<u64> {
        let mut works = work(&self.executed, capacity);
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
        let ran = |started_ns, ended_ns, group, is_whole| Executed { started_ns, ended_ns, group, is_whole };
        let lists = Lists {
            executed: vec![ran(0, 10, 1, true), ran(20, 50, 1, true), ran(60, 80, 1, true), ran(90, 95, 1, false)],
            unknown: vec![1, 2],
        };
        assert_eq!(lists.works(1.0), [10, 30, 20, 20, 20, 20]);
        assert_eq!(Lists::default().works(1.0), [0_u64; 0]);
    }
}
