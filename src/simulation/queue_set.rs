//! Which requests of one priority level run, wait or are rejected: fair queuing for server requests
//! (`k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset`, `doc.go`, `queueset.go`, `types.go`, `fifo_list.go`).
//!
//! A level has seats, as many as its limit, and mostly queues. A request takes the larger of its initial and its final
//! seats from its start until its end, and where it has an additional latency also for so long after it: then the
//! client has its answer and the request lingers.
//!
//! **Virtual time.** In a virtual world all active queues, those in which a request waits or runs, are served at once
//! with equal shares of the seats. R is the work, in seat-seconds, that each has had so far. Between two events it
//! grows at the rate
//!
//! ```text
//! min(Σ seats in use + Σ seats of waiting requests, limit) / active queues
//! ```
//!
//! where lingering seats are in use, but make no queue active. The real world can only start whole requests, and comes
//! as near as it can: a queue has the R at which its head starts in the virtual world, `next_dispatch_r`, and that head
//! is started for which `next_dispatch_r` + work is least. As nobody knows how long it will run, its work is taken to
//! be initial seats · G + final seats · additional latency, with G = 3 ms, and set right when it has run for S.
//!
//! **Arrival.** Of the flow's hand the queue with the least work waiting is taken; what runs doesn't count. The search
//! begins one card further each time. The request is rejected as `queue-full` if no seat is free and the queue is at
//! its length limit. Else it waits there, and if the queue wasn't active, `next_dispatch_r` = R.
//!
//! **Dispatch.** While a seat is free: the head that would finish first, among equals the first round robin after the
//! queue last dispatched from. If it doesn't fit, nothing starts. Final seats beyond the limit are cut to it, the
//! latency made as much longer. `next_dispatch_r` += work.
//!
//! **Finish.** `next_dispatch_r` += initial seats · (S − G). Seats come free now or after the additional latency.
//!
//! Whatever changes a queue's head or its `next_dispatch_r`, the latter is never before the R at which the head came.
//!
//! What is easy to get wrong:
//!
//! - One wide head that doesn't fit stops all queues, though others' heads would fit.
//! - A request wider than the limit fits when none runs. Lingering ones aren't looked at, so that more seats than the
//!   limit can be in use; so they can after the limit was lowered.
//! - The length limit means nothing while a seat is free, even one that the head can't use.
//! - When a waiting request gives up, the next isn't dispatched in its stead before something else happens.
//! - A rejected arrival has moved on the search in the hand, and R.
//!
//! A level without queues (`limitResponse: Reject`) starts a request that fits and rejects any other as
//! `concurrency-limit`; the exempt level starts all. They have no virtual time.
//!
//! Left out: a level's number of queues doesn't change here; and upstream drops at its dispatch a request of which the
//! wait is over, while here it has left at that moment.

use super::queue::{Queue, QueueMask, Waiting};
use super::work::{SeatSeconds, within};
use crate::apf::WorkEstimate;

/// The requests of one priority level on one server.
///
/// It has no clock: events come from outside in the order of time, and the caller has [`QueueSet::dispatch`] tell what
/// starts after each.
#[derive(Debug)]
pub struct QueueSet {
    kind: LevelMode,
    /// Seats; not looked at where the level is exempt.
    limit: u32,
    /// None where the level doesn't queue.
    queues: Vec<Queue>,
    with_waiting: QueueMask,
    /// Queues in which a request waits or runs.
    active_queues: u32,
    /// The queue last dispatched from.
    robin: usize,
    /// Arrivals so far, with those rejected.
    enqueues: usize,
    /// When the last event was.
    now_ns: u64,
    /// R, then.
    current_r: SeatSeconds,
    waiting: u32,
    executing: u32,
    seats_waiting: u32,
    seats_in_use: u32,
    /// See [`QueueSet::seat_demand`].
    forgotten_seats: u32,
    /// What a level without queues has started, until the caller hears of it.
    untold: Option<Started>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LevelMode {
    Exempt,
    Rejecting,
    Queuing { queue_length_limit: u32 },
}

/// A request that has started, to be handed back when it finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The caller's.
    pub id: u32,
    /// Where it waited; `None` where the level has no queues.
    pub queue: Option<u32>,
    /// When it started, in nanoseconds.
    pub at_ns: u64,
    /// What it takes: as it was estimated, but for final seats beyond the limit.
    pub work: WorkEstimate,
}

/// Why a request is rejected, all with HTTP status 429 (metric `apiserver_flowcontrol_rejected_requests_total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RejectReason {
    /// No seat was free and too many requests waited in its queue.
    QueueFull,
    /// It didn't fit, in a level without queues.
    ConcurrencyLimit,
    /// It waited too long. It is for the caller to tell, by [`QueueSet::give_up`].
    TimeOut,
}

