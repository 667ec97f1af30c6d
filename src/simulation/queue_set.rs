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
    kind: Kind,
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
enum Kind {
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
        Self::new(Kind::Exempt, 0, 0)
    }

    /// A level without queues, of so many seats.
    pub fn rejecting(limit: u32) -> Self {
        Self::new(Kind::Rejecting, 0, limit)
    }

    /// A level with so many queues, at least one, for so many requests each, and of so many seats.
    pub fn queuing(queues: u32, queue_length_limit: u32, limit: u32) -> Self {
        assert!(queues > 0, "a level that queues has at least one queue");
        Self::new(Kind::Queuing { queue_length_limit }, queues as usize, limit)
    }

    fn new(kind: Kind, queues: usize, limit: u32) -> Self {
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
        let Kind::Queuing { queue_length_limit } = self.kind else {
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
            Kind::Exempt => true,
            Kind::Rejecting | Kind::Queuing { .. } if seats > self.limit => self.executing == 0,
            Kind::Rejecting | Kind::Queuing { .. } => self.seats_in_use + seats <= self.limit,
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;

    fn seats(initial_seats: u32) -> WorkEstimate {
        WorkEstimate { initial_seats, final_seats: 0, additional_latency_nanos: 0 }
    }

    fn lingering(initial_seats: u32, final_seats: u32, millis: u64) -> WorkEstimate {
        WorkEstimate { initial_seats, final_seats, additional_latency_nanos: millis * MS }
    }

    /// All that starts now.
    fn dispatch(set: &mut QueueSet, now_ns: u64) -> Vec<Started> {
        std::iter::from_fn(|| set.dispatch(now_ns)).collect()
    }

    const NONE: [u32; 0] = [];

    fn ids(started: &[Started]) -> Vec<u32> {
        started.iter().map(|started| started.id).collect()
    }

    /// What starts when a request comes to that queue.
    fn arrive(set: &mut QueueSet, now_ns: u64, id: u32, queue: u32, work: WorkEstimate) -> Vec<Started> {
        assert_eq!(set.arrive(now_ns, id, &[queue], work), Ok(Some(queue)));
        dispatch(set, now_ns)
    }

    #[test]
    fn a_wide_head_that_does_not_fit_stops_the_other_queues() {
        let mut set = QueueSet::queuing(2, 50, 4);
        let narrow = arrive(&mut set, 0, 0, 0, seats(2));
        assert_eq!(ids(&narrow), [0]);
        assert_eq!(ids(&arrive(&mut set, 0, 1, 1, seats(3))), NONE);
        // It would fit, but it comes after the wide one.
        assert_eq!(ids(&arrive(&mut set, MS, 2, 0, seats(2))), NONE);
        assert_eq!((set.seats_in_use(), set.seats_waiting(), set.waiting()), (2, 5, 2));
        // The wide one leaves, and still nothing starts until something else happens.
        assert!(set.give_up(2 * MS, 1, 1) && !set.give_up(2 * MS, 1, 1));
        set.set_limit(3 * MS, 4);
        assert_eq!(ids(&dispatch(&mut set, 3 * MS)), [2]);
    }

    #[test]
    fn a_request_wider_than_the_limit_runs_when_no_other_does() {
        let mut set = QueueSet::queuing(1, 50, 4);
        let first = arrive(&mut set, 0, 0, 0, lingering(1, 3, 10));
        assert_eq!(ids(&arrive(&mut set, 0, 1, 0, seats(10))), NONE);
        assert_eq!(set.finish(MS, &first[0]), Some(11 * MS));
        // The first one lingers, but it doesn't run.
        assert_eq!(ids(&dispatch(&mut set, MS)), [1]);
        assert_eq!((set.seats_in_use(), set.executing()), (13, 1));
    }

    #[test]
    fn the_length_limit_holds_only_while_no_seat_is_free() {
        let mut set = QueueSet::queuing(1, 1, 3);
        assert_eq!(ids(&arrive(&mut set, 0, 0, 0, seats(2))), [0]);
        for id in 1..9 {
            assert_eq!(ids(&arrive(&mut set, 0, id, 0, seats(2))), NONE, "one seat is free, too few for the head");
        }
        set.set_limit(0, 2);
        assert_eq!(set.arrive(0, 9, &[0], seats(1)), Err(RejectReason::QueueFull));
        assert_eq!(set.waiting(), 8);
    }

    #[test]
    fn the_larger_of_both_numbers_of_seats_is_held_through_both_phases() {
        let mut set = QueueSet::queuing(1, 50, 4);
        let started = arrive(&mut set, 0, 0, 0, lingering(1, 3, 5));
        assert_eq!(set.seats_in_use(), 3);
        assert_eq!(set.finish(10 * MS, &started[0]), Some(15 * MS));
        assert_eq!((set.seats_in_use(), set.executing()), (3, 0));
        assert_eq!(ids(&arrive(&mut set, 11 * MS, 1, 0, seats(2))), NONE);
        set.release(15 * MS, &started[0]);
        assert_eq!(ids(&dispatch(&mut set, 15 * MS)), [1]);
    }

    #[test]
    fn final_seats_beyond_the_limit_are_cut_and_stay_in_the_demand() {
        let mut set = QueueSet::queuing(1, 50, 2);
        let started = arrive(&mut set, 0, 0, 0, lingering(1, 8, 5));
        assert_eq!(started[0].work, lingering(1, 2, 20));
        assert_eq!((set.seats_in_use(), set.seat_demand()), (2, 8));
        assert_eq!(set.finish(0, &started[0]), Some(20 * MS));
        set.release(20 * MS, &started[0]);
        assert_eq!((set.seats_in_use(), set.seats_waiting(), set.seat_demand()), (0, 0, 6));
    }

    /// The ids of those that start, one after another, each when the one before it has run for so long.
    fn run_in_turn(set: &mut QueueSet, mut now_ns: u64, service_ns: u64) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(started) = set.dispatch(now_ns) {
            order.push(started.id);
            now_ns += service_ns;
            assert_eq!(set.finish(now_ns, &started), None);
        }
        order
    }

    #[test]
    fn a_queue_that_used_less_than_its_share_does_not_get_it_later() {
        let mut set = QueueSet::queuing(2, 50, 2);
        arrive(&mut set, 0, 100, 0, seats(1));
        let mut running = arrive(&mut set, 0, 1, 1, seats(1));
        for id in 2..8 {
            assert_eq!(ids(&arrive(&mut set, 0, id, 1, seats(1))), NONE);
        }
        for at in [100, 200, 300, 400] {
            assert_eq!(set.finish(at * MS, &running[0]), None);
            running = dispatch(&mut set, at * MS);
        }
        // Queue 0 is charged with 3 ms so far, queue 1 with what it ran. Both have had half of the seats.
        for id in [101, 102] {
            assert_eq!(ids(&arrive(&mut set, 499 * MS, id, 0, seats(1))), NONE);
        }
        assert_eq!(set.finish(500 * MS, &running[0]), None);
        assert_eq!(run_in_turn(&mut set, 500 * MS, 100 * MS), [101, 6, 102, 7]);
    }

    #[test]
    fn a_queue_that_comes_back_starts_level_with_the_others_and_has_its_turn() {
        let mut set = QueueSet::queuing(2, 50, 1);
        let long = arrive(&mut set, 0, 0, 0, seats(1));
        assert_eq!(ids(&arrive(&mut set, 0, 1, 1, seats(1))), NONE);
        assert_eq!(set.finish(1_000 * MS, &long[0]), None);
        let running = dispatch(&mut set, 1_000 * MS);
        // Queue 0 has had twice its share, but then it had nothing to do.
        for (id, queue) in [(2, 1), (3, 1), (4, 0)] {
            assert_eq!(ids(&arrive(&mut set, 1_002 * MS, id, queue, seats(1))), NONE);
        }
        assert_eq!(set.finish(1_003 * MS, &running[0]), None);
        assert_eq!(run_in_turn(&mut set, 1_003 * MS, 3 * MS), [4, 2, 3]);
    }

    #[test]
    fn the_search_in_the_hand_begins_one_card_further_each_time_also_after_a_rejection() {
        let mut set = QueueSet::queuing(4, 1, 0);
        for (id, expected) in [
            (0, Ok(Some(3))),
            // Queue 3 has the more work waiting.
            (1, Ok(Some(0))),
            (2, Ok(Some(2))),
            (3, Err(RejectReason::QueueFull)),
        ] {
            assert_eq!(set.arrive(0, id, &[3, 0, 2], seats(1)), expected, "{id}");
        }
        assert!(set.give_up(0, 0, 3) && set.give_up(0, 1, 0) && set.give_up(0, 2, 2));
        assert_eq!(set.arrive(0, 4, &[3, 0, 2], seats(1)), Ok(Some(0)));
    }

    #[test]
    fn a_level_without_queues_starts_what_fits_and_rejects_the_rest() {
        let mut set = QueueSet::rejecting(0);
        // It is wider than the limit, but no other runs.
        assert_eq!(set.arrive(0, 0, &[], seats(2)), Ok(None));
        let started = dispatch(&mut set, 0);
        assert_eq!(started, [Started { id: 0, queue: None, at_ns: 0, work: seats(2) }]);
        assert_eq!(set.arrive(1, 1, &[], seats(1)), Err(RejectReason::ConcurrencyLimit));
        set.set_limit(2, 3);
        assert_eq!(set.arrive(2, 2, &[], seats(2)), Err(RejectReason::ConcurrencyLimit));
        assert_eq!(set.arrive(2, 3, &[], seats(1)), Ok(None));
        assert_eq!(ids(&dispatch(&mut set, 2)), [3]);
        assert_eq!(set.finish(3, &started[0]), None);
        assert_eq!((set.seats_in_use(), set.executing(), set.waiting()), (1, 1, 0));
        assert!(!set.give_up(3, 3, 0));
    }

    #[test]
    fn the_exempt_level_starts_all() {
        let mut set = QueueSet::exempt();
        for id in 0..1_000 {
            assert_eq!(set.arrive(0, id, &[], lingering(1, 9, 5)), Ok(None));
            assert_eq!(ids(&dispatch(&mut set, 0)), [id]);
        }
        assert_eq!((set.seats_in_use(), set.seat_demand(), set.executing()), (9_000, 9_000, 1_000));
    }

    #[test]
    fn reasons_have_the_names_of_upstream() {
        let reasons = [RejectReason::QueueFull, RejectReason::ConcurrencyLimit, RejectReason::TimeOut];
        assert_eq!(reasons.map(RejectReason::name), ["queue-full", "concurrency-limit", "time-out"]);
    }

    /// What happens next, some time after what was before; the choice is taken modulo those there are to choose from.
    #[derive(Clone, Debug)]
    enum Event {
        Arrive { hand: Vec<u32>, work: WorkEstimate },
        Finish { choice: usize },
        Release { choice: usize },
        GiveUp { choice: usize },
        SetLimit { limit: u32 },
    }

    fn event() -> impl Strategy<Value = (u64, Event)> {
        let work = (1_u32..6, 0_u32..6, 0_u64..3).prop_map(|(initial, last, millis)| lingering(initial, last, millis));
        let hand = Just(vec![0, 1, 2, 3, 4]).prop_shuffle().prop_map(|hand| hand[..2].to_vec());
        let event = prop_oneof![
            5 => (hand, work).prop_map(|(hand, work)| Event::Arrive { hand, work }),
            4 => any::<usize>().prop_map(|choice| Event::Finish { choice }),
            2 => any::<usize>().prop_map(|choice| Event::Release { choice }),
            1 => any::<usize>().prop_map(|choice| Event::GiveUp { choice }),
            1 => (0_u32..12).prop_map(|limit| Event::SetLimit { limit }),
        ];
        (0_u64..5 * MS, event)
    }

    fn take<T>(from: &mut Vec<T>, choice: usize) -> Option<T> {
        let index = choice.checked_rem(from.len())?;
        Some(from.remove(index))
    }

    /// A level, and where all that came to it is by now.
    struct Followed {
        set: QueueSet,
        waiting: Vec<(u32, u32)>,
        executing: Vec<Started>,
        lingering: Vec<Started>,
        /// Requests that were rejected, gave up or are done.
        gone: Vec<u32>,
    }

    impl Followed {
        fn apply(&mut self, now: u64, id: u32, event: Event) {
            match event {
                Event::Arrive { hand, work } => match self.set.arrive(now, id, &hand, work) {
                    Ok(queue) => self.waiting.push((id, queue.unwrap_or_default())),
                    Err(_) => self.gone.push(id),
                },
                Event::Finish { choice } => {
                    if let Some(done) = take(&mut self.executing, choice) {
                        match self.set.finish(now, &done) {
                            Some(_) => self.lingering.push(done),
                            None => self.gone.push(done.id),
                        }
                    }
                }
                Event::Release { choice } => {
                    if let Some(done) = take(&mut self.lingering, choice) {
                        self.set.release(now, &done);
                        self.gone.push(done.id);
                    }
                }
                Event::GiveUp { choice } => {
                    if let Some((id, queue)) = take(&mut self.waiting, choice) {
                        assert!(self.set.give_up(now, id, queue));
                        self.gone.push(id);
                    }
                    return;
                }
                Event::SetLimit { limit } => self.set.set_limit(now, limit),
            }
            for next in dispatch(&mut self.set, now) {
                let fits = self.seats_taken() + next.work.max_seats() <= self.set.limit();
                assert!(fits || self.executing.is_empty(), "{next:?} starts beside {:?}", self.executing);
                self.waiting.retain(|(id, _)| *id != next.id);
                self.executing.push(next);
            }
        }

        fn seats_taken(&self) -> u32 {
            self.executing.iter().chain(&self.lingering).map(|started| started.work.max_seats()).sum()
        }

        /// Every request is in one place.
        fn check_places(&self, arrivals: u32) {
            let waiting = self.waiting.iter().map(|(id, _)| *id);
            let started = self.executing.iter().chain(&self.lingering).map(|started| started.id);
            let mut all: Vec<u32> = waiting.chain(started).chain(self.gone.iter().copied()).collect();
            all.sort_unstable();
            assert_eq!(all, (0..arrivals).collect::<Vec<_>>());
        }

        /// The sums that are kept are those counted anew.
        fn check_sums(&self) {
            let Self { set, waiting, executing, .. } = self;
            let counts = [set.waiting, set.executing].map(|count| count as usize);
            assert_eq!(counts, [waiting.len(), executing.len()]);
            assert_eq!(set.seats_in_use, self.seats_taken());
            let with_waiting = |index: &usize| set.queues[*index].head().is_some();
            let mut masked: Vec<usize> = set.with_waiting.round_robin(set.robin).collect();
            masked.sort_unstable();
            assert_eq!(masked, (0..set.queues.len()).filter(with_waiting).collect::<Vec<_>>());
            assert_eq!(set.waiting as usize, set.queues.iter().map(Queue::len).sum::<usize>());
            assert_eq!(set.active_queues as usize, set.queues.iter().filter(|queue| queue.is_active()).count());
            assert_eq!(set.seats_waiting == 0, waiting.is_empty());
        }
    }

    proptest! {
        #[test]
        fn every_arrival_has_exactly_one_fate_and_starts_only_where_it_fits(
            queues in prop_oneof![Just(0), Just(5)],
            limit in 0_u32..12,
            events in prop::collection::vec(event(), 0..200),
        ) {
            let set = if queues == 0 { QueueSet::rejecting(limit) } else { QueueSet::queuing(queues, 3, limit) };
            let mut followed =
                Followed { set, waiting: vec![], executing: vec![], lingering: vec![], gone: vec![] };
            let (mut now, mut arrivals) = (0, 0);
            for (later, event) in events {
                now += later;
                let is_arrival = matches!(event, Event::Arrive { .. });
                followed.apply(now, arrivals, event);
                arrivals += u32::from(is_arrival);
                followed.check_places(arrivals);
                followed.check_sums();
            }
        }
    }
}
