//! The cluster: which client sends which request next, and what follows when a request completes.

use super::call::{Call, CallSpec};
use super::clients::{ClientKind, Clients};
use super::digits::Micros;
use super::draw::BodyCredit;
use super::mix::ad_hoc_calls;
use super::routine::{periodic_calls, watch_streams};
use super::timeline::{Request, Stage, Task, Timeline};
use super::{RecordedStages, SynthOptions};
use crate::units::Random;

/// All state that decides what the next line is.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) clients: Clients,
    pub(super) calls: Vec<Call>,
    pub(super) routines: Vec<Routine>,
    pub(super) timeline: Timeline,
    pub(super) random: Random,
    pub(super) effects: StormEffects,
    ad_hoc_calls: Vec<WeightedCall>,
    /// Sum of all weights.
    ad_hoc_weight: u64,
    /// Mean time between two ad hoc calls.
    ad_hoc_gap: Micros,
    pub(super) stages: RecordedStages,
    pub(super) body_credit: BodyCredit,
}

/// How a storm changes the server's answers.
#[derive(Debug)]
pub(super) struct StormEffects {
    /// Factor on the latency of lists; other requests are slowed down by half of it.
    pub(super) slowness: i64,
    /// Clients some of whose lists and watches APF rejects.
    pub(super) rejected: Vec<ClientKind>,
    /// When a restarted server has read the roles; before that it forbids many requests.
    pub(super) roles_known_at: Micros,
}

/// Requests that a client keeps sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routine {
    pub(super) kind: ClientKind,
    pub(super) client: usize,
    pub(super) schedule: Schedule,
    /// The names of the objects in its calls are derived from it.
    seed: u64,
}

/// When a routine sends its next request. Calls are indexes into the calls of the cluster.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schedule {
    /// Once per period, give or take 4 %.
    Every { call: usize, period: Micros, until: Micros },
    /// As soon as the last request completes.
    BackToBack { call: usize, until: Micros },
    /// A new watch as soon as the last one ends.
    Watch(WatchLoop),
}

/// The calls with which a client keeps a watch open, and the one that comes next.
#[derive(Clone, Copy, Debug)]
pub(super) struct WatchLoop {
    pub(super) watch: usize,
    /// `None` for clients that do not know streaming lists.
    pub(super) watch_list: Option<usize>,
    pub(super) relist: usize,
    pub(super) full_list: usize,
    pub(super) next: NextCall,
}

/// The call with which a watch loop continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextCall {
    /// A watch from the last resource version.
    Watch,
    /// A watch that begins with all objects.
    WatchList,
    /// A list from the watch cache.
    Relist,
    /// A list from etcd.
    FullList,
}

/// An ad hoc call. It is drawn if a random number falls between the bound of its predecessor and its own.
#[derive(Debug)]
struct WeightedCall {
    kind: ClientKind,
    call: usize,
    weight_until: u64,
}

impl Cluster {
    pub(super) fn new(options: &SynthOptions) -> Self {
        let mut random = Random::new(options.seed);
        let clients = Clients::new(options.nodes, &mut random);
        let mut cluster = Self {
            clients,
            calls: Vec::new(),
            routines: Vec::new(),
            timeline: Timeline::default(),
            random,
            effects: StormEffects { slowness: 1, rejected: Vec::new(), roles_known_at: Micros::MIN },
            ad_hoc_calls: Vec::new(),
            ad_hoc_weight: 0,
            ad_hoc_gap: 1,
            stages: options.stages,
            body_credit: BodyCredit::new(whole(options.bodies_percent * 10_000.0)),
        };
        cluster.add_ad_hoc_calls(options);
        cluster.add_periodic_calls(options.start);
        cluster.add_watch_streams(options.start);
        cluster.set_ad_hoc_gap(options);
        cluster.timeline.plan(options.start, Task::SendAdHoc);
        cluster
    }

