//! The report of `apf explain` on one hypothetical request: how the server comes to its FlowSchema.

use serde::Serialize;

use super::page::Page;
use super::{LevelSeats, between, bullets_section, table_section};
use crate::apf::{Classification, Features, RequestInfo, deal, flow_hash};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct RequestReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The request in words, as the server reads it.
    pub request: String,
    /// The FlowSchemas that were asked, in order.
    pub steps: Vec<RequestStep>,
    /// The FlowSchema that has the request.
    pub flow_schema: String,
    /// Its priority level.
    pub priority_level: String,
    /// What tells its flow from others; `None` where nothing does.
    pub flow_distinguisher: Option<String>,
    /// Whether such a request passes by API Priority and Fairness.
    pub is_outside: bool,
    /// Seats that it takes, as (least, most); of a list whose resource's size isn't given, anything that a list may take.
    pub seats: (u32, u32),
    /// What comes of it, in sentences; empty where it passes by.
    pub outcome: Vec<String>,
}

/// One FlowSchema that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct RequestStep {
    /// Its precedence.
    pub matching_precedence: i32,
    /// Its name.
    pub flow_schema: String,
    /// Whether it matches.
    pub is_match: bool,
    /// Why, or why not.
    pub reason: String,
}

impl RequestReport {
    /// The report as a page.
    pub fn page(&self) -> Page {
        let about =
            vec![format!("{} of user {}", self.request, self.user), format!("groups: {}", self.groups.join(", "))];
        let row = |step: &RequestStep| {
            vec![
                step.matching_precedence.to_string(),
                step.flow_schema.clone(),
                if step.is_match { "matches" } else { "passed over" }.to_owned(),
                step.reason.clone(),
            ]
        };
        let columns = [("precedence", true), ("FlowSchema", false), ("", false), ("why", false)];
        let steps = self.steps.iter().map(row).collect();
        let passes_by = "long-running requests other than watches pass by API Priority and Fairness: nothing limits or \
                         counts them";
        let outcome = if self.is_outside { vec![passes_by.to_owned()] } else { self.outcome.clone() };
        let sections = vec![
            table_section("FlowSchemas in order", "", &columns, steps),
            bullets_section("What comes of it", &outcome),
        ];
        Page::of("Priority and Fairness: one request", about, sections)
    }
}

/// The request in words.
pub fn request_words(info: &RequestInfo<'_>) -> String {
    if !info.is_resource_request {
        return format!("{} {}", info.verb, info.path);
    }
    let group = if info.api_group.is_empty() { "the core group" } else { &info.api_group };
    let subresource = if info.subresource.is_empty() { String::new() } else { format!("/{}", info.subresource) };
    let place = match (info.namespace.as_ref(), info.verb.as_ref()) {
        ("", "list" | "watch" | "deletecollection") => "in the whole cluster, without a namespace".to_owned(),
        ("", _) => "without a namespace".to_owned(),
        (namespace, _) => format!("in namespace {namespace}"),
    };
    format!("{} {}{subresource} of {group} {place}", info.verb, info.resource)
}

/// What comes of a request that goes by a FlowSchema, in sentences; `seats` are those it takes, at least and at most.
pub fn outcome(found: &Classification<'_>, level: &LevelSeats, seats: (u32, u32), features: &Features) -> Vec<String> {
    let (schema, name) = (&found.flow_schema.name, &level.priority_level);
    let mut sentences = vec![if found.is_match {
        format!("it goes by FlowSchema {schema} to priority level {name}")
    } else {
        format!("no FlowSchema matches, and {schema} takes it to priority level {name} all the same")
    }];
    if level.is_exempt {
        sentences.push("that level is exempt: it never waits and is never rejected".to_owned());
        return sentences;
    }
    let idle = level.idle.map_or_else(String::new, |idle| format!(", {idle} while all is idle"));
    let most = if features.lends_seats { format!(", {} with all it may borrow", level.max) } else { String::new() };
    sentences.push(format!("that level has {} seats on each apiserver{idle}{most}", level.nominal));
    sentences.push(queueing(found));
    let seats = between(seats.0.into(), seats.1.into());
    let noun = if seats == "1" { "seat" } else { "seats" };
    sentences
        .push(format!("it takes {seats} {noun} of those; no request takes more than {}", level.max_seats_per_request));
    sentences
}

/// Where it waits.
fn queueing(found: &Classification<'_>) -> String {
    let Some(queuing) = found.priority_level.queuing() else {
        return "it has no queues: what finds no free seat gets a 429 at once".to_owned();
    };
    if queuing.queues <= 1 {
        return "it has one queue: first come, first served, whoever it is".to_owned();
    }
    let schema = &found.flow_schema.name;
    let (queues, hand_size) = (queuing.queues.unsigned_abs(), queuing.hand_size.unsigned_abs());
    let distinguisher = found.flow_distinguisher.as_deref();
    let hand = deal(flow_hash(schema, distinguisher.unwrap_or_default()), queues, hand_size);
    let hand: Vec<String> = hand.iter().map(ToString::to_string).collect();
    let flow = match distinguisher {
        None => format!("all of {schema}"),
        Some("") => format!("all of {schema} that has no namespace"),
        Some(distinguisher) => format!("{schema} with distinguisher {distinguisher}"),
    };
    format!(
        "its flow is {flow}; it is dealt queues {} of {queues}, each of {} requests at most while no seat is free",
        hand.join(", "),
        queuing.queue_length_limit
    )
}
