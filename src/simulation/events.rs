//! The events of a replay, and which of them comes first at one moment.
//!
//! Of events at the same time the end of a final phase comes first, then the end of a request, new limits, the end of a
//! wait, and an arrival last; those of one kind come in the order in which they were scheduled, arrivals in that of the
//! log. A restart of the server comes before all of them.

/// The next step of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Restart,
    Scheduled(Rank),
    /// A LIST that shares the server ends.
    SharedEnd,
    Adjustment,
    Arrival,
}

/// Kinds of scheduled events, in their order at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Release,
    End,
    GiveUp,
    Return,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Event {
    pub(super) at_ns: u64,
    pub(super) rank: Rank,
    pub(super) sequence: u64,
    /// A slot of what runs, or the index of a request.
    pub(super) of: u32,
    /// For [`Rank::GiveUp`]: the queue, and which try it is.
    pub(super) queue: u32,
    pub(super) attempt: u8,
}

impl Step {
    /// Its order at one moment: lower comes first.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Restart => 0,
            Self::Scheduled(Rank::Release) => 1,
            Self::Scheduled(Rank::End) => 2,
            Self::SharedEnd => 3,
            Self::Adjustment => 4,
            Self::Scheduled(Rank::GiveUp) => 5,
            Self::Scheduled(Rank::Return) => 6,
            Self::Arrival => 7,
        }
    }
}