    pub(super) fn add_call(&mut self, spec: &CallSpec) -> usize {
        self.calls.push(Call::new(spec));
        self.calls.len() - 1
    }

    fn add_ad_hoc_calls(&mut self, options: &SynthOptions) {
        for ad_hoc in ad_hoc_calls(options.nodes * 30 / 500) {
            self.ad_hoc_weight += ad_hoc.weight;
            let call = self.add_call(&ad_hoc.spec);
            self.ad_hoc_calls.push(WeightedCall { kind: ad_hoc.kind, call, weight_until: self.ad_hoc_weight });
        }
    }

    fn add_periodic_calls(&mut self, start: Micros) {
        for periodic in periodic_calls() {
            let call = self.add_call(&periodic.spec);
            let period = i64::from(periodic.period_secs) * 1_000_000;
            for client in self.clients.of_kind(periodic.kind) {
                let at = self.random.between(start, start + period);
                let schedule = Schedule::Every { call, period, until: Micros::MAX };
                self.add_routine(periodic.kind, client, schedule, at);
            }
        }
    }

    /// Every watch is open when the log begins, as in a log file that follows a rotation.
    fn add_watch_streams(&mut self, start: Micros) {
        for stream in watch_streams() {
            let watch_loop = WatchLoop {
                watch: self.add_call(&stream.watch),
                watch_list: stream.watch_list.as_ref().map(|spec| self.add_call(spec)),
                relist: self.add_call(&stream.relist),
                full_list: self.add_call(&stream.full_list),
                next: NextCall::Watch,
            };
            for client in self.clients.of_kind(stream.kind) {
                let routine = self.routines.len();
                let seed = self.random.bits();
                self.routines.push(Routine { kind: stream.kind, client, schedule: Schedule::Watch(watch_loop), seed });
                let mut request = self.open_watch(client, watch_loop.watch, start, seed);
                request.routine = Some(routine);
                request.stage = Stage::ResponseComplete;
                self.plan_line(request);
            }
        }
    }

    /// A watch that is open at `start`, and began in the ten minutes before.
    fn open_watch(&mut self, client: usize, call: usize, start: Micros, seed: u64) -> Request {
        loop {
            let begun_at = self.random.between(start - 600_000_000, start);
            let request = self.new_request(client, call, begun_at, seed);
            if request.completed_at >= start {
                return request;
            }
        }
    }

    /// Adds a routine that first runs at `at`.
    pub(super) fn add_routine(&mut self, kind: ClientKind, client: usize, schedule: Schedule, at: Micros) {
        let seed = self.random.bits();
        self.routines.push(Routine { kind, client, schedule, seed });
        self.timeline.plan(at, Task::RunRoutine(self.routines.len() - 1));
    }

    /// Ad hoc calls get what the routines leave of the requested rate, and at least a tenth of it.
    fn set_ad_hoc_gap(&mut self, options: &SynthOptions) {
        let per_hour: i64 = self
            .routines
            .iter()
            .map(|routine| match routine.schedule {
                Schedule::Every { period, .. } => 3_600_000_000 / period,
                _ => 3_600 / 450,
            })
            .sum();
        let wanted = whole(options.requests_per_sec * 3_600.0).max(1);
        self.ad_hoc_gap = 3_600_000_000 / (wanted - per_hour).max(wanted / 10).max(1);
    }

    /// Sends a request: plans its first line.
    pub(super) fn send(&mut self, client: usize, call: usize, routine: Option<usize>, at: Micros) {
        let seed = match routine {
            Some(routine) => self.routines[routine].seed,
            None => self.random.bits(),
        };
        let mut request = self.new_request(client, call, at, seed);
        request.routine = routine;
        request.level = self.draw_level(&request);
        self.plan_line(request);
    }

