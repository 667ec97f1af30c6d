//! What upstream's own queue set answered: whole replays, with what became of each request and when, to the nanosecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Deserialize;
use stormglass::apf::{WorkEstimate, deal, flow_hash};
use stormglass::simulation::{QueueSet, RejectReason, Started};

use super::{Failures, each};

/// What `queueset*` holds. Requests and outcomes are rows, with their values in the order of the fields.
#[derive(Deserialize)]
struct QueueSets {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    config: Config,
    requests: Vec<Request>,
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    /// 0 where the level rejects rather than queues.
    queues: u32,
    hand_size: u32,
    queue_length_limit: u32,
    limit: u32,
    changes: Option<Vec<Change>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    at_ns: u64,
    limit: u32,
}

#[derive(Debug, Deserialize)]
struct Request {
    arrive_ns: u64,
    service_ns: u64,
    /// From its arrival; 0 is none.
    wait_limit_ns: u64,
    flow_schema: String,
    distinguisher: String,
    hash: String,
    initial_seats: u32,
    final_seats: u32,
    additional_latency_ns: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
struct Outcome {
    outcome: String,
    /// 0 if it never was.
    dispatch_ns: i64,
    /// The end of its service, or when it was rejected.
    finish_ns: i64,
    /// -1 is none.
    queue: i64,
}

/// The limit set to 0 and left so.
const NEVER_DISPATCHED: &str = "never-dispatched";

#[test]
fn requests_of_a_level_run_wait_and_are_rejected_as_upstream_does() {
    each::<QueueSets>("queueset", |sets, failures| check(&sets, failures));
}

/// A few of those scenarios, the smallest that still tell each rule from its neighbours.
#[test]
fn requests_of_a_level_fare_as_upstream_has_it_in_a_few_small_scenarios() {
    let sets: QueueSets = serde_json::from_str(include_str!("queueset.json")).unwrap();
    let mut failures = Failures::default();
    check(&sets, &mut failures);
    assert!(
        failures.wrong.is_empty(),
        "{} of {} are wrong: {:#?}",
        failures.wrong.len(),
        failures.cases,
        failures.wrong
    );
    for outcome in ["executed", "queue-full", "concurrency-limit", "time-out"] {
        let mut all = sets.scenarios.iter().flat_map(|scenario| &scenario.outcomes);
        assert!(all.any(|of_request| of_request.outcome == outcome), "{outcome}");
    }
}

fn check(sets: &QueueSets, failures: &mut Failures) {
    for scenario in &sets.scenarios {
        let answers = Replay::new(scenario).run();
        assert_eq!(answers.len(), scenario.outcomes.len(), "{}", scenario.name);
        let rows = scenario.requests.iter().zip(answers.iter().zip(&scenario.outcomes));
        for (index, (request, (answer, expected))) in rows.enumerate() {
            let hash = flow_hash(&request.flow_schema, &request.distinguisher).to_string();
            let is_never = answer.outcome == NEVER_DISPATCHED && expected.outcome == NEVER_DISPATCHED;
            failures.check(hash == request.hash && (is_never || answer == expected), || {
                format!("{} {index}: {answer:?} for {request:?} and {expected:?}", scenario.name)
            });
        }
    }
}

/// What happens next, at equal times in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Release,
    Finish,
    SetLimit,
    GiveUp,
    Arrive,
}

struct Replay<'s> {
    scenario: &'s Scenario,
    set: QueueSet,
    hands: Vec<Vec<u32>>,
    /// Time, kind, how many were scheduled before, and of which request or change.
    events: BinaryHeap<Reverse<(u64, Event, u64, usize)>>,
    scheduled: u64,
    started: Vec<Option<Started>>,
    outcomes: Vec<Outcome>,
}

impl<'s> Replay<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        let Config { queues, hand_size, queue_length_limit, limit, .. } = scenario.config;
        let requests = &scenario.requests;
        let never = Outcome { outcome: NEVER_DISPATCHED.into(), dispatch_ns: 0, finish_ns: 0, queue: -1 };
        let hand = |request: &Request| deal(request.hash.parse().unwrap(), queues, hand_size);
        let mut replay = Self {
            scenario,
            set: match queues {
                0 => QueueSet::rejecting(limit),
                _ => QueueSet::queuing(queues, queue_length_limit, limit),
            },
            hands: requests.iter().map(hand).collect(),
            events: BinaryHeap::new(),
            scheduled: 0,
            started: vec![None; requests.len()],
            outcomes: vec![never; requests.len()],
        };
        for (index, change) in scenario.config.changes.iter().flatten().enumerate() {
            replay.schedule(change.at_ns, Event::SetLimit, index);
        }
        for (index, request) in requests.iter().enumerate() {
            replay.schedule(request.arrive_ns, Event::Arrive, index);
        }
        replay
    }

    fn schedule(&mut self, at_ns: u64, event: Event, index: usize) {
        self.events.push(Reverse((at_ns, event, self.scheduled, index)));
        self.scheduled += 1;
    }

    fn run(mut self) -> Vec<Outcome> {
        while let Some(Reverse((now_ns, event, _, index))) = self.events.pop() {
            match event {
                Event::Arrive => self.arrive(now_ns, index),
                Event::Finish => {
                    if let Some(until_ns) = self.set.finish(now_ns, &self.started[index].unwrap()) {
                        self.schedule(until_ns, Event::Release, index);
                    }
                }
                Event::Release => self.set.release(now_ns, &self.started[index].unwrap()),
                Event::SetLimit => {
                    let change = &self.scenario.config.changes.as_ref().unwrap()[index];
                    self.set.set_limit(now_ns, change.limit);
                }
                Event::GiveUp => {
                    let queue = u32::try_from(self.outcomes[index].queue).unwrap();
                    if self.set.give_up(now_ns, id(index), queue) {
                        self.reject(now_ns, index, RejectReason::TimeOut);
                    }
                    // Upstream dispatches nothing then.
                    continue;
                }
            }
            while let Some(started) = self.set.dispatch(now_ns) {
                self.start(started);
            }
        }
        assert_eq!((self.set.executing(), self.set.seats_in_use()), (0, 0), "{}", self.scenario.name);
        self.outcomes
    }

    fn arrive(&mut self, now_ns: u64, index: usize) {
        let request = &self.scenario.requests[index];
        let work = WorkEstimate {
            initial_seats: request.initial_seats,
            final_seats: request.final_seats,
            additional_latency_nanos: request.additional_latency_ns,
        };
        match self.set.arrive(now_ns, id(index), &self.hands[index], work) {
            Ok(Some(queue)) => {
                self.outcomes[index].queue = queue.into();
                if request.wait_limit_ns > 0 {
                    self.schedule(now_ns + request.wait_limit_ns, Event::GiveUp, index);
                }
            }
            Ok(None) => {}
            Err(reason) => self.reject(now_ns, index, reason),
        }
    }

    fn reject(&mut self, now_ns: u64, index: usize, reason: RejectReason) {
        let outcome = &mut self.outcomes[index];
        (outcome.outcome, outcome.finish_ns) = (reason.name().into(), now_ns.cast_signed());
    }

    fn start(&mut self, started: Started) {
        let index = started.id as usize;
        let finish_ns = started.at_ns + self.scenario.requests[index].service_ns;
        self.outcomes[index] = Outcome {
            outcome: "executed".into(),
            dispatch_ns: started.at_ns.cast_signed(),
            finish_ns: finish_ns.cast_signed(),
            queue: started.queue.map_or(-1, i64::from),
        };
        self.started[index] = Some(started);
        self.schedule(finish_ns, Event::Finish, index);
    }
}

fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap()
}
