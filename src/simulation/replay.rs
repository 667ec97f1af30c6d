//! From event to event: what becomes of each request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::events::{Event, Rank, Step};
use super::levels::{ADJUSTMENT_NANOS, Levels};
use super::pressure::{MemoryPressure, PressureOutcome, ServerMemory};
use super::queue_set::{RejectReason, Started};
use super::scenario::{RequestKind, Scenario};
use super::service::Processor;
use super::{ReplayAssumptions, Service, Traffic, TrafficRequest};

/// The result of one replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The fate of each request, in the order of the traffic.
    pub fates: Vec<Fate>,
    /// The priority levels, in the order of the scenario.
    pub levels: Vec<LevelOutcome>,
    /// LISTs of each FlowSchema that ran at once, at most, in the order of the scenario.
    pub schema_lists: Vec<u32>,
    /// The memory of all LISTs.
    pub pressure: PressureOutcome,
    /// When the upper bound of that was above the limit, in nanoseconds: from, to.
    pub above_ns: Vec<(u64, u64)>,
}

/// The fate of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// How it ended.
    pub end: End,
    /// Its arrival, in nanoseconds; in a closed loop that of its first try.
    pub arrived_ns: u64,
    /// The time in nanoseconds until it started, was rejected for good, or was cut off while it waited.
    pub wait_ns: u64,
    /// The time in nanoseconds from its arrival to its response.
    pub took_ns: u64,
    /// Retries after a rejection; always 0 outside a closed loop.
    pub retries: u8,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has not arrived yet.
    Unseen,
    /// It is waiting.
    Waiting,
    /// It is running.
    Running,
    /// It ran.
    Executed,
    /// It was rejected.
    Rejected(RejectReason),
    /// The server restarted before its end.
    CutOff,
    /// It bypassed API Priority and Fairness.
    PassedBy,
}

/// The maxima of a priority level over one replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LevelOutcome {
    /// The most requests that ran at once.
    pub most_executing: u32,
    /// The most LISTs among them.
    pub most_lists: u32,
    /// The most requests that waited at once.
    pub most_waiting: u32,
    /// The most seats that it had.
    pub most_limit: u32,
}

/// Replays the traffic. `works` are what [`super::infer_works()`] gives for the capacity of these assumptions; `memory` says what the
/// server holds besides LISTs, and its memory limit.
pub fn replay(
    traffic: &Traffic,
    works: &[u64],
    scenario: &Scenario,
    assumptions: &ReplayAssumptions,
    memory: ServerMemory,
) -> Replay {
    let mut run = Run::new(traffic, works, scenario, assumptions, memory);
    while let Some((now_ns, step)) = run.next() {
        run.take(now_ns, step);
    }
    Replay {
        fates: run.fates,
        levels: run.outcomes,
        schema_lists: run.schema_lists.iter().map(|lists| lists.most).collect(),
        pressure: run.pressure.outcome(),
        above_ns: run.pressure.above_ns().to_vec(),
    }
}

/// After so many adjustments, nearly 3 hours, a demand of 1,000 seats has become one of less than a millionth.
const FORGETTING_ADJUSTMENTS: u64 = 1_000;

/// client-go tries so often again (`client-go/rest/request.go`, `maxRetries`).
const MOST_RETRIES: u8 = 10;

/// A count, and its maximum so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AtOnce {
    pub(super) now: u32,
    pub(super) most: u32,
}

impl AtOnce {
    pub(super) fn begin(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }

    pub(super) fn end(&mut self) {
        self.now -= 1;
    }
}

/// A request that runs, or has ended but still holds its seats.
#[derive(Clone, Copy, Debug)]
struct Running {
    started: Started,
    level: u32,
}

struct Run<'a> {
    traffic: &'a Traffic,
    works: &'a [u64],
    scenario: &'a Scenario,
    assumptions: &'a ReplayAssumptions,
    levels: Levels,
    outcomes: Vec<LevelOutcome>,
    /// LISTs that run, by priority level and by FlowSchema.
    level_lists: Vec<AtOnce>,
    schema_lists: Vec<AtOnce>,
    processor: Processor,
    scheduled: BinaryHeap<Reverse<Event>>,
    sequence: u64,
    running: Vec<Running>,
    free: Vec<u32>,
    fates: Vec<Fate>,
    pressure: MemoryPressure<'a>,
    next_request: usize,
    next_restart: usize,
    next_adjustment_ns: u64,
    /// Requests of which the end isn't known yet.
    pending: usize,
    /// Adjustments since anything last ran or waited.
    idle_adjustments: u64,
    /// For each request, which ones come after it.
    followers: Vec<Vec<u32>>,
}

