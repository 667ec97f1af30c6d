//! How sure a verdict is: what is known counts, what isn't known doesn't.
//!
//! More information never makes a verdict less certain, but where a new upper bound rules the harm out: each piece of evidence
//! here can only be added by a narrower size, a measured memory or a limit.

use serde::Serialize;

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It may as well be something else.
    Low,
    /// It is likely, but something that matters isn't known.
    Medium,
    /// Everything known points there.
    High,
}

impl Certainty {
    /// Its name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is known for the culprits of a moment, and against them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Half or more of what the end cut off was theirs: there is no stronger evidence.
    pub(super) was_cut_off: bool,
    /// Measured memory grew with their lists, and follows the estimate.
    pub(super) is_measured: bool,
    /// All lists together held a good part of the memory limit, for certain.
    pub(super) is_near_limit: bool,
    /// They had most of what was in flight.
    pub(super) had_most: bool,
    /// Their lists held enough to matter, for certain.
    pub(super) held_enough: bool,
    /// Which clients they are, is certain.
    pub(super) is_identified: bool,
    /// Even at most, their lists held too little to fill a server.
    pub(super) held_too_little: bool,
    /// The log shows what was in flight at the moment: either nothing ended, or lists without an end leave a line.
    pub(super) sees_moment: bool,
}

impl Evidence {
    pub(super) fn certainty(self) -> Certainty {
        if self.held_too_little {
            return Certainty::Low;
        }
        let ones = [self.is_measured, self.is_near_limit, self.had_most, self.held_enough, self.is_identified];
        let points = 2 * u8::from(self.was_cut_off) + ones.map(u8::from).iter().sum::<u8>();
        match points {
            4.. => Certainty::High,
            3 if self.sees_moment => Certainty::High,
            2.. => Certainty::Medium,
            _ => Certainty::Low,
        }
    }
}

/// What is known where no client is a culprit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Absence {
    /// A server was killed, of which no list is the reason then.
    pub(super) is_death: bool,
    /// The log shows what was in flight at the moment, and there was something.
    pub(super) sees_moment: bool,
    /// A client stormed all the same.
    pub(super) has_storm: bool,
    /// What lists held is known well enough to say how much it was.
    pub(super) is_known: bool,
    /// Even at most, lists held too little to fill a server.
    pub(super) is_harmless: bool,
}

impl Absence {
    pub(super) fn certainty(self) -> Certainty {
        match self {
            Self { is_death: true, .. } | Self { sees_moment: false, .. } | Self { has_storm: true, .. } => {
                Certainty::Low
            }
            Self { is_harmless: true, .. } => Certainty::High,
            Self { is_known: true, .. } => Certainty::Medium,
            Self { .. } => Certainty::Low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_size_is_never_high() {
        let by_time = Evidence { had_most: true, is_identified: true, sees_moment: true, ..Evidence::default() };
        assert_eq!(by_time.certainty(), Certainty::Medium);
        assert_eq!(Evidence { held_enough: true, ..by_time }.certainty(), Certainty::High);
        assert_eq!(Evidence { held_enough: true, sees_moment: false, ..by_time }.certainty(), Certainty::Medium);
        assert_eq!(Evidence { held_too_little: true, held_enough: true, ..by_time }.certainty(), Certainty::Low);
    }

    #[test]
    fn that_nobody_is_to_blame_is_high_only_where_the_upper_bound_says_so() {
        let quiet = Absence { sees_moment: true, ..Absence::default() };
        assert_eq!(quiet.certainty(), Certainty::Low, "of unknown size");
        assert_eq!(Absence { is_known: true, ..quiet }.certainty(), Certainty::Medium);
        assert_eq!(Absence { is_known: true, is_harmless: true, ..quiet }.certainty(), Certainty::High);
        assert_eq!(Absence { is_death: true, is_harmless: true, ..quiet }.certainty(), Certainty::Low);
    }
}
