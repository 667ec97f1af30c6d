//! `apf explain` of one hypothetical request, step by step.

use std::borrow::Cow;

use anyhow::{Context, Result, anyhow};

use super::super::settings::Settings;
use super::super::show_report;
use crate::apf::{
    Attributes, Classification, Features, LevelLimits, Matcher, NEWEST_KNOWN, RequestInfo, Target, deal, flow_hash,
    idle_limits, is_long_running, limits, live_config, steps,
};
use crate::cli::ExplainArgs;
use crate::console::Console;
use crate::report::{RequestReport, RequestStep, SCHEMA_VERSION};

pub(super) fn run(args: &ExplainArgs, console: Console) -> Result<()> {
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let version = settings.server.version.unwrap_or(NEWEST_KNOWN);
    let (config, _) = live_config(settings.flows.config.as_ref(), version);
    let features = settings.flows.features(settings.server.version)?;
    let user = args.user.clone().unwrap_or_default();
    let groups = if args.groups.is_empty() { implied_groups(&user) } else { args.groups.clone() };
    let group_names: Vec<&str> = groups.iter().map(String::as_str).collect();
    let path = args.path.as_deref().unwrap_or_default();
    let info = request_info(&args.verb, path);
    let attributes = Attributes { user: &user, groups: &group_names, verb: &info.verb, target: target(&info) };
    let found = Matcher::new(&config).classify(&attributes).context("the configuration has no catch-all")?;
    let is_outside = info.verb != "watch" && is_long_running(&info);
    let all = limits(&config.priority_levels, settings.flows.server_concurrency, &features);
    let at = config.priority_levels.iter().position(|level| level.name == found.priority_level.name);
    let at = at.ok_or_else(|| anyhow!("the level that was found is gone"))?;
    let idle = idle_limits(&all).ok().map(|idle| idle.seats[at]);
    let step = |step: crate::apf::Step<'_>| RequestStep {
        matching_precedence: step.flow_schema.matching_precedence,
        flow_schema: step.flow_schema.name.clone(),
        is_match: step.is_match,
        reason: step.reason,
    };
    let report = RequestReport {
        schema_version: SCHEMA_VERSION,
        request: request_words(&info),
        steps: steps(&config, &attributes).into_iter().map(step).collect(),
        flow_schema: found.flow_schema.name.clone(),
        priority_level: found.priority_level.name.clone(),
        flow_distinguisher: found.flow_distinguisher.clone(),
        is_outside,
        outcome: outcome(&found, &all[at], idle, is_outside, &features),
        user,
        groups,
    };
    show_report(&report, RequestReport::blocks, args.format, console)
}

/// The groups that the server itself gives to a user (`apiserver/pkg/authentication`).
fn implied_groups(user: &str) -> Vec<String> {
    let mut groups = Vec::new();
    if user == "system:anonymous" {
        return vec!["system:unauthenticated".to_owned()];
    }
    if let Some((namespace, _)) = user.strip_prefix("system:serviceaccount:").and_then(|name| name.split_once(':')) {
        groups.extend(["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")]);
    }
    if user.starts_with("system:node:") {
        groups.push("system:nodes".to_owned());
    }
    groups.push("system:authenticated".to_owned());
    groups
}

/// The request as the server reads it. The verb may be Kubernetes' or HTTP's; one that Kubernetes knows stands for the
/// method that brings it about.
fn request_info<'u>(verb: &str, uri: &'u str) -> RequestInfo<'u> {
    let method = match verb.to_ascii_lowercase().as_str() {
        "get" | "list" | "watch" => "GET".to_owned(),
        "create" => "POST".to_owned(),
        "update" => "PUT".to_owned(),
        "deletecollection" => "DELETE".to_owned(),
        other => other.to_ascii_uppercase(),
    };
    let mut info = RequestInfo::of(&method, uri);
    if info.is_resource_request && verb == "watch" {
        info.verb = Cow::Borrowed("watch");
    }
    info
}

fn target<'a>(info: &'a RequestInfo<'_>) -> Target<'a> {
    if !info.is_resource_request {
        return Target::Path(&info.path);
    }
    Target::Resource {
        api_group: &info.api_group,
        resource: &info.resource,
        subresource: &info.subresource,
        namespace: &info.namespace,
    }
}