impl RejectReason {
    /// As metrics have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::ConcurrencyLimit => "concurrency-limit",
            Self::TimeOut => "time-out",
        }
    }
}

impl QueueSet {
    /// The exempt level: nothing waits, nothing is rejected.
    pub fn exempt() -> Self {
        Self::new(LevelMode::Exempt, 0, 0)
    }

    /// A level without queues, of so many seats.
    pub fn rejecting(limit: u32) -> Self {
        Self::new(LevelMode::Rejecting, 0, limit)
    }

    /// A level with so many queues, at least one, for so many requests each, and of so many seats.
    pub fn queuing(queues: u32, queue_length_limit: u32, limit: u32) -> Self {
        assert!(queues > 0, "a level that queues has at least one queue");
        Self::new(LevelMode::Queuing { queue_length_limit }, queues as usize, limit)
    }

    fn new(kind: LevelMode, queues: usize, limit: u32) -> Self {
        Self {
            kind,
            limit,
            queues: std::iter::repeat_with(Queue::default).take(queues).collect(),
            with_waiting: QueueMask::new(queues),
            active_queues: 0,
            robin: 0,
            enqueues: 0,
            now_ns: 0,
            current_r: SeatSeconds::default(),
            waiting: 0,
            executing: 0,
            seats_waiting: 0,
            seats_in_use: 0,
            forgotten_seats: 0,
            untold: None,
        }
    }

    /// A request comes, and doesn't start yet: that is for [`QueueSet::dispatch`] to say. The queue in which it waits
    /// until then, for [`QueueSet::give_up`]; `None` where the level has no queues.
    ///
    /// `id` is the caller's; `hand` is what [`crate::apf::deal`] gives for its flow, and not looked at where the level
    /// has no queues.
    ///
    /// # Errors
    ///
    /// When the request is rejected there and then.
    pub fn arrive(
        &mut self,
        now_ns: u64,
        id: u32,
        hand: &[u32],
        work: WorkEstimate,
    ) -> Result<Option<u32>, RejectReason> {
        self.advance(now_ns);
        let LevelMode::Queuing { queue_length_limit } = self.kind else {
            return self.arrive_without_queue(id, work);
        };
        let chosen = self.choose(hand);
        let queue = &mut self.queues[chosen as usize];
        if self.seats_in_use >= self.limit && queue.len() >= queue_length_limit as usize {
            return Err(RejectReason::QueueFull);
        }
        self.active_queues += u32::from(!queue.is_active());
        queue.enqueue(Waiting::new(id, work, self.current_r));
        self.with_waiting.insert(chosen as usize);
        self.waiting += 1;
        self.seats_waiting += work.max_seats();
        Ok(Some(chosen))
    }

    /// The next request that starts at that moment, if any does. To be called until none does after an arrival, a
    /// finish, the end of a final phase and a new limit, but not after a request gave up: upstream doesn't look then.
    pub fn dispatch(&mut self, now_ns: u64) -> Option<Started> {
        self.advance(now_ns);
        if let Some(started) = self.untold.take() {
            return Some(started);
        }
        if self.waiting == 0 || self.seats_in_use >= self.limit {
            return None;
        }
        let next = self.with_waiting.round_robin(self.robin).min_by_key(|queue| self.queues[*queue].head_finish_r())?;
        if !self.fits(self.queues[next].head()?.work.max_seats()) {
            return None;
        }
        let Waiting { id, work, .. } = self.queues[next].dispatch()?;
        self.robin = next;
        let cut = within(self.limit, work);
        self.leave_queue(next, &work);
        self.forgotten_seats = self.forgotten_seats.saturating_add(work.max_seats() - cut.max_seats());
        let queue = u32::try_from(next).ok();
        Some(self.start(id, queue, cut))
    }

    /// A request has been answered. Where it lingers, until when: its seats are to be released then.
    #[must_use = "the seats of a request that lingers have to be released"]
    pub fn finish(&mut self, now_ns: u64, started: &Started) -> Option<u64> {
        self.advance(now_ns);
        assert!(self.executing > 0, "request {} finishes where none runs", started.id);
        self.executing -= 1;
        if let Some(queue) = started.queue {
            let queue = &mut self.queues[queue as usize];
            queue.finish(&started.work, now_ns - started.at_ns);
            self.active_queues -= u32::from(!queue.is_active());
        }
        if started.work.additional_latency_nanos > 0 {
            return Some(now_ns + started.work.additional_latency_nanos);
        }
        self.free(started);
        None
    }