    /// Plans the line of the request's stage; short requests skip ResponseStarted.
    pub(super) fn plan_line(&mut self, mut request: Request) {
        let is_long_running = self.calls[request.call].is_long_running || request.code == 401;
        if request.stage == Stage::ResponseStarted && !is_long_running {
            request.stage = Stage::ResponseComplete;
        }
        let lag = match request.stage {
            // Written after authentication, with a timestamp from before it.
            Stage::RequestReceived => self.random.between(60, 420),
            _ => self.random.between(4, 40),
        };
        // Sometimes the goroutine is suspended between taking the time and writing the line.
        let wait = if self.random.happens(12) { self.random.between(200, 9_000) } else { 0 };
        self.timeline.plan(request.stage_at() + lag + wait, Task::Write(Box::new(request)));
    }

    /// Plans what follows after a line of a request was written.
    pub(super) fn advance(&mut self, mut request: Box<Request>, now: Micros) {
        self.body_credit.earn();
        request.is_seen = true;
        match request.stage {
            Stage::RequestReceived => request.stage = Stage::ResponseStarted,
            Stage::ResponseStarted if request.code == 401 => return,
            Stage::ResponseStarted => request.stage = Stage::ResponseComplete,
            Stage::ResponseComplete => return self.complete(&request, now),
        }
        self.plan_line(*request);
    }

    fn complete(&mut self, request: &Request, now: Micros) {
        let soon = self.random.between(300, 40_000);
        if request.page < self.calls[request.call].page_count && request.code == 200 {
            let mut next = self.new_request(request.client, request.call, now + soon, request.seed);
            (next.page, next.version) = (request.page + 1, request.version);
            return self.plan_line(next);
        }
        let Some(routine) = request.routine else { return };
        let retry = self.random.between(800_000, 1_600_000);
        let delay = match (&mut self.routines[routine].schedule, request.code) {
            (Schedule::Every { .. }, _) => return,
            (_, 300..) => retry,
            (Schedule::BackToBack { .. }, _) => soon,
            (Schedule::Watch(watch_loop), _) => {
                let was_watch = request.call == watch_loop.watch;
                watch_loop.next = if was_watch { watch_loop.next } else { NextCall::Watch };
                soon
            }
        };
        self.timeline.plan(now + delay, Task::RunRoutine(routine));
    }

    /// Sends the next request of a routine.
    pub(super) fn run_routine(&mut self, routine: usize, now: Micros) {
        let Routine { client, schedule, .. } = self.routines[routine];
        let call = match schedule {
            Schedule::Every { call, period, until } => {
                let drift = period / 25;
                let next = now + self.random.between(period - drift, period + drift);
                if next < until {
                    self.timeline.plan(next, Task::RunRoutine(routine));
                }
                call
            }
            Schedule::BackToBack { until, .. } if now >= until => return,
            Schedule::BackToBack { call, .. } => call,
            Schedule::Watch(watch_loop) => match watch_loop.next {
                NextCall::Watch => watch_loop.watch,
                NextCall::WatchList => watch_loop.watch_list.unwrap_or(watch_loop.watch),
                NextCall::Relist => watch_loop.relist,
                NextCall::FullList => watch_loop.full_list,
            },
        };
        self.send(client, call, Some(routine), now);
    }

    /// Sends a random ad hoc call, and plans the next.
    pub(super) fn send_ad_hoc(&mut self, now: Micros) {
        let next = now + self.random.between(1, self.ad_hoc_gap * 2);
        self.timeline.plan(next, Task::SendAdHoc);
        let draw = self.random.below(self.ad_hoc_weight);
        let index = self.ad_hoc_calls.partition_point(|ad_hoc| ad_hoc.weight_until <= draw);
        let WeightedCall { kind, call, .. } = self.ad_hoc_calls[index];
        let client = self.draw_client(kind);
        self.send(client, call, None, now);
    }

    /// A random client of a kind.
    pub(super) fn draw_client(&mut self, kind: ClientKind) -> usize {
        let clients = self.clients.of_kind(kind);
        clients.start + self.random.index(clients.len())
    }
}

/// The whole part of a number.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates at the ends of the range, as intended")]
const fn whole(value: f64) -> i64 {
    value as i64
}
