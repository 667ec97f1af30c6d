//! What is still to come, in the order of time. It holds what is in flight and the next turn of each routine, never a
//! list of requests, so that memory does not grow with the log.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::digits::Micros;

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Who made it.
    pub(super) client: usize,
    /// What it asks, as a place in the catalogue.
    pub(super) call: usize,
    /// The routine it belongs to, which goes on when the request is done.
    pub(super) routine: Option<usize>,
    /// `auditID`.
    pub(super) audit_id: [u64; 2],
    /// Names follow from it.
    pub(super) seed: u64,
    /// The resource version in its URI or body.
    pub(super) version: u64,
    /// When it came in.
    pub(super) received_at: Micros,
    /// When a long-running request's response began.
    pub(super) started_at: Micros,
    /// When it was done.
    pub(super) completed_at: Micros,
    /// The share of its time spent in an APF queue, in thousandths.
    pub(super) queued_per_mille: u64,
    /// The time limit of a watch.
    pub(super) timeout_secs: u32,
    /// Which page of a list, from 0.
    pub(super) page: u32,
    /// The code of its response.
    pub(super) code: u16,
    /// How much of it the policy records.
    pub(super) level: Level,
    /// The next line to write.
    pub(super) stage: Stage,
    /// Whether a line of it has been written.
    pub(super) is_seen: bool,
}

/// `level` of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Metadata,
    Request,
    RequestResponse,
}

/// `stage` of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    RequestReceived,
    ResponseStarted,
    ResponseComplete,
}

impl Request {
    /// The instant of its next line.
    pub(super) const fn stage_at(&self) -> Micros {
        match self.stage {
            Stage::RequestReceived => self.received_at,
            Stage::ResponseStarted => self.started_at,
            Stage::ResponseComplete => self.completed_at,
        }
    }
}

/// Something that is to happen.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// A line of a request is written.
    Write(Box<Request>),
    /// A routine takes its next turn.
    Turn(usize),
    /// A call that comes at no fixed time comes.
    Ask,
    /// A client makes a call once: client, call.
    Once(usize, usize),
    /// A storm is over.
    Calm,
}

#[derive(Clone, Debug)]
struct Entry {
    at: Micros,
    order: u64,
    task: Task,
}

impl Entry {
    const fn key(&self) -> (Micros, u64) {
        (self.at, self.order)
    }
}

/// The earliest is the greatest, for the heap's sake; what was planned first goes first among equals.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

/// What is to happen, and when.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    heap: BinaryHeap<Entry>,
    order: u64,
}

impl Timeline {
    pub(super) fn plan(&mut self, at: Micros, task: Task) {
        self.order += 1;
        let order = self.order;
        self.heap.push(Entry { at, order, task });
    }

    pub(super) fn next(&mut self) -> Option<(Micros, Task)> {
        self.heap.pop().map(|entry| (entry.at, entry.task))
    }

    /// Takes out all that is planned, in order.
    pub(super) fn take(&mut self) -> Vec<(Micros, Task)> {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.sort_unstable_by_key(Entry::key);
        entries.into_iter().map(|entry| (entry.at, entry.task)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_goes_first_and_equals_keep_their_order() {
        let mut timeline = Timeline::default();
        for (at, routine) in [(5, 0), (3, 1), (5, 2), (3, 3), (4, 4)] {
            timeline.plan(at, Task::Turn(routine));
        }
        let order: Vec<_> = std::iter::from_fn(|| timeline.next())
            .map(|(at, task)| match task {
                Task::Turn(routine) => (at, routine),
                other => unreachable!("only turns were planned, not {other:?}"),
            })
            .collect();
        assert_eq!(order, [(3, 1), (3, 3), (4, 4), (5, 0), (5, 2)]);
    }
}
