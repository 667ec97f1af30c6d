//! The cluster at work: who asks what next, how long the answer takes and how it ends.

use super::call::Call;
use super::clients::{Clients, Who};
use super::digits::Micros;
use super::draw::BodyCredit;
use super::mix::asks;
use super::random::Random;
use super::routine::{habits, streams};
use super::timeline::{Request, Stage, Task, Timeline};
use super::{Options, Stages};

/// Everything that decides what the next line is.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) clients: Clients,
    pub(super) calls: Vec<Call>,
    pub(super) routines: Vec<Routine>,
    pub(super) timeline: Timeline,
    pub(super) random: Random,
    pub(super) state: State,
    asks: Vec<Source>,
    ask_weight: u64,
    ask_gap: Micros,
    pub(super) stages: Stages,
    pub(super) body_credit: BodyCredit,
}

/// What a storm changes.
#[derive(Debug)]
pub(super) struct State {
    /// How many times longer than usual requests take; lists feel all of it, others half.
    pub(super) slowness: i64,
    /// Whose lists and watches APF refuses now and then.
    pub(super) refused: Vec<Who>,
    /// Until when a restarted server does not know the cluster's roles.
    pub(super) roles_known_at: Micros,
}

/// A client's routine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routine {
    pub(super) who: Who,
    pub(super) client: usize,
    pub(super) pace: Pace,
    /// The names in its calls follow from it.
    seed: u64,
}

/// When a routine goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// At fixed distances: call, period, and when it stops.
    Every(usize, Micros, Micros),
    /// As soon as the last request is done: call, and when it stops.
    BackToBack(usize, Micros),
    /// A watch follows a watch.
    Stream(Watching),
}

/// A stream's calls, as places in the catalogue, and what comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watching {
    pub(super) watch: usize,
    pub(super) watch_list: Option<usize>,
    pub(super) relist: usize,
    pub(super) full_list: usize,
    pub(super) next: Next,
}

/// How a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With a watch from the last resource version.
    Watch,
    /// With a watch that begins with all objects.
    WatchList,
    /// With a list from the cache.
    Relist,
    /// With a list of what stands in etcd.
    FullList,
}

/// A call that comes at no fixed time.
#[derive(Debug)]
struct Source {
    who: Who,
    call: usize,
    weight_until: u64,
}

impl Cluster {
    pub(super) fn new(options: &Options) -> Self {
        let mut random = Random::new(options.seed);
        let clients = Clients::new(options.nodes, &mut random);
        let mut cluster = Self {
            clients,
            calls: Vec::new(),
            routines: Vec::new(),
            timeline: Timeline::default(),
            random,
            state: State { slowness: 1, refused: Vec::new(), roles_known_at: Micros::MIN },
            asks: Vec::new(),
            ask_weight: 0,
            ask_gap: 1,
            stages: options.stages,
            body_credit: BodyCredit::new(whole(options.bodies_percent * 10_000.0)),
        };
        cluster.add_asks(options);
        cluster.add_habits(options.start);
        cluster.add_streams(options.start);
        cluster.set_ask_gap(options);
        cluster.timeline.plan(options.start, Task::Ask);
        cluster
    }

    fn add_call(&mut self, spec: &super::call::Spec) -> usize {
        self.calls.push(Call::new(spec));
        self.calls.len() - 1
    }

    fn add_asks(&mut self, options: &Options) {
        for ask in asks(options.nodes * 30 / 500) {
            self.ask_weight += ask.weight;
            let call = self.add_call(&ask.spec);
            self.asks.push(Source { who: ask.who, call, weight_until: self.ask_weight });
        }
    }

    fn add_habits(&mut self, start: Micros) {
        for habit in habits() {
            let call = self.add_call(&habit.spec);
            let period = i64::from(habit.period_secs) * 1_000_000;
            for client in self.clients.of(habit.who) {
                let at = self.random.between(start, start + period);
                self.add_routine(habit.who, client, Pace::Every(call, period, Micros::MAX), at);
            }
        }
    }

    /// Each stream's watch is open when the log begins, as it is when a log file is rotated.
    fn add_streams(&mut self, start: Micros) {
        for stream in streams() {
            let watching = Watching {
                watch: self.add_call(&stream.watch),
                watch_list: stream.watch_list.as_ref().map(|spec| self.add_call(spec)),
                relist: self.add_call(&stream.relist),
                full_list: self.add_call(&stream.full_list),
                next: Next::Watch,
            };
            for client in self.clients.of(stream.who) {
                let routine = self.routines.len();
                let seed = self.random.bits();
                self.routines.push(Routine { who: stream.who, client, pace: Pace::Stream(watching), seed });
                let mut request = self.open_watch(client, watching.watch, start, seed);
                request.routine = Some(routine);
                request.stage = Stage::ResponseComplete;
                self.plan_line(request);
            }
        }
    }

    /// A watch that is open at `start`: of those that may have begun in the ten minutes before, one that lasts so long.
    fn open_watch(&mut self, client: usize, call: usize, start: Micros, seed: u64) -> Request {
        loop {
            let begun_at = self.random.between(start - 600_000_000, start);
            let request = self.request(client, call, begun_at, seed);
            if request.completed_at >= start {
                return request;
            }
        }
    }

