//! One queue of a priority level, and which of a level's queues have requests waiting
//! (`k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset/types.go`, `fifo_list.go`).
//!
//! A queue knows nothing of seats and limits: it keeps the order of its requests, and how far it has come in virtual
//! time.

use std::collections::VecDeque;

use super::work::SeatSeconds;
use crate::apf::WorkEstimate;

/// Queues in a word of a [`QueueMask`].
const WORD_BITS: usize = 64;

/// A request that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The caller's.
    pub(super) id: u32,
    /// As it was estimated.
    pub(super) work: WorkEstimate,
    total_work: SeatSeconds,
    arrival_r: SeatSeconds,
}

impl Waiting {
    /// A request that comes at that virtual time.
    pub(super) fn new(id: u32, work: WorkEstimate, arrival_r: SeatSeconds) -> Self {
        Self { id, work, total_work: SeatSeconds::of_request(&work), arrival_r }
    }
}

/// First in, first out.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// Of all that wait.
    waiting_work: SeatSeconds,
    /// Requests that run; one in its final phase doesn't.
    executing: u32,
    /// The virtual time at which the head starts. Not before it came: a queue that didn't use its share can't save it
    /// up (`queueset.go`, `boundNextDispatchLocked`). Means nothing while the queue has nothing to do.
    next_dispatch_r: SeatSeconds,
    /// See [`Queue::head_finish_r`]. It is kept because all queues are asked for it at each dispatch.
    head_finish_r: SeatSeconds,
}

impl Queue {
    /// How many requests wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether it has its share of the seats in the virtual world: a request waits or runs.
    pub(super) fn is_active(&self) -> bool {
        self.executing > 0 || !self.waiting.is_empty()
    }

    /// The work of all requests that wait.
    pub(super) fn waiting_work(&self) -> SeatSeconds {
        self.waiting_work
    }

    /// The request that is next.
    pub(super) fn head(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// The virtual time at which the head ends. Means nothing while none waits.
    pub(super) fn head_finish_r(&self) -> SeatSeconds {
        self.head_finish_r
    }

    /// Takes in a request.
    pub(super) fn enqueue(&mut self, request: Waiting) {
        if !self.is_active() {
            self.next_dispatch_r = request.arrival_r;
        }
        self.waiting_work += request.total_work;
        self.waiting.push_back(request);
        self.settle();
    }

    /// The head, which now runs.
    pub(super) fn dispatch(&mut self) -> Option<Waiting> {
        let head = self.waiting.pop_front()?;
        self.waiting_work -= head.total_work;
        self.executing += 1;
        self.next_dispatch_r += head.total_work;
        self.settle();
        Some(head)
    }

    /// A request has run for so long.
    pub(super) fn finish(&mut self, work: &WorkEstimate, service_ns: u64) {
        assert!(self.executing > 0, "a request finishes in a queue of which none runs");
        self.executing -= 1;
        self.next_dispatch_r += SeatSeconds::beyond_estimate(work, service_ns);
        self.settle();
    }

    /// Where a request waits, 0 being the head. Those that give up are mostly near it.
    pub(super) fn position(&self, id: u32) -> Option<usize> {
        self.waiting.iter().position(|request| request.id == id)
    }

    /// Takes out the request at that position.
    pub(super) fn remove(&mut self, position: usize) -> Option<Waiting> {
        let request = self.waiting.remove(position)?;
        self.waiting_work -= request.total_work;
        self.settle();
        Some(request)
    }

    /// Holds for the head what has to hold after each change.
    fn settle(&mut self) {
        if let Some(head) = self.waiting.front() {
            self.next_dispatch_r = self.next_dispatch_r.max(head.arrival_r);
            self.head_finish_r = self.next_dispatch_r + head.total_work;
        }
    }
}

/// Some queues of a level, a bit each: those with requests waiting are few even where queues are many.
#[derive(Debug, Default)]
pub(super) struct QueueMask {
    words: Vec<u64>,
}

impl QueueMask {
    /// None of so many queues.
    pub(super) fn new(queues: usize) -> Self {
        Self { words: vec![0; queues.div_ceil(WORD_BITS)] }
    }

