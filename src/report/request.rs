//! The report of `apf explain` on one hypothetical request: how the server chooses its FlowSchema.

use serde::Serialize;

use super::page::Page;
use super::{WithWords, between, bullets_section, table_section};
use crate::analysis::request::{FlowQueues, RequestReport, RequestStep};
use crate::kubernetes::RequestInfo;

#[derive(Serialize)]
struct Words {
    request: String,
    outcome: Vec<String>,
}

impl RequestReport {
    /// The report for JSON.
    pub fn with_words(&self) -> impl Serialize {
        WithWords { report: self, words: Words { request: request(&self.info), outcome: outcome(self) } }
    }

    /// The report as a page.
    pub fn page(&self) -> Page {
        let about = vec![
            format!("{} by user {}", request(&self.info), self.user),
            format!("groups: {}", self.groups.join(", ")),
        ];
        let row = |step: &RequestStep| {
            vec![
                step.matching_precedence.to_string(),
                step.flow_schema.clone(),
                if step.is_match { "matches" } else { "no match" }.to_owned(),
                step.reason.clone(),
            ]
        };
        let columns = [("precedence", true), ("FlowSchema", false), ("", false), ("why", false)];
        let steps = self.steps.iter().map(row).collect();
        let bypasses = "long-running requests other than watches bypass API Priority and Fairness: nothing limits or \
                        counts them";
        let outcome = if self.is_outside { vec![bypasses.to_owned()] } else { outcome(self) };
        let sections =
            vec![table_section("FlowSchemas in order", "", &columns, steps), bullets_section("Result", &outcome)];
        Page::of("Priority and Fairness: one request", about, sections)
    }
}

fn request(info: &RequestInfo<'_>) -> String {
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

/// What happens to the request.
fn outcome(report: &RequestReport) -> Vec<String> {
    if report.is_outside {
        return Vec::new();
    }
    let (schema, level) = (&report.flow_schema, &report.level);
    let name = &level.priority_level;
    let mut sentences = vec![if report.is_match {
        format!("it matches FlowSchema {schema}, which leads to priority level {name}")
    } else {
        format!("no FlowSchema matches, so {schema} takes it to priority level {name}")
    }];
    if level.is_exempt {
        sentences.push("that level is exempt: requests never wait and are never rejected".to_owned());
        return sentences;
    }
    let idle = level.idle.map_or_else(String::new, |idle| format!(", {idle} while the server is idle"));
    let most = if report.lends_seats { format!(", {} with all it may borrow", level.max) } else { String::new() };
    sentences.push(format!("that level has {} seats on each apiserver{idle}{most}", level.nominal));
    sentences.push(queueing(report));
    let seats = between(report.seats.0.into(), report.seats.1.into());
    let noun = if seats == "1" { "seat" } else { "seats" };
    sentences
        .push(format!("it takes {seats} {noun} of those; no request takes more than {}", level.max_seats_per_request));
    sentences
}

fn queueing(report: &RequestReport) -> String {
    let Some(FlowQueues { count, length_limit, hand }) = &report.queues else {
        return "it has no queues: a request that finds no free seat gets a 429 at once".to_owned();
    };
    if *count <= 1 {
        return "it has one queue: first come, first served, whoever it is".to_owned();
    }
    let schema = &report.flow_schema;
    let hand: Vec<String> = hand.iter().map(ToString::to_string).collect();
    let flow = match report.flow_distinguisher.as_deref() {
        None => format!("all of {schema}"),
        Some("") => format!("all of {schema} that has no namespace"),
        Some(distinguisher) => format!("{schema} with distinguisher {distinguisher}"),
    };
    format!(
        "its flow is {flow}; it is dealt queues {} of {count}, each of {length_limit} requests at most while no seat is free",
        hand.join(", ")
    )
}
