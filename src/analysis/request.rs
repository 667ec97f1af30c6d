//! Which FlowSchema one hypothetical request matches, step by step.

use std::borrow::Cow;

use serde::Serialize;

use super::{AnalysisError, LevelSeats, SCHEMA_VERSION, level_seats};
use crate::apf::{
    MatchStep, Matcher, NEWEST_KNOWN, RequestDigest, compute_limits, deal, flow_hash, live_config, trace_match,
};
use crate::dimensions::{FlowClassifier, Settings};
use crate::kubernetes::{RequestInfo, implied_groups};
use crate::memory::{Snapshot, estimate_sizes};

/// A request.
#[derive(Clone, Debug, Default)]
pub struct RequestOptions {
    /// The user's name.
    pub user: String,
    /// The user's groups; empty for those that the server itself gives to such a user.
    pub groups: Vec<String>,
    /// The verb, Kubernetes' or HTTP's.
    pub verb: String,
    /// The path, with its query if it has one.
    pub path: String,
}

/// A request that no client can send.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    /// The path begins with no slash.
    #[error("invalid path {0:?}")]
    Path(String),
    /// A verb that neither Kubernetes nor HTTP has.
    #[error("invalid verb {0:?}")]
    Verb(String),
    /// A verb that doesn't go with the path.
    #[error("verb {verb} doesn't go with this path: to the server it is a {actual}")]
    Mismatch {
        /// The verb given.
        verb: String,
        /// What the server makes of it.
        actual: String,
    },
}

/// The answer of [`explain_request`].
#[derive(Clone, Debug, Serialize)]
pub struct RequestReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the request is to the server.
    #[serde(skip)]
    pub info: RequestInfo<'static>,
    /// The user's name.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The FlowSchemas in the order in which they are tried, up to the one that matches.
    pub steps: Vec<RequestStep>,
    /// The FlowSchema.
    pub flow_schema: String,
    /// Whether it matches; `false` for a catch-all that takes what nothing matches.
    #[serde(skip)]
    pub is_match: bool,
    /// The priority level.
    pub priority_level: String,
    /// The flow distinguisher; `None` where the FlowSchema has no distinguisher method.
    pub flow_distinguisher: Option<String>,
    /// Whether it bypasses API Priority and Fairness.
    pub is_outside: bool,
    /// The seats it takes, at least and at most.
    pub seats: (u32, u32),
    /// The priority level's seats.
    #[serde(skip)]
    pub level: LevelSeats,
    /// Whether the server's version lends seats between levels.
    #[serde(skip)]
    pub lends_seats: bool,
    /// Where it waits; `None` if its level has no queues.
    #[serde(skip)]
    pub queues: Option<FlowQueues>,
}

/// A FlowSchema that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct RequestStep {
    /// Its `matchingPrecedence`.
    pub matching_precedence: i32,
    /// Its name.
    pub flow_schema: String,
    /// Whether it matches.
    pub is_match: bool,
    /// Why, or why not.
    pub reason: String,
}

/// The queues that a flow's requests wait in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowQueues {
    /// Queues of the level.
    pub count: u32,
    /// Requests that may wait in each.
    pub length_limit: u32,
    /// The queues that the flow is dealt.
    pub hand: Vec<u32>,
}

/// Matches one request.
///
/// # Errors
/// When no client can send it, or a feature gate is given that is not known.
pub fn explain_request(options: &RequestOptions, settings: &Settings) -> Result<RequestReport, AnalysisError> {
    let (version, gates) = settings.version_and_gates();
    let (config, _) = live_config(settings.apf.config.as_ref(), version.unwrap_or(NEWEST_KNOWN));
    let features = settings.apf.features(version, &gates)?;
    let (user, uri) = (&options.user, options.path.as_str());
    let groups = if options.groups.is_empty() { implied_groups(user) } else { options.groups.clone() };
    let info = request_info(&options.verb, uri)?;
    let digest = RequestDigest::new(user, &groups, &info, uri);
    let request = digest.attributes();
    let found = Matcher::new(&config).classify(&request).ok_or(AnalysisError::NoCatchAll)?;
    let all = compute_limits(&config.priority_levels, settings.apf.server_concurrency, &features);
    let levels = level_seats(&config, &all, &features);
    let level = levels.into_iter().find(|seats| seats.priority_level == found.priority_level.name);
    let metrics: Vec<Snapshot> = settings.metrics.iter().map(|metrics| metrics.snapshot.clone()).collect();
    let sizes = estimate_sizes(&settings.given, &metrics, &[]);
    let classifier = FlowClassifier::without_logs(&config, &all, features, &sizes);
    let seats = classifier.seats(&digest, &found.priority_level.name);
    let step = |step: MatchStep<'_>| RequestStep {
        matching_precedence: step.flow_schema.matching_precedence,
        flow_schema: step.flow_schema.name.clone(),
        is_match: step.is_match,
        reason: step.reason,
    };
    let queues = found.priority_level.queuing().map(|queuing| {
        let (count, hand_size) = (queuing.queues.unsigned_abs(), queuing.hand_size.unsigned_abs());
        let flow = flow_hash(&found.flow_schema.name, found.flow_distinguisher.as_deref().unwrap_or_default());
        let hand = if count > 1 { deal(flow, count, hand_size) } else { Vec::new() };
        FlowQueues { count, length_limit: queuing.queue_length_limit.unsigned_abs(), hand }
    });
    Ok(RequestReport {
        schema_version: SCHEMA_VERSION,
        steps: trace_match(&config, &request).into_iter().map(step).collect(),
        flow_schema: found.flow_schema.name.clone(),
        is_match: found.is_match,
        priority_level: found.priority_level.name.clone(),
        flow_distinguisher: found.flow_distinguisher.clone(),
        is_outside: digest.bypasses_apf(),
        seats,
        level: level.unwrap_or_default(),
        lends_seats: features.lends_seats,
        queues,
        user: user.clone(),
        groups,
        info: info.into_owned(),
    })
}

/// The request as the server reads it. A Kubernetes verb stands for the HTTP method that has it.
fn request_info<'u>(verb: &str, uri: &'u str) -> Result<RequestInfo<'u>, InvalidRequest> {
    if !uri.starts_with('/') {
        return Err(InvalidRequest::Path(uri.to_owned()));
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
        _ => return Err(InvalidRequest::Verb(verb.to_owned())),
    };
    let mut info = RequestInfo::parse(method, uri);
    let is_collection = info.is_resource_request && info.name.is_empty() && info.subresource.is_empty();
    if asked == "watch" && is_collection {
        info.verb = Cow::Borrowed("watch");
    }
    let is_kubernetes = ["list", "watch", "create", "update", "deletecollection"].contains(&asked.as_str());
    if is_kubernetes && info.verb != asked {
        return Err(InvalidRequest::Mismatch { verb: verb.to_owned(), actual: info.verb.into_owned() });
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
            ("bogus", "/api/v1/pods", "invalid verb"),
            ("get", "https://host/api", "invalid path"),
            ("get", "", "invalid path"),
        ] {
            let message = request_info(verb, path).unwrap_err().to_string();
            assert!(message.contains(part), "{verb} {path}: {message}");
        }
    }
}
