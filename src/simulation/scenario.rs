//! One configuration, prepared for a replay: the priority level, queues and seats of each kind of request.

use std::collections::BTreeMap;

use crate::apf::{Config, Features, LevelLimits, Queuing, WorkEstimate, deal, flow_hash};

/// One configuration, prepared for a replay.
#[derive(Clone, Debug, Default)]
pub struct Scenario {
    /// The priority levels, in the order of the configuration.
    pub levels: Vec<ScenarioLevel>,
    /// The kinds of requests.
    pub kinds: Vec<RequestKind>,
    /// The FlowSchemas' names.
    pub flow_schemas: Vec<String>,
    /// The hands that flows are dealt.
    pub hands: Vec<Vec<u32>>,
    /// Whether `Retry-After` grows with the number of rejections.
    pub retry_after_grows: bool,
}

/// A priority level.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioLevel {
    /// Its name.
    pub name: String,
    /// Its limits.
    pub limits: LevelLimits,
    /// Whether nothing limits it.
    pub is_exempt: bool,
    /// How it queues; `None` where it doesn't.
    pub queuing: Option<Queuing>,
}

/// Requests that are the same to API Priority and Fairness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKind {
    /// Its priority level, by its index; `None` where it bypasses API Priority and Fairness.
    pub level: Option<u32>,
    /// Its FlowSchema, by its index.
    pub flow_schema: u32,
    /// The hand of its flow, by its index.
    pub hand: u32,
    /// The least and the most work that it may take.
    pub works: [WorkEstimate; 2],
    /// How long it may wait, in nanoseconds from its receipt.
    pub wait_limit_ns: u64,
}

/// How a configuration classifies a kind of request.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassifiedFlow<'p> {
    /// Its FlowSchema.
    pub flow_schema: &'p str,
    /// Its priority level.
    pub priority_level: &'p str,
    /// Its flow distinguisher; `None` where its FlowSchema has one flow.
    pub flow_distinguisher: Option<&'p str>,
    /// Whether it bypasses API Priority and Fairness.
    pub passes_by: bool,
    /// The least and the most work that it may take.
    pub works: [WorkEstimate; 2],
    /// The client's `timeout`, in seconds; `None` without one.
    pub timeout_secs: Option<f64>,
}

/// How long a server works on a request, in seconds (`--request-timeout` of kube-apiserver, as it comes).
const REQUEST_TIMEOUT_SECS: f64 = 60.0;
/// A request may wait for this part of its time (`pkg/server/filters/priority-and-fairness.go`, `getRequestWaitContext`).
const WAITING_PART: f64 = 0.25;

impl Scenario {
    /// Prepares a configuration for requests of these kinds.
    pub fn new<'p>(
        config: &Config,
        limits: &[LevelLimits],
        kinds: impl IntoIterator<Item = ClassifiedFlow<'p>>,
        features: &Features,
    ) -> Self {
        let levels = config.priority_levels.iter().zip(limits).map(|(level, limits)| ScenarioLevel {
            name: level.name.clone(),
            limits: *limits,
            is_exempt: level.is_exempt(),
            queuing: level.queuing(),
        });
        let retry_after_grows = features.retry_after_grows;
        let mut scenario = Self { levels: levels.collect(), retry_after_grows, ..Self::default() };
        let level_indexes: BTreeMap<String, usize> =
            scenario.levels.iter().enumerate().map(|(at, level)| (level.name.clone(), at)).collect();
        let (mut schemas, mut hands) = (BTreeMap::new(), BTreeMap::new());
        for flow in kinds {
            let level = level_indexes.get(flow.priority_level).copied();
            let queuing = level.and_then(|level| scenario.levels[level].queuing);
            let hand = scenario.hand(&mut hands, &flow, queuing);
            let flow_schema = *schemas.entry(flow.flow_schema.to_owned()).or_insert_with(|| {
                scenario.flow_schemas.push(flow.flow_schema.to_owned());
                to_index(scenario.flow_schemas.len() - 1)
            });
            scenario.kinds.push(RequestKind {
                level: level.filter(|_| !flow.passes_by).map(to_index),
                flow_schema,
                hand,
                works: flow.works,
                wait_limit_ns: wait_limit_ns(flow.timeout_secs.filter(|_| features.waits_by_deadline)),
            });
        }
        scenario
    }

    /// The index of a flow's hand, which is dealt if it is new.
    fn hand<'p>(
        &mut self,
        known: &mut BTreeMap<(&'p str, &'p str), u32>,
        flow: &ClassifiedFlow<'p>,
        queuing: Option<Queuing>,
    ) -> u32 {
        // Levels of one name have one way to queue, and a FlowSchema has one level.
        let distinguisher = flow.flow_distinguisher.unwrap_or_default();
        *known.entry((flow.flow_schema, distinguisher)).or_insert_with(|| {
            let hand = match queuing {
                Some(Queuing { queues, hand_size, .. }) if queues > 1 => {
                    deal(flow_hash(flow.flow_schema, distinguisher), not_negative(queues), not_negative(hand_size))
                }
                Some(_) => vec![0],
                None => Vec::new(),
            };
            self.hands.push(hand);
            to_index(self.hands.len() - 1)
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

fn to_index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
