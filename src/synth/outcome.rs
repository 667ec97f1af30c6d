//! The outcome of a request: `responseStatus` and `annotations`, with the messages of upstream's errors.

use super::call::Call;
use super::digits::{push_duration, push_number, push_uuid};
use super::line::LineParts;
use super::template::TemplateValues;
use super::timeline::Stage;
use crate::units::mix;

/// The server adds latency annotations to slower requests (`endpoints/filters/audit.go`).
const SLOW_NANOS: u64 = 500_000_000;

/// Appends `"responseStatus":{…},`.
pub(super) fn push_status(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    let LineParts { request, call, values, .. } = parts;
    out.extend_from_slice(br#""responseStatus":{"metadata":{},"#);
    match request.code {
        401 => out.extend_from_slice(br#""status":"Failure","message":"Unauthorized","reason":"Unauthorized","#),
        403 => push_failure("Forbidden", parts, push_forbidden, out),
        404 => push_failure("NotFound", parts, push_not_found, out),
        409 if call.verb == "create" => push_failure("AlreadyExists", parts, push_already_exists, out),
        409 => push_failure("Conflict", parts, push_conflict, out),
        422 => push_failure("Invalid", parts, push_invalid, out),
        500 if !call.resource.is_empty() => {
            out.extend_from_slice(br#""status":"Failure","message":"context canceled","#);
        }
        503 => out.extend_from_slice(br#""status":"Failure","message":"the server is currently unable to handle the request","reason":"ServiceUnavailable","#),
        201 if call.subresource == "binding" => out.extend_from_slice(br#""status":"Success","#),
        200 if call.verb == "delete" && call.resource != "pods" => push_deleted(call, values, out),
        _ => {}
    }
    out.extend_from_slice(br#""code":"#);
    push_number(u64::from(request.code), out);
    out.extend_from_slice(b"},");
}

type Message = fn(&LineParts<'_>, &mut Vec<u8>);

fn push_failure(reason: &str, parts: &LineParts<'_>, message: Message, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""status":"Failure","message":""#);
    message(parts, out);
    out.extend_from_slice(br#"","reason":""#);
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(br#"","details":{"#);
    if !parts.call.name.is_empty() {
        out.extend_from_slice(br#""name":""#);
        parts.call.name.fill(&parts.values, out);
        out.extend_from_slice(br#"","#);
    }
    push_kind(parts.call, out);
    out.extend_from_slice(b"},");
}

fn push_kind(call: &Call, out: &mut Vec<u8>) {
    if !call.group.is_empty() {
        out.extend_from_slice(br#""group":""#);
        out.extend_from_slice(call.group.as_bytes());
        out.extend_from_slice(br#"","#);
    }
    out.extend_from_slice(br#""kind":""#);
    out.extend_from_slice(call.resource.as_bytes());
    out.push(b'"');
}

fn push_forbidden(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    let LineParts { client, call, values, .. } = parts;
    let slash = if call.subresource.is_empty() { "" } else { "/" };
    if call.name.is_empty() {
        out.extend_from_slice(call.qualified_resource.as_bytes());
    } else {
        push_object(parts, out);
    }
    let what = format!(
        r#" is forbidden: User \"{}\" cannot {} resource \"{}{slash}{}\" in API group \"{}\" "#,
        client.name, call.verb, call.resource, call.subresource, call.group
    );
    out.extend_from_slice(what.as_bytes());
    match &call.namespace {
        Some(namespace) => {
            out.extend_from_slice(br#"in the namespace \""#);
            namespace.fill(values, out);
            out.extend_from_slice(br#"\""#);
        }
        None => out.extend_from_slice(b"at the cluster scope"),
    }
}

/// `pods \"name\"`.
fn push_object(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(parts.call.qualified_resource.as_bytes());
    out.extend_from_slice(br#" \""#);
    parts.call.name.fill(&parts.values, out);
    out.extend_from_slice(br#"\""#);
}

fn push_not_found(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    push_object(parts, out);
    out.extend_from_slice(b" not found");
}

fn push_already_exists(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    push_object(parts, out);
    out.extend_from_slice(b" already exists");
}

fn push_conflict(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Operation cannot be fulfilled on ");
    push_object(parts, out);
    out.extend_from_slice(
        b": the object has been modified; please apply your changes to the latest version and try again",
    );
}

fn push_invalid(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    push_object(parts, out);
    out.extend_from_slice(br#" is invalid: spec.template.metadata.labels: Invalid value: map[string]string{\"app\":\"web\"}: `selector` does not match template `labels`"#);
}

/// Appends the Status that a delete of most kinds returns.
fn push_deleted(call: &Call, values: &TemplateValues<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""status":"Success","details":{"name":""#);
    call.name.fill(values, out);
    out.extend_from_slice(br#"","#);
    push_kind(call, out);
    out.extend_from_slice(br#","uid":""#);
    push_uuid([mix(values.seed), mix(!values.seed)], out);
    out.extend_from_slice(br#""},"#);
}

/// Appends `,"annotations":{…}`, sorted by key, if there are any.
pub(super) fn push_annotations(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    const OPENING: &[u8] = br#","annotations":{"#;
    let start = out.len();
    out.extend_from_slice(OPENING);
    if parts.request.stage == Stage::ResponseComplete && !parts.call.is_long_running {
        push_latency(parts, out);
    }
    // Requests that authentication or APF rejects never reach authorization.
    if !matches!(parts.request.code, 401 | 429) {
        push_authorization(parts, out);
    }
    let first_comma = start + OPENING.len();
    if out.len() == first_comma {
        out.truncate(start);
    } else {
        out.remove(first_comma);
        out.push(b'}');
    }
}

fn push_latency(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    let LineParts { request, call, .. } = parts;
    let total = (request.completed_at - request.received_at).unsigned_abs() * 1_000;
    if total <= SLOW_NANOS {
        return;
    }
    let noise = mix(request.seed);
    let small = |index: u64| mix(noise ^ index) % 60_000 + 300;
    let queued = total / 1_000 * request.queued_per_mille;
    if !is_exempt(parts) {
        push_latency_part("apf-queue-wait", queued.max(small(1)), out);
    }
    push_latency_part("authentication", small(2), out);
    if request.code != 429 {
        push_latency_part("authorization", small(3), out);
        push_latency_part("etcd", (total - queued) / 100 * (5 + noise % 30), out);
    }
    let write = if call.verb == "list" { (total - queued) / 100 * (20 + noise % 30) } else { small(4) };
    push_latency_part("response-write", write, out);
    if request.code != 429 {
        push_latency_part("serialize-response-object", write + small(5) * 3, out);
    }
    push_latency_part("total", (total - small(6)).max(SLOW_NANOS + 1), out);
    if request.code != 429 {
        push_latency_part("transform-response-object", small(7), out);
    }
}

/// Requests of system:masters are exempt from APF.
fn is_exempt(parts: &LineParts<'_>) -> bool {
    parts.client.name == "system:apiserver"
}

fn push_latency_part(part: &str, nanos: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","apiserver.latency.k8s.io/"#);
    out.extend_from_slice(part.as_bytes());
    out.extend_from_slice(br#"":""#);
    push_duration(nanos, out);
    out.push(b'"');
}

fn push_authorization(parts: &LineParts<'_>, out: &mut Vec<u8>) {
    let LineParts { request, client, call, values } = parts;
    let is_allowed = request.code != 403;
    if call.subresource == "token" && request.code == 201 {
        out.extend_from_slice(br#","authentication.kubernetes.io/issued-credential-id":"JTI="#);
        push_uuid([mix(values.seed ^ 1), mix(values.seed ^ 2)], out);
        out.push(b'"');
    }
    if is_allowed {
        out.extend_from_slice(br#","authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":""#);
        out.extend_from_slice(client.reason.as_bytes());
    } else {
        out.extend_from_slice(br#","authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""#);
    }
    out.push(b'"');
    if call.is_deprecated {
        out.extend_from_slice(br#","k8s.io/deprecated":"true""#);
    }
    if is_allowed && call.verb == "create" && call.resource == "pods" && call.subresource.is_empty() {
        out.extend_from_slice(br#","mutation.webhook.admission.k8s.io/round_0_index_0":"{\"configuration\":\"istio-sidecar-injector\",\"webhook\":\"namespace.sidecar-injector.istio.io\",\"mutated\":true}","pod-security.kubernetes.io/enforce-policy":"privileged:latest""#);
    }
}
