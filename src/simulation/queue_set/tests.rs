//! Each rule of the queue set by itself, and what holds whatever happens.

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