    /// Adds a queue.
    pub(super) fn insert(&mut self, queue: usize) {
        self.words[queue / WORD_BITS] |= 1 << (queue % WORD_BITS);
    }

    /// Takes a queue out.
    pub(super) fn remove(&mut self, queue: usize) {
        self.words[queue / WORD_BITS] &= !(1 << (queue % WORD_BITS));
    }

    /// The queues round robin, from the one after `last` to `last` itself.
    pub(super) fn round_robin(&self, last: usize) -> impl Iterator<Item = usize> {
        let count = self.words.len();
        let first = last / WORD_BITS;
        let up_to_last = u64::MAX >> (WORD_BITS - 1 - last % WORD_BITS);
        // The word of `last` comes twice: first its end, at the end its beginning.
        let masks = std::iter::once(!up_to_last).chain(std::iter::repeat_n(u64::MAX, count.saturating_sub(1)));
        let words = self.words.iter().enumerate().cycle().skip(first);
        let masked = words.zip(masks.chain([up_to_last]));
        masked.flat_map(|((index, word), mask)| ones(word & mask).map(move |bit| index * WORD_BITS + bit))
    }
}

/// The places of a word's ones, least first.
fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros();
        // The lowest one becomes 0.
        word &= word.wrapping_sub(1);
        (bit < u64::BITS).then_some(bit as usize)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_SEAT: WorkEstimate = WorkEstimate { initial_seats: 1, final_seats: 0, additional_latency_nanos: 0 };

    /// Virtual time after so many milliseconds with one seat.
    fn r(millis: i64) -> SeatSeconds {
        SeatSeconds::of(1.0, millis * 1_000_000)
    }

    #[test]
    fn queues_come_round_robin_from_the_one_after_the_last() {
        for (queues, members, last, expected) in [
            (1, &[0][..], 0, &[0][..]),
            (8, &[], 3, &[]),
            (8, &[0, 3, 4, 7], 3, &[4, 7, 0, 3]),
            (64, &[0, 62, 63], 63, &[0, 62, 63]),
            (65, &[0, 63, 64], 63, &[64, 0, 63]),
            (200, &[5, 64, 127, 128, 199], 127, &[128, 199, 5, 64, 127]),
            (200, &[5, 64, 127, 128, 199], 190, &[199, 5, 64, 127, 128]),
        ] {
            let mut mask = QueueMask::new(queues);
            members.iter().for_each(|queue| mask.insert(*queue));
            assert_eq!(mask.round_robin(last).collect::<Vec<_>>(), expected, "{queues} {members:?} {last}");
        }
        let mut mask = QueueMask::new(70);
        mask.insert(69);
        mask.insert(68);
        mask.remove(69);
        assert_eq!(mask.round_robin(0).collect::<Vec<_>>(), [68]);
    }

    #[test]
    fn a_queue_is_charged_3_milliseconds_at_first_and_the_rest_at_the_end() {
        let mut queue = Queue::default();
        for id in 0..3 {
            queue.enqueue(Waiting::new(id, ONE_SEAT, r(100)));
        }
        assert_eq!(queue.head_finish_r(), r(103));
        queue.dispatch();
        assert_eq!(queue.head_finish_r(), r(106));
        queue.finish(&ONE_SEAT, 10_000_000);
        assert_eq!(queue.head_finish_r(), r(113));
    }

    #[test]
    fn a_share_left_unused_is_not_saved_up() {
        let mut queue = Queue::default();
        queue.enqueue(Waiting::new(0, ONE_SEAT, r(0)));
        queue.dispatch();
        // While it runs the queue stays active, so nothing sets its virtual time but this bound.
        queue.enqueue(Waiting::new(1, ONE_SEAT, r(500)));
        assert_eq!(queue.head_finish_r(), r(503));
        queue.enqueue(Waiting::new(2, ONE_SEAT, r(600)));
        queue.remove(0);
        assert_eq!(queue.head_finish_r(), r(603));
        queue.enqueue(Waiting::new(3, ONE_SEAT, r(700)));
        queue.dispatch();
        assert_eq!(queue.head_finish_r(), r(703));
        queue.finish(&ONE_SEAT, 1_000_000);
        assert_eq!(queue.head_finish_r(), r(703));
    }
}
