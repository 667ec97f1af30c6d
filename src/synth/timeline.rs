//! Everything that is planned, in the order of time. It holds the requests in flight and the next run of each routine,
//! never a list of all requests, so that memory does not grow with the log.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::digits::Micros;

/// A request in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// Index into the clients of the cluster.
    pub(super) client: usize,
    /// Index into the calls of the cluster.
    pub(super) call: usize,
    /// Index of the routine that sent it and continues when it completes; `None` for a single request.
    pub(super) routine: Option<usize>,
    pub(super) audit_id: [u64; 2],
    /// The names of its objects are derived from it.
    pub(super) seed: u64,
    /// The resource version in its URI or body.
    pub(super) version: u64,
    pub(super) received_at: Micros,
    /// When a long-running request's response began.
    pub(super) started_at: Micros,
    pub(super) completed_at: Micros,
    /// The share of its time spent in an APF queue, in thousandths.
    pub(super) queued_per_mille: u64,
    /// `timeoutSeconds` of a watch.
    pub(super) timeout_secs: u32,
    /// Page of a paginated list, from 0.
    pub(super) page: u32,
    pub(super) code: u16,
    pub(super) level: Level,
    /// The stage that is written next.
    pub(super) stage: Stage,
    /// Whether a line of it has been written.
    pub(super) is_seen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Metadata,
    Request,
    RequestResponse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    RequestReceived,
    ResponseStarted,
    ResponseComplete,
}

impl Request {
    /// Timestamp of the stage that is written next.
    pub(super) const fn stage_at(&self) -> Micros {
        match self.stage {
            Stage::RequestReceived => self.received_at,
            Stage::ResponseStarted => self.started_at,
            Stage::ResponseComplete => self.completed_at,
        }
    }
}

/// A planned step of the simulation.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// Write the next line of a request.
    Write(Box<Request>),
    /// Run a routine, by its index.
    RunRoutine(usize),
    /// Send a random ad hoc call.
    SendAdHoc,
    /// Send one request: index of the client, index of the call.
    SendOnce(usize, usize),
    EndStorm,
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

/// The earliest entry is the greatest, as the heap pops the greatest. Of entries of the same time the one that was planned
/// first comes first.
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

/// All planned tasks.
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

    /// Removes all tasks and returns them in order.
    pub(super) fn take_all(&mut self) -> Vec<(Micros, Task)> {
        let mut entries = std::mem::take(&mut self.heap).into_vec();
        entries.sort_unstable_by_key(Entry::key);
        entries.into_iter().map(|entry| (entry.at, entry.task)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_come_in_the_order_of_time_and_of_planning() {
        let mut timeline = Timeline::default();
        for (at, routine) in [(5, 0), (3, 1), (5, 2), (3, 3), (4, 4)] {
            timeline.plan(at, Task::RunRoutine(routine));
        }
        let order: Vec<_> = std::iter::from_fn(|| timeline.next())
            .map(|(at, task)| match task {
                Task::RunRoutine(routine) => (at, routine),
                other => unreachable!("only routines were planned, not {other:?}"),
            })
            .collect();
        assert_eq!(order, [(3, 1), (3, 3), (4, 4), (5, 0), (5, 2)]);
    }
}
