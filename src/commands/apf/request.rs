//! `apf explain` of one hypothetical request, step by step.

use std::borrow::Cow;

use anyhow::{Context, Result};

use super::super::Advice;
use super::super::flows::Classifier;
use super::super::report::{check_format, write};
use super::super::settings::Settings;
use super::level_seats;
use crate::apf::{Matcher, NEWEST_KNOWN, RequestDigest, RequestInfo, Step, implied_groups, limits, live_config, steps};
use crate::cli::ExplainArgs;
use crate::console::Console;
use crate::memory::{Snapshot, sizes};
use crate::report::{RequestReport, RequestStep, SCHEMA_VERSION, outcome, request_words};

pub(super) fn run(args: &ExplainArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let version = settings.server.version.unwrap_or(NEWEST_KNOWN);
    let (config, _) = live_config(settings.flows.config.as_ref(), version);
    let features = settings.flows.features(settings.server.version)?;
    let user = args.user.clone().unwrap_or_default();
    let groups = if args.groups.is_empty() { implied_groups(&user) } else { args.groups.clone() };
    let uri = args.path.as_deref().unwrap_or_default();
    let info = request_info(&args.verb, uri)?;
    let digest = RequestDigest::of(&user, &groups, &info, uri);
    let request = digest.attributes();
    let found = Matcher::new(&config).classify(&request).context("the configuration has no catch-all")?;
    let all = limits(&config.priority_levels, settings.flows.server_concurrency, &features);
    let seats = level_seats(&config, &all, &features);
    let level = seats.iter().find(|seats| seats.priority_level == found.priority_level.name);
    let level = level.context("the priority level that was found is gone")?;
    let metrics: Vec<Snapshot> = settings.metrics.iter().map(|taken| taken.snapshot.clone()).collect();
    let sizes = sizes(&settings.given, &metrics, &[]);
    let classifier = Classifier::new(&config, &all, features, &sizes, (&[], (0, 0)));
    let own_seats = classifier.seats(&digest, &found.priority_level.name);
    let is_outside = digest.passes_by();
    let step = |step: Step<'_>| RequestStep {
        matching_precedence: step.flow_schema.matching_precedence,
        flow_schema: step.flow_schema.name.clone(),
        is_match: step.is_match,
        reason: step.reason,
    };
    let report = RequestReport {
        schema_version: SCHEMA_VERSION,
        request: request_words(&info),
        steps: steps(&config, &request).into_iter().map(step).collect(),
        flow_schema: found.flow_schema.name.clone(),
        priority_level: found.priority_level.name.clone(),
        flow_distinguisher: found.flow_distinguisher.clone(),
        is_outside,
        seats: own_seats,
        outcome: if is_outside { Vec::new() } else { outcome(&found, level, own_seats, &features) },
        user: user.clone(),
        groups: groups.clone(),
    };
    write(&report, |_| report.page(), &args.output, console)
}

/// The request as the server reads it. The verb may be Kubernetes' or HTTP's; one that Kubernetes knows stands for the
/// method that brings it about.
fn request_info<'u>(verb: &str, uri: &'u str) -> Result<RequestInfo<'u>> {
    let advice = |message: String, hint| Advice { message, hint };
    if !uri.starts_with('/') {
        return Err(advice(
            format!("--path {uri:?} is no path"),
            "it begins with a slash, as in /api/v1/pods?limit=500",
        )
        .into());
    }
    let asked = verb.to_ascii_lowercase();
    let method = match asked.as_str() {
        "list" | "watch" | "get" => "GET",
        "create" | "post" => "POST",
        "update" | "put" => "PUT",
        "deletecollection" | "delete" => "DELETE",
        "patch" => "PATCH",
        "head" => "HEAD",
        "options" => "OPTIONS",
        _ => {
            let hint = "verbs are get, list, watch, create, update, patch, delete, deletecollection, or HTTP methods";
            return Err(advice(format!("there is no verb {verb:?}"), hint).into());
        }
    };
    let mut info = RequestInfo::of(method, uri);
    let is_collection = info.is_resource_request && info.name.is_empty() && info.subresource.is_empty();
    if asked == "watch" && is_collection {
        info.verb = Cow::Borrowed("watch");
    }
    let is_kubernetes = ["list", "watch", "create", "update", "deletecollection"].contains(&asked.as_str());
    if is_kubernetes && info.verb != asked {
        let message = format!("--verb {verb} doesn't go with this path: to the server it is a {}", info.verb);
        return Err(advice(message, "give the path of what is meant, or the verb that goes with it").into());
    }
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_may_be_kubernetes_or_https() {
        for (verb, path, expected) in [
            ("list", "/api/v1/pods", "list"),
            ("GET", "/api/v1/pods", "list"),
            ("get", "/api/v1/namespaces/a/pods/b", "get"),
            ("WATCH", "/api/v1/pods", "watch"),
            ("create", "/api/v1/namespaces/a/pods", "create"),
            ("POST", "/api/v1/namespaces/a/pods", "create"),
            ("get", "/healthz", "get"),
        ] {
            assert_eq!(request_info(verb, path).unwrap().verb, expected, "{verb} {path}");
        }
    }

    #[test]
    fn a_verb_that_does_not_go_with_the_path_is_told() {
        for (verb, path, part) in [
            ("list", "/api/v1/namespaces/a/pods/b/log", "is a get"),
            ("watch", "/healthz", "is a get"),
            ("bogus", "/api/v1/pods", "no verb"),
            ("get", "https://host/api", "no path"),
            ("get", "", "no path"),
        ] {
            let message = request_info(verb, path).unwrap_err().to_string();
            assert!(message.contains(part), "{verb} {path}: {message}");
        }
    }
}