fn request_words(info: &RequestInfo<'_>) -> String {
    if !info.is_resource_request {
        return format!("{} {}", info.verb, info.path);
    }
    let or_core = if info.api_group.is_empty() { "the core group".to_owned() } else { info.api_group.to_string() };
    let subresource = if info.subresource.is_empty() { String::new() } else { format!("/{}", info.subresource) };
    let place = match (info.namespace.as_ref(), info.verb.as_ref()) {
        ("", "list" | "watch" | "deletecollection") => "in the whole cluster, without a namespace".to_owned(),
        ("", _) => "without a namespace".to_owned(),
        (namespace, _) => format!("in namespace {namespace}"),
    };
    format!("{} {}{subresource} of {or_core} {place}", info.verb, info.resource)
}

fn outcome(
    found: &Classification<'_>,
    limits: &LevelLimits,
    idle: Option<u32>,
    is_outside: bool,
    features: &Features,
) -> Vec<String> {
    let (schema, level) = (&found.flow_schema.name, &found.priority_level.name);
    if is_outside {
        return vec![
            "long-running requests other than watches pass by API Priority and Fairness: nothing limits or counts them"
                .to_owned(),
        ];
    }
    let mut sentences = vec![if found.is_match {
        format!("it goes by FlowSchema {schema} to priority level {level}")
    } else {
        format!("no FlowSchema matches, and {schema} takes it to priority level {level} all the same")
    }];
    if found.priority_level.is_exempt() {
        sentences.push("that level is exempt: it never waits and is never rejected".to_owned());
        return sentences;
    }
    let idle = idle.map_or_else(String::new, |idle| format!(", {idle} while all is idle"));
    let borrowing =
        if features.lends_seats { format!(", {} with all it may borrow", limits.max) } else { String::new() };
    sentences.push(format!("that level has {} seats on each apiserver{idle}{borrowing}", limits.nominal));
    match found.priority_level.queuing() {
        None => sentences.push("it has no queues: what finds no free seat gets a 429 at once".to_owned()),
        Some(queuing) if queuing.queues <= 1 => {
            sentences.push("it has one queue: first come, first served, whoever it is".to_owned());
        }
        Some(queuing) => {
            let (queues, hand_size) = (queuing.queues.unsigned_abs(), queuing.hand_size.unsigned_abs());
            let hand =
                deal(flow_hash(schema, found.flow_distinguisher.as_deref().unwrap_or_default()), queues, hand_size);
            let hand: Vec<String> = hand.iter().map(ToString::to_string).collect();
            let flow = match found.flow_distinguisher.as_deref() {
                None => format!("all of {schema}"),
                Some("") => format!("all of {schema} that has no namespace"),
                Some(distinguisher) => format!("{schema} with distinguisher {distinguisher}"),
            };
            sentences.push(format!(
                "its flow is {flow}; it is dealt queues {} of {queues}, each of {} requests at most while no seat is free",
                hand.join(", "),
                queuing.queue_length_limit
            ));
        }
    }
    if let Some(seats) = limits.max_seats_per_request {
        sentences.push(format!("one request takes at most {seats} of the level's seats, however much it lists"));
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_that_the_server_gives() {
        assert_eq!(
            implied_groups("system:serviceaccount:monitoring:prometheus"),
            ["system:serviceaccounts", "system:serviceaccounts:monitoring", "system:authenticated"]
        );
        assert_eq!(implied_groups("system:node:n1"), ["system:nodes", "system:authenticated"]);
        assert_eq!(implied_groups("system:anonymous"), ["system:unauthenticated"]);
        assert_eq!(implied_groups("alice"), ["system:authenticated"]);
    }

    #[test]
    fn a_verb_may_be_kubernetes_or_https() {
        for (verb, path, expected) in [
            ("list", "/api/v1/pods", "list"),
            ("GET", "/api/v1/pods", "list"),
            ("get", "/api/v1/namespaces/a/pods/b", "get"),
            ("watch", "/api/v1/pods", "watch"),
            ("create", "/api/v1/namespaces/a/pods", "create"),
            ("POST", "/api/v1/namespaces/a/pods", "create"),
            ("get", "/healthz", "get"),
        ] {
            assert_eq!(request_info(verb, path).verb, expected, "{verb} {path}");
        }
    }
}