    /// A request has lingered to its end.
    pub fn release(&mut self, now_ns: u64, started: &Started) {
        self.advance(now_ns);
        self.free(started);
    }

    /// A request has waited for as long as it may. Whether it still waited in that queue, and now leaves; otherwise
    /// nothing happens at all.
    pub fn give_up(&mut self, now_ns: u64, id: u32, queue: u32) -> bool {
        let index = queue as usize;
        let Some(position) = self.queues.get(index).and_then(|queue| queue.position(id)) else {
            return false;
        };
        self.advance(now_ns);
        let queue = &mut self.queues[index];
        let Some(left) = queue.remove(position) else {
            return false;
        };
        self.active_queues -= u32::from(!queue.is_active());
        self.leave_queue(index, &left.work);
        true
    }

    /// The level has so many seats from now on. Requests that run keep theirs. The server sets the limit at each
    /// adjustment, be it the same.
    pub fn set_limit(&mut self, now_ns: u64, limit: u32) {
        self.advance(now_ns);
        self.limit = limit;
    }

    /// Seats of the level.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Requests that run, without those that linger.
    pub const fn executing(&self) -> u32 {
        self.executing
    }

    /// Requests that wait.
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Seats of the requests that run or linger. They can be more than the limit.
    pub const fn seats_in_use(&self) -> u32 {
        self.seats_in_use
    }

    /// Seats of the requests that wait.
    pub const fn seats_waiting(&self) -> u32 {
        self.seats_waiting
    }

    /// What the level asks for, in seats, as upstream counts it to divide the seats by: those in use and those waited
    /// for, and for ever those by which final seats were cut at a dispatch. Upstream adds the seats of a waiting
    /// request as estimated and subtracts them as cut (`queueset.go`, `dispatchLocked`).
    pub const fn seat_demand(&self) -> u32 {
        self.seats_in_use.saturating_add(self.seats_waiting).saturating_add(self.forgotten_seats)
    }

    /// Brings virtual time up to now, by what has held since the last event (`syncTimeLocked`).
    fn advance(&mut self, now_ns: u64) {
        let since = now_ns.checked_sub(self.now_ns).expect("events come in the order of time");
        self.now_ns = now_ns;
        if since > 0 && self.active_queues > 0 {
            let seats = (self.seats_in_use + self.seats_waiting).min(self.limit);
            let rate = f64::from(seats) / f64::from(self.active_queues);
            self.current_r += SeatSeconds::of(rate, since.cast_signed());
        }
    }

    /// It has its seats from now on (`dispatchSansQueueLocked`).
    fn arrive_without_queue(&mut self, id: u32, work: WorkEstimate) -> Result<Option<u32>, RejectReason> {
        if !self.fits(work.max_seats()) {
            return Err(RejectReason::ConcurrencyLimit);
        }
        assert!(self.untold.is_none(), "request {id} comes before the caller knows that the one before it has started");
        self.untold = Some(self.start(id, None, work));
        Ok(None)
    }

    /// The queue of the hand with the least work waiting (`shuffleShardLocked`).
    fn choose(&mut self, hand: &[u32]) -> u32 {
        assert!(!hand.is_empty(), "a flow is dealt at least one queue");
        let (before, first) = hand.split_at(self.enqueues % hand.len());
        self.enqueues += 1;
        let tried = first.iter().chain(before).copied();
        tried.min_by_key(|queue| self.queues[*queue as usize].waiting_work()).unwrap_or_default()
    }

    /// Whether a request of so many seats can start (`canAccommodateSeatsLocked`).
    fn fits(&self, seats: u32) -> bool {
        match self.kind {
            LevelMode::Exempt => true,
            LevelMode::Rejecting | LevelMode::Queuing { .. } if seats > self.limit => self.executing == 0,
            LevelMode::Rejecting | LevelMode::Queuing { .. } => self.seats_in_use + seats <= self.limit,
        }
    }

    /// A request with that work doesn't wait in the queue any longer.
    fn leave_queue(&mut self, index: usize, work: &WorkEstimate) {
        self.waiting -= 1;
        self.seats_waiting -= work.max_seats();
        if self.queues[index].head().is_none() {
            self.with_waiting.remove(index);
        }
    }

    fn start(&mut self, id: u32, queue: Option<u32>, work: WorkEstimate) -> Started {
        self.executing += 1;
        self.seats_in_use += work.max_seats();
        Started { id, queue, at_ns: self.now_ns, work }
    }

    fn free(&mut self, started: &Started) {
        let seats = started.work.max_seats();
        assert!(seats <= self.seats_in_use, "request {} gives back more seats than are in use", started.id);
        self.seats_in_use -= seats;
    }
}

#[cfg(test)]
mod tests;