impl<'a> Run<'a> {
    fn new(
        traffic: &'a Traffic,
        works: &'a [u64],
        scenario: &'a Scenario,
        assumptions: &'a ReplayAssumptions,
        memory: ServerMemory,
    ) -> Self {
        let unseen = |request: &TrafficRequest| Fate {
            end: End::Unseen,
            arrived_ns: request.received_ns,
            wait_ns: 0,
            took_ns: 0,
            retries: 0,
        };
        let mut followers = vec![Vec::new(); traffic.follows.len()];
        for (at, follows) in (0..).zip(&traffic.follows) {
            if let Some(follows) = follows {
                followers[follows.request as usize].push(at);
            }
        }
        let mut run = Self {
            traffic,
            works,
            scenario,
            assumptions,
            levels: Levels::started(scenario, 0),
            outcomes: vec![LevelOutcome::default(); scenario.levels.len()],
            level_lists: vec![AtOnce::default(); scenario.levels.len()],
            schema_lists: vec![AtOnce::default(); scenario.flow_schemas.len()],
            processor: Processor::new(assumptions.capacity),
            scheduled: BinaryHeap::new(),
            sequence: 0,
            running: Vec::new(),
            free: Vec::new(),
            fates: traffic.requests.iter().map(unseen).collect(),
            pressure: MemoryPressure::new(&traffic.lists, memory),
            next_request: 0,
            next_restart: 0,
            next_adjustment_ns: assumptions.first_adjustment_ns,
            pending: 0,
            idle_adjustments: 0,
            followers,
        };
        run.skip_followers();
        run.note_limits();
        run
    }

    /// What comes next, and when.
    fn next(&self) -> Option<(u64, Step)> {
        let request = self.traffic.requests.get(self.next_request);
        let scheduled = self.scheduled.peek().map(|Reverse(event)| (event.at_ns, Step::Scheduled(event.rank)));
        if request.is_none() && scheduled.is_none() && self.pending == 0 {
            return None;
        }
        let steps = [
            request.map(|request| (request.received_ns, Step::Arrival)),
            scheduled,
            self.processor.next_end_ns().map(|at| (at, Step::SharedEnd)),
            self.traffic.restarts_ns.get(self.next_restart).map(|at| (*at, Step::Restart)),
            Some((self.next_adjustment_ns, Step::Adjustment)),
        ];
        steps.into_iter().flatten().min_by_key(|(at, step)| (*at, step.rank()))
    }

    fn take(&mut self, now_ns: u64, step: Step) {
        match step {
            Step::Arrival => {
                let index = to_index(self.next_request);
                self.next_request += 1;
                self.skip_followers();
                self.arrive(now_ns, index);
            }
            Step::Scheduled(_) => {
                if let Some(Reverse(event)) = self.scheduled.pop() {
                    self.take_scheduled(now_ns, event);
                }
            }
            Step::SharedEnd => {
                if let Some(slot) = self.processor.end(now_ns) {
                    self.end(now_ns, slot);
                }
            }
            Step::Adjustment => self.adjust(now_ns),
            Step::Restart => self.restart(now_ns),
        }
    }

    fn take_scheduled(&mut self, now_ns: u64, event: Event) {
        match event.rank {
            Rank::Release => {
                let Running { started, level } = self.running[event.of as usize];
                self.free.push(event.of);
                self.levels.levels[level as usize].queue_set.release(now_ns, &started);
                self.dispatch(now_ns, level);
            }
            Rank::End => self.end(now_ns, event.of),
            Rank::GiveUp => {
                let fate = &self.fates[event.of as usize];
                let level = self.kind(event.of).level;
                if let (End::Waiting, true, Some(level)) = (fate.end, fate.retries == event.attempt, level) {
                    let state = &mut self.levels.levels[level as usize];
                    if state.queue_set.give_up(now_ns, event.of, event.queue) {
                        state.note_demand(now_ns);
                        self.reject(now_ns, event.of, RejectReason::TimeOut);
                    }
                }
            }
            Rank::Return => self.arrive(now_ns, event.of),
        }
    }

