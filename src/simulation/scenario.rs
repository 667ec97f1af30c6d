//! One configuration, made ready for a replay: what each kind of request meets in it.

use std::collections::BTreeMap;

use crate::apf::{Config, Features, LevelLimits, Queuing, WorkEstimate, deal, flow_hash};

/// One configuration as a replay needs it.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// The priority levels, in the order of the configuration.
    pub levels: Vec<Level>,
    /// What each kind of request meets.
    pub kinds: Vec<Kind>,
    /// The FlowSchemas' names.
    pub flow_schemas: Vec<String>,
    /// The hands that flows are dealt.
    pub hands: Vec<Vec<u32>>,
    /// Whether the server asks clients for the more patience, the more it rejects.
    pub retry_after_grows: bool,
}

/// A priority level.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Its limits.
    pub limits: LevelLimits,
    /// Whether nothing limits it.
    pub is_exempt: bool,
    /// How it queues; `None` where it doesn't.
    pub queuing: Option<Queuing>,
}

/// What a kind of request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its priority level, by its place; `None` where it passes by.
    pub level: Option<u32>,
    /// Its FlowSchema, by its place.
    pub flow_schema: u32,
    /// The hand of its flow, by its place.
    pub hand: u32,
    /// What it takes at least, and at most.
    pub works: [WorkEstimate; 2],
    /// How long it waits, in nanoseconds from its receipt.
    pub wait_limit_ns: u64,
}

/// Where a kind of request goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed<'p> {
    /// Its FlowSchema.
    pub flow_schema: &'p str,
    /// Its priority level.
    pub priority_level: &'p str,
    /// Its flow distinguisher; `None` where nothing tells flows apart.
    pub flow_distinguisher: Option<&'p str>,
    /// Whether it passes by API Priority and Fairness.
    pub passes_by: bool,
    /// What it takes at least, and at most.
    pub works: [WorkEstimate; 2],
    /// How long the client gives the server, in seconds, where it says so.
    pub timeout_secs: Option<f64>,
}

/// How long a server works on a request, in seconds (`--request-timeout` of kube-apiserver, as it comes).
const REQUEST_TIMEOUT_SECS: f64 = 60.0;
/// A request may wait for this part of its time (`pkg/server/filters/priority-and-fairness.go`, `getRequestWaitContext`).
const WAITING_PART: f64 = 0.25;

impl Scenario {
    /// Makes a configuration ready for requests of these kinds.
    pub fn new<'p>(
        config: &Config,
        limits: &[LevelLimits],
        kinds: impl IntoIterator<Item = Placed<'p>>,
        features: &Features,
    ) -> Self {
        let levels = config.priority_levels.iter().zip(limits).map(|(level, limits)| Level {
            name: level.name.clone(),
            limits: *limits,
            is_exempt: level.is_exempt(),
            queuing: level.queuing(),
        });
        let retry_after_grows = features.retry_after_grows;
        let mut scenario = Self { levels: levels.collect(), retry_after_grows, ..Self::default() };
        let places: BTreeMap<String, usize> =
            scenario.levels.iter().enumerate().map(|(at, level)| (level.name.clone(), at)).collect();
        let (mut schemas, mut hands) = (BTreeMap::new(), BTreeMap::new());
        for placed in kinds {
            let level = places.get(placed.priority_level).copied();
            let queuing = level.and_then(|level| scenario.levels[level].queuing);
            let hand = scenario.hand(&mut hands, &placed, queuing);
            let flow_schema = *schemas.entry(placed.flow_schema.to_owned()).or_insert_with(|| {
                scenario.flow_schemas.push(placed.flow_schema.to_owned());
                place(scenario.flow_schemas.len() - 1)
            });
            scenario.kinds.push(Kind {
                level: level.filter(|_| !placed.passes_by).map(place),
                flow_schema,
                hand,
                works: placed.works,
                wait_limit_ns: wait_limit_ns(placed.timeout_secs.filter(|_| features.waits_by_deadline)),
            });
        }
        scenario
    }

    /// The place of a flow's hand. A level with one queue deals that.
    fn hand<'p>(
        &mut self,
        known: &mut BTreeMap<(&'p str, &'p str), u32>,
        placed: &Placed<'p>,
        queuing: Option<Queuing>,
    ) -> u32 {
        // Levels of one name have one way to queue, and a FlowSchema has one level.
        let distinguisher = placed.flow_distinguisher.unwrap_or_default();
        *known.entry((placed.flow_schema, distinguisher)).or_insert_with(|| {
            let hand = match queuing {
                Some(Queuing { queues, hand_size, .. }) if queues > 1 => {
                    deal(flow_hash(placed.flow_schema, distinguisher), not_negative(queues), not_negative(hand_size))
                }
                Some(_) => vec![0],
                None => Vec::new(),
            };
            self.hands.push(hand);
            place(self.hands.len() - 1)
        })
    }
}

fn wait_limit_ns(timeout_secs: Option<f64>) -> u64 {
    let timeout = timeout_secs.filter(|secs| *secs > 0.0).unwrap_or(REQUEST_TIMEOUT_SECS).min(REQUEST_TIMEOUT_SECS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a minute, and above 0")]
    let limit = (timeout * WAITING_PART * 1e9).round() as u64;
    limit
}

fn not_negative(value: i32) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