    /// Adds a routine that takes its first turn at `at`.
    pub(super) fn add_routine(&mut self, who: Who, client: usize, pace: Pace, at: Micros) {
        let seed = self.random.bits();
        self.routines.push(Routine { who, client, pace, seed });
        self.timeline.plan(at, Task::Turn(self.routines.len() - 1));
    }

    /// What routines leave of the wanted rate is asked in between; at least a tenth of it.
    fn set_ask_gap(&mut self, options: &Options) {
        let per_hour: i64 = self
            .routines
            .iter()
            .map(|routine| match routine.pace {
                Pace::Every(_, period, _) => 3_600_000_000 / period,
                _ => 3_600 / 450,
            })
            .sum();
        let wanted = whole(options.requests_per_sec * 3_600.0).max(1);
        self.ask_gap = 3_600_000_000 / (wanted - per_hour).max(wanted / 10).max(1);
    }

    /// Lets a request arrive: its first line is planned.
    pub(super) fn arrive(&mut self, client: usize, call: usize, routine: Option<usize>, at: Micros) {
        let seed = match routine {
            Some(routine) => self.routines[routine].seed,
            None => self.random.bits(),
        };
        let mut request = self.request(client, call, at, seed);
        request.routine = routine;
        request.level = self.level(&request);
        self.plan_line(request);
    }

    /// Plans the request's present stage, or the next that it has.
    pub(super) fn plan_line(&mut self, mut request: Request) {
        let is_long_running = self.calls[request.call].is_long_running || request.code == 401;
        if request.stage == Stage::ResponseStarted && !is_long_running {
            request.stage = Stage::ResponseComplete;
        }
        let lag = match request.stage {
            // Written after authentication, with the instant before it.
            Stage::RequestReceived => self.random.between(60, 420),
            _ => self.random.between(4, 40),
        };
        // Now and then the goroutine is not run at once between taking the time and writing.
        let wait = if self.random.happens(12) { self.random.between(200, 9_000) } else { 0 };
        self.timeline.plan(request.stage_at() + lag + wait, Task::Write(Box::new(request)));
    }

    /// What follows from a line that was written.
    pub(super) fn written(&mut self, mut request: Box<Request>, now: Micros) {
        self.body_credit.earn();
        request.is_seen = true;
        match request.stage {
            Stage::RequestReceived => request.stage = Stage::ResponseStarted,
            Stage::ResponseStarted if request.code == 401 => return,
            Stage::ResponseStarted => request.stage = Stage::ResponseComplete,
            Stage::ResponseComplete => return self.done(&request, now),
        }
        self.plan_line(*request);
    }

    fn done(&mut self, request: &Request, now: Micros) {
        let soon = self.random.between(300, 40_000);
        if request.page < self.calls[request.call].page_count && request.code == 200 {
            let mut next = self.request(request.client, request.call, now + soon, request.seed);
            (next.page, next.version) = (request.page + 1, request.version);
            return self.plan_line(next);
        }
        let Some(routine) = request.routine else { return };
        let retry = self.random.between(800_000, 1_600_000);
        let delay = match (&mut self.routines[routine].pace, request.code) {
            (Pace::Every(..), _) => return,
            (_, 300..) => retry,
            (Pace::BackToBack(..), _) => soon,
            (Pace::Stream(watching), _) => {
                let was_watch = request.call == watching.watch;
                watching.next = if was_watch { watching.next } else { Next::Watch };
                soon
            }
        };
        self.timeline.plan(now + delay, Task::Turn(routine));
    }

    /// Takes a routine's turn.
    pub(super) fn turn(&mut self, routine: usize, now: Micros) {
        let Routine { client, pace, .. } = self.routines[routine];
        let call = match pace {
            Pace::Every(call, period, end) => {
                let drift = period / 25;
                let next = now + self.random.between(period - drift, period + drift);
                if next < end {
                    self.timeline.plan(next, Task::Turn(routine));
                }
                call
            }
            Pace::BackToBack(_, end) if now >= end => return,
            Pace::BackToBack(call, _) => call,
            Pace::Stream(watching) => match watching.next {
                Next::Watch => watching.watch,
                Next::WatchList => watching.watch_list.unwrap_or(watching.watch),
                Next::Relist => watching.relist,
                Next::FullList => watching.full_list,
            },
        };
        self.arrive(client, call, Some(routine), now);
    }

    /// Lets one of the calls come that come at no fixed time, and plans the next.
    pub(super) fn ask(&mut self, now: Micros) {
        let next = now + self.random.between(1, self.ask_gap * 2);
        self.timeline.plan(next, Task::Ask);
        let draw = self.random.below(self.ask_weight);
        let at = self.asks.partition_point(|source| source.weight_until <= draw);
        let Source { who, call, .. } = self.asks[at];
        let client = self.draw_client(who);
        self.arrive(client, call, None, now);
    }

    /// One of the clients of a kind.
    pub(super) fn draw_client(&mut self, who: Who) -> usize {
        let clients = self.clients.of(who);
        clients.start + self.random.index(clients.len())
    }
}

/// A rate or share, as a whole number of small units.
#[expect(clippy::cast_possible_truncation, reason = "`as` cuts off at the ends of the range, which is what is meant")]
const fn whole(value: f64) -> i64 {
    value as i64
}