    /// Requests that follow others don't arrive by the log.
    fn skip_followers(&mut self) {
        while self.traffic.follows.get(self.next_request).is_some_and(Option::is_some) {
            self.next_request += 1;
        }
    }

    fn kind(&self, index: u32) -> &'a RequestKind {
        &self.scenario.kinds[self.traffic.requests[index as usize].kind as usize]
    }

    fn arrive(&mut self, now_ns: u64, index: u32) {
        let kind = self.kind(index);
        let fate = &mut self.fates[index as usize];
        if fate.retries == 0 {
            fate.arrived_ns = now_ns;
        }
        let Some(level) = kind.level else {
            fate.end = End::PassedBy;
            if !self.followers.is_empty() {
                self.call_followers(now_ns, index);
            }
            return;
        };
        fate.end = End::Waiting;
        let attempt = fate.retries;
        self.pending += 1;
        let state = &mut self.levels.levels[level as usize];
        let work = kind.works[usize::from(self.assumptions.takes_most_seats)];
        let admission = state.queue_set.arrive(now_ns, index, &self.scenario.hands[kind.hand as usize], work);
        match admission {
            Ok(queue) => {
                self.dispatch(now_ns, level);
                if let (End::Waiting, Some(queue)) = (self.fates[index as usize].end, queue) {
                    let at_ns = now_ns.saturating_add(kind.wait_limit_ns);
                    self.schedule(Event { at_ns, rank: Rank::GiveUp, sequence: 0, of: index, queue, attempt });
                }
            }
            Err(reason) => {
                state.note_demand(now_ns);
                self.reject(now_ns, index, reason);
            }
        }
    }

    /// Starts whatever can start now.
    fn dispatch(&mut self, now_ns: u64, level: u32) {
        while let Some(started) = self.levels.levels[level as usize].queue_set.dispatch(now_ns) {
            self.start(now_ns, level, started);
        }
        self.levels.levels[level as usize].note_demand(now_ns);
        self.note_level(level);
    }

    fn start(&mut self, now_ns: u64, level: u32, started: Started) {
        let index = started.id as usize;
        let request = &self.traffic.requests[index];
        let fate = &mut self.fates[index];
        fate.end = End::Running;
        fate.wait_ns = now_ns - fate.arrived_ns;
        let slot = self.occupy(Running { started, level });
        if let Some(list) = request.list {
            self.pressure.begin(now_ns, list);
            self.level_lists[level as usize].begin();
            self.schema_lists[self.scenario.kinds[request.kind as usize].flow_schema as usize].begin();
        }
        match request.service {
            Service::Fixed(service_ns) => {
                let at_ns = now_ns.saturating_add(service_ns);
                self.schedule(Event { at_ns, rank: Rank::End, sequence: 0, of: slot, queue: 0, attempt: 0 });
            }
            Service::Shared(work) => self.processor.start(now_ns, self.works[work as usize], slot),
        }
    }

    fn end(&mut self, now_ns: u64, slot: u32) {
        let Running { started, level } = self.running[slot as usize];
        let index = started.id as usize;
        let fate = &mut self.fates[index];
        fate.end = End::Executed;
        fate.took_ns = now_ns - fate.arrived_ns;
        self.pending -= 1;
        let request = &self.traffic.requests[index];
        if let Some(list) = request.list {
            self.pressure.end(now_ns, list);
            self.level_lists[level as usize].end();
            self.schema_lists[self.scenario.kinds[request.kind as usize].flow_schema as usize].end();
        }
        match self.levels.levels[level as usize].queue_set.finish(now_ns, &started) {
            None => self.free.push(slot),
            Some(at_ns) => {
                self.schedule(Event { at_ns, rank: Rank::Release, sequence: 0, of: slot, queue: 0, attempt: 0 });
            }
        }
        self.dispatch(now_ns, level);
        if !self.followers.is_empty() {
            self.call_followers(now_ns, started.id);
        }
    }

    fn reject(&mut self, now_ns: u64, index: u32, reason: RejectReason) {
        self.pending -= 1;
        let level = self.kind(index).level.unwrap_or_default();
        let is_closed = !self.followers.is_empty();
        let pause_ns = self.levels.levels[level as usize].retry_after.rejected(now_ns);
        let fate = &mut self.fates[index as usize];
        fate.end = End::Rejected(reason);
        fate.took_ns = now_ns - fate.arrived_ns;
        fate.wait_ns = fate.took_ns;
        if !is_closed {
            return;
        }
        if fate.retries < MOST_RETRIES {
            fate.retries += 1;
            let at_ns = now_ns.saturating_add(pause_ns);
            self.schedule(Event { at_ns, rank: Rank::Return, sequence: 0, of: index, queue: 0, attempt: 0 });
        } else {
            self.call_followers(now_ns, index);
        }
    }

    /// Schedules the requests that follow one that has ended.
    fn call_followers(&mut self, now_ns: u64, index: u32) {
        for follower in std::mem::take(&mut self.followers[index as usize]) {
            let pause_ns = self.traffic.follows[follower as usize].map_or(0, |follows| follows.pause_ns);
            let at_ns = now_ns.saturating_add(pause_ns);
            self.schedule(Event { at_ns, rank: Rank::Return, sequence: 0, of: follower, queue: 0, attempt: 0 });
        }
    }

    fn adjust(&mut self, now_ns: u64) {
        self.next_adjustment_ns = now_ns.saturating_add(ADJUSTMENT_NANOS);
        self.idle_adjustments = if self.pending == 0 { self.idle_adjustments + 1 } else { 0 };
        if self.idle_adjustments > FORGETTING_ADJUSTMENTS {
            self.skip_idle_adjustments(now_ns);
        }
        self.levels.adjust(now_ns);
        for level in 0..self.scenario.levels.len() {
            self.dispatch(now_ns, to_index(level));
        }
        self.note_limits();
    }

    /// Where nothing has run for so long that the levels have forgotten all demand, further adjustments change nothing.
    fn skip_idle_adjustments(&mut self, now_ns: u64) {
        let request = self.traffic.requests.get(self.next_request).map(|request| request.received_ns);
        let scheduled = self.scheduled.peek().map(|Reverse(event)| event.at_ns);
        let restart = self.traffic.restarts_ns.get(self.next_restart).copied();
        if let Some(next_ns) = [request, scheduled, restart].into_iter().flatten().min() {
            let whole = next_ns.saturating_sub(now_ns) / ADJUSTMENT_NANOS;
            self.next_adjustment_ns = now_ns.saturating_add(whole.max(1) * ADJUSTMENT_NANOS);
        }
    }

    /// The server restarts: all that ran or waited is cut off, and seats are divided from the start.
    fn restart(&mut self, now_ns: u64) {
        self.next_restart += 1;
        self.next_adjustment_ns = now_ns.saturating_add(self.assumptions.first_adjustment_ns);
        self.levels = Levels::started(self.scenario, now_ns);
        self.processor.clear();
        self.pressure.clear(now_ns);
        self.level_lists.iter_mut().chain(&mut self.schema_lists).for_each(|lists| lists.now = 0);
        self.running.clear();
        self.free.clear();
        self.scheduled.retain(|Reverse(event)| event.rank == Rank::Return);
        self.pending = 0;
        for index in 0..self.fates.len() {
            let fate = &mut self.fates[index];
            if matches!(fate.end, End::Waiting | End::Running) {
                fate.took_ns = now_ns.saturating_sub(fate.arrived_ns);
                fate.wait_ns = if fate.end == End::Waiting { fate.took_ns } else { fate.wait_ns };
                fate.end = End::CutOff;
                if !self.followers.is_empty() {
                    self.call_followers(now_ns, to_index(index));
                }
            }
        }
        self.note_limits();
    }

    fn occupy(&mut self, running: Running) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.running[slot as usize] = running;
            return slot;
        }
        self.running.push(running);
        to_index(self.running.len() - 1)
    }

    fn schedule(&mut self, event: Event) {
        self.sequence += 1;
        self.scheduled.push(Reverse(Event { sequence: self.sequence, ..event }));
    }

    fn note_level(&mut self, level: u32) {
        let at = level as usize;
        let (queue_set, outcome) = (&self.levels.levels[at].queue_set, &mut self.outcomes[at]);
        outcome.most_executing = outcome.most_executing.max(queue_set.executing());
        outcome.most_lists = outcome.most_lists.max(self.level_lists[at].most);
        outcome.most_waiting = outcome.most_waiting.max(queue_set.waiting());
    }

    fn note_limits(&mut self) {
        for (outcome, level) in self.outcomes.iter_mut().zip(&self.levels.levels) {
            let limit = level.queue_set.limit();
            outcome.most_limit = outcome.most_limit.max(limit);
        }
    }
}

fn to_index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
