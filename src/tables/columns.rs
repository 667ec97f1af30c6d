//! The columns of `requests`: the name, the type and the source of each.
//!
//! The order here is the order of `select *`. What a request's columns mean is said in `about`, which `query --columns`
//! shows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::keys::{
    audit_key, caller_key, collection_key, groups_key, instance_key, object_key, page_key, repeat_key, request_key,
    user_key,
};
use super::row::{
    Row, apf_user, instance, is_resource, is_write, object_text, path_of_no_resource, unless_empty, verb_is,
};
use crate::audit::{Latency, Micros, Stage, Text, TextList, parse_duration_secs};
use crate::kubernetes::{ListKind, Scope, is_pretty_printed};

/// One column of `requests`.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) needs_uri: bool,
    pub(super) about: &'static str,
}

/// A column's Arrow type and where its value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Utf8(for<'r> fn(&'r Row<'r>) -> Option<Text<'r>>),
    Utf8List(for<'r> fn(&'r Row<'r>) -> Option<TextList<'r>>),
    Timestamp(fn(&Row<'_>) -> Option<Micros>),
    /// `started_at`, which may be found only after the row was made.
    StartedAt,
    Float64(fn(&Row<'_>) -> Option<f64>),
    Latency(Latency),
    Int64(fn(&Row<'_>) -> Option<i64>),
    /// `flow_key`, behind which stands a [`RequestDigest`](crate::apf::RequestDigest).
    FlowKey,
    Int32(fn(&Row<'_>) -> Option<i32>),
    Boolean(fn(&Row<'_>) -> Option<bool>),
}

impl Value {
    fn data_type(self) -> DataType {
        match self {
            Self::Utf8(_) => DataType::Utf8View,
            Self::Utf8List(_) => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))),
            Self::Timestamp(_) | Self::StartedAt => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Float64(_) | Self::Latency(_) => DataType::Float64,
            Self::Int64(_) | Self::FlowKey => DataType::Int64,
            Self::Int32(_) => DataType::Int32,
            Self::Boolean(_) => DataType::Boolean,
        }
    }
}

/// The schema of `requests`.
pub(super) fn schema() -> SchemaRef {
    let fields = COLUMNS.iter().map(|column| Field::new(column.name, column.value.data_type(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

const fn plain(name: &'static str, value: Value, about: &'static str) -> Column {
    Column { name, value, needs_uri: false, about }
}

const fn of_uri(name: &'static str, value: Value, about: &'static str) -> Column {
    Column { name, value, needs_uri: true, about }
}

const fn latency(name: &'static str, part: Latency, about: &'static str) -> Column {
    plain(name, Value::Latency(part), about)
}

fn cow_text<'r>(value: &'r Option<std::borrow::Cow<'r, str>>) -> Option<Text<'r>> {
    value.as_deref().map(Text::plain)
}

fn scope(row: &Row<'_>) -> Option<Scope> {
    let object = row.request.event.object_ref.as_ref()?;
    let has = |part: Option<Text<'_>>| unless_empty(part).is_some();
    Some(Scope::from_request(verb_is(row, "create"), has(object.namespace), has(object.name)))
}

fn list_kind(row: &Row<'_>) -> Option<ListKind> {
    let event = row.request.event;
    let has_name = event.object_ref.is_some_and(|object| unless_empty(object.name).is_some());
    ListKind::from_request(&event.verb?.decode(), has_name, row.options)
}

/// Whether a list is answered with indented JSON.
fn is_pretty(row: &Row<'_>) -> Option<bool> {
    let event = row.request.event;
    list_kind(row)?;
    let user_agent = event.user_agent.map(|agent| agent.decode());
    Some(is_pretty_printed(&event.request_uri?.decode(), user_agent.as_deref().unwrap_or_default()))
}

fn bytes(length: Option<u64>) -> Option<i64> {
    i64::try_from(length?).ok()
}

pub(super) fn latency_secs(row: &Row<'_>, part: Latency) -> Option<f64> {
    parse_duration_secs(&row.request.event.annotations.latency(part)?.decode())
}

pub(super) static COLUMNS: [Column; 79] = [
    plain(
        "apiserver",
        Value::Utf8(|row| row.request.apiserver.map(Text::plain)),
        "the apiserver that served it, from the path, the line, or as given",
    ),
    plain("source_file", Value::Utf8(|row| Some(Text::plain(row.request.file))), "the file of its last stage"),
    plain(
        "source_line",
        Value::Int64(|row| i64::try_from(row.request.line).ok()),
        "the line of its last stage, from 1",
    ),
    plain("audit_id", Value::Utf8(|row| row.request.event.audit_id), "auditID; clients may choose it"),
    plain("user_name", Value::Utf8(|row| unless_empty(row.request.event.user.name)), "user.username, as authenticated"),
    plain("user_groups", Value::Utf8List(|row| row.request.event.user.groups), "user.groups"),
    plain(
        "impersonated_user_name",
        Value::Utf8(|row| row.request.event.impersonated_user.as_ref()?.name),
        "impersonatedUser.username",
    ),
    plain(
        "impersonated_groups",
        Value::Utf8List(|row| row.request.event.impersonated_user.as_ref()?.groups),
        "impersonatedUser.groups",
    ),
    plain(
        "apf_user_name",
        Value::Utf8(|row| unless_empty(apf_user(row).name)),
        "the user that API Priority and Fairness sees: the impersonated one, if any",
    ),
    plain("apf_groups", Value::Utf8List(|row| apf_user(row).groups), "the groups that API Priority and Fairness sees"),
    plain(
        "pod_name",
        Value::Utf8(|row| row.request.event.user.pod_name),
        "the pod that the service account token is bound to",
    ),
    plain("node_name", Value::Utf8(|row| row.request.event.user.node_name), "the node of that pod"),
    plain(
        "instance",
        Value::Utf8(instance),
        "what the client runs as: the pod or node that its credentials are bound to, else the last hop",
    ),
    plain(
        "source_ip",
        Value::Utf8(|row| row.request.event.source_ips?.iter().last()),
        "the last of sourceIPs, the only one that clients can't choose",
    ),
    plain("source_ips", Value::Utf8List(|row| row.request.event.source_ips), "sourceIPs"),
    plain(
        "user_agent",
        Value::Utf8(|row| unless_empty(row.request.event.user_agent)),
        "userAgent, which clients choose",
    ),
    plain(
        "verb",
        Value::Utf8(|row| row.request.event.verb),
        "Kubernetes' verb; for non-resource requests the HTTP method in lower case",
    ),
    plain("request_uri", Value::Utf8(|row| row.request.event.request_uri), "requestURI: path and query"),
    of_uri(
        "is_resource_request",
        Value::Boolean(|row| row.request.event.request_uri.map(|_| is_resource(row))),
        "whether it is about a resource",
    ),
    plain(
        "api_group",
        Value::Utf8(|row| row.request.event.object_ref.map(|object| object.api_group.unwrap_or_default())),
        "the resource's API group, '' for the core group; null for non-resource requests",
    ),
    plain(
        "api_version",
        Value::Utf8(|row| object_text(row, |object| object.api_version)),
        "the resource's API version",
    ),
    plain("resource", Value::Utf8(|row| object_text(row, |object| object.resource)), "the resource, in the plural"),
    plain("subresource", Value::Utf8(|row| object_text(row, |object| object.subresource)), "the subresource"),
    plain(
        "namespace",
        Value::Utf8(|row| object_text(row, |object| object.namespace)),
        "the namespace; null for cluster scope",
    ),
    plain(
        "name",
        Value::Utf8(|row| object_text(row, |object| object.name)),
        "the object's name; for lists the one that a field selector asks for",
    ),
    plain(
        "scope",
        Value::Utf8(|row| scope(row).map(|scope| Text::plain(scope.name()))),
        "object, namespace or cluster; null for non-resource requests",
    ),
    of_uri(
        "list_kind",
        Value::Utf8(|row| list_kind(row).map(|kind| Text::plain(kind.name()))),
        "watch_list, by_name, next_page, exact, reflector, cached, relist, first_page or full; null unless it is a list",
    ),
    of_uri(
        "is_pretty",
        Value::Boolean(is_pretty),
        "whether JSON is indented, by the parameter pretty or the user agent (curl, Wget, browsers); null unless it is a list",
    ),
    of_uri("limit", Value::Int64(|row| row.options.limit), "the page size asked for"),
    of_uri(
        "has_continue",
        Value::Boolean(|row| row.request.event.request_uri.map(|_| row.options.continue_token.is_some())),
        "whether it asks for a further page",
    ),
    of_uri(
        "continue_revision",
        Value::Int64(|row| row.options.continue_revision()),
        "the resourceVersion of the snapshot that the further page is of, from the continue token",
    ),
    of_uri(
        "resource_version",
        Value::Utf8(|row| cow_text(&row.options.resource_version)),
        "resourceVersion: null for most recent, '0' for any",
    ),
    of_uri(
        "resource_version_match",
        Value::Utf8(|row| cow_text(&row.options.resource_version_match)),
        "resourceVersionMatch",
    ),
    of_uri("label_selector", Value::Utf8(|row| cow_text(&row.options.label_selector)), "labelSelector"),
    of_uri("field_selector", Value::Utf8(|row| cow_text(&row.options.field_selector)), "fieldSelector"),
    of_uri("timeout_secs", Value::Int64(|row| row.options.timeout_secs), "timeoutSeconds"),
    of_uri(
        "send_initial_events",
        Value::Boolean(|row| row.options.send_initial_events),
        "sendInitialEvents: a watch that begins with the whole list",
    ),
    of_uri(
        "allow_watch_bookmarks",
        Value::Boolean(|row| row.options.allow_watch_bookmarks),
        "allowWatchBookmarks, which all informers of client-go ask for",
    ),
    of_uri(
        "client_timeout_secs",
        Value::Float64(|row| row.options.timeout.and_then(parse_duration_secs)),
        "timeout: how long the client gives the server; a watch has no deadline all the same",
    ),
    plain(
        "received_at",
        Value::Timestamp(|row| row.request.event.request_received_at),
        "when the server took it in, before authentication and queueing",
    ),
    plain("started_at", Value::StartedAt, "when the response started; only long-running requests log it"),
    plain(
        "completed_at",
        Value::Timestamp(|row| row.request.completed_at),
        "when it ended; null while it is open, and where the log does not tell",
    ),
    plain("duration_secs", Value::Float64(|row| row.request.duration_secs()), "completed_at - received_at, in seconds"),
    plain(
        "outcome",
        Value::Utf8(|row| Some(Text::plain(row.request.outcome.name()))),
        "complete, open (no end is in the log), panic, or unknown (its end is not logged)",
    ),
    plain("last_stage", Value::Utf8(|row| Some(Text::plain(stage(row).name()))), "the last stage that was logged"),
    plain("code", Value::Int32(|row| row.request.event.code), "responseStatus.code"),
    plain("reason", Value::Utf8(|row| unless_empty(row.request.event.reason)), "responseStatus.reason"),
    plain(
        "is_impersonation_denied",
        Value::Boolean(|row| Some(row.request.event.is_impersonation_denied)),
        "whether the impersonation was denied, by responseStatus.message",
    ),
    plain(
        "is_truncated",
        Value::Boolean(|row| Some(row.request.event.annotations.is_truncated)),
        "whether bodies were cut away by the server",
    ),
    plain(
        "request_bytes",
        Value::Int64(|row| bytes(row.request.event.request_bytes)),
        "bytes of the logged requestObject",
    ),
    plain(
        "response_bytes",
        Value::Int64(|row| bytes(row.request.event.response_bytes)),
        "bytes of the logged responseObject",
    ),
    latency(
        "latency_total_secs",
        Latency::Total,
        "the whole request as the server timed it; logged over 0.5 s only, as all latencies",
    ),
    latency("latency_etcd_secs", Latency::Etcd, "in etcd calls"),
    latency("latency_decode_secs", Latency::Decode, "decoding what etcd returned"),
    latency("latency_transform_secs", Latency::Transform, "converting the response"),
    latency("latency_serialize_secs", Latency::Serialize, "encoding the response"),
    latency("latency_response_write_secs", Latency::ResponseWrite, "writing to the client"),
    latency("latency_apf_queue_wait_secs", Latency::ApfQueueWait, "waiting in an APF queue"),
    latency("latency_authentication_secs", Latency::Authentication, "authenticating"),
    latency("latency_authorization_secs", Latency::Authorization, "authorizing"),
    latency("latency_impersonation_secs", Latency::Impersonation, "authorizing an impersonation"),
    latency("latency_mutating_webhook_secs", Latency::MutatingWebhook, "in mutating webhooks"),
    latency("latency_validating_webhook_secs", Latency::ValidatingWebhook, "in validating webhooks"),
    plain(
        "level",
        Value::Utf8(|row| row.request.event.level.map(|level| Text::plain(level.name()))),
        "the audit level that the policy gave it",
    ),
    plain(
        "authorization_decision",
        Value::Utf8(|row| row.request.event.annotations.authorization_decision),
        "allow or forbid; null when it never came so far",
    ),
    plain(
        "is_startup",
        Value::Boolean(|row| Some(row.request.event.annotations.is_startup)),
        "whether the server was still starting",
    ),
    plain(
        "request_key",
        Value::Int64(|row| Some(request_key(row))),
        "a hash of apiserver, audit_id, received_at and source_line: a number for each request",
    ),
    of_uri(
        "repeat_key",
        Value::Int64(|row| (!is_write(row)).then(|| repeat_key(row))),
        "a hash of user, user agent, instance, verb, what is asked for and the selectors: equal if a client asks the same again; null for \
         writes",
    ),
    of_uri(
        "collection_key",
        Value::Int64(|row| (!is_write(row)).then(|| collection_key(row))),
        "a hash of user, user agent, instance and resource: equal if a client asks for the same collection in any way; null for writes",
    ),
    plain("user_key", Value::Int64(|row| row.request.event.user.name.map(user_key)), "a hash of user_name"),
    plain(
        "groups_key",
        Value::Int64(|row| row.request.event.user.groups.map(groups_key)),
        "a hash of user_groups as they are written",
    ),
    plain("instance_key", Value::Int64(instance_key), "a hash of instance"),
    plain(
        "object_key",
        Value::Int64(object_key),
        "a hash of api_group, resource, namespace and name; null for non-resource requests",
    ),
    plain(
        "caller_key",
        Value::Int64(|row| Some(caller_key(row))),
        "a hash of user and user agent: a number for each row of clients",
    ),
    plain(
        "audit_key",
        Value::Int64(|row| Some(audit_key(&row.request.event.audit_id?.decode()))),
        "a hash of audit_id",
    ),
    of_uri(
        "flow_key",
        Value::FlowKey,
        "a hash of all that API Priority and Fairness looks at: a number for each row of flows",
    ),
    plain("user_uid", Value::Utf8(|row| unless_empty(row.request.event.user.uid)), "user.uid"),
    of_uri(
        "path",
        Value::Utf8(|row| path_of_no_resource(row).map(Text::plain)),
        "what a non-resource request asks for, without the query and a slash at the end",
    ),
    of_uri(
        "page_key",
        Value::Int64(|row| row.options.continue_token.is_some().then(|| page_key(row))),
        "a hash of user, user agent and request_uri of a further page: equal if a client asks for the same page again",
    ),
];

fn stage(row: &Row<'_>) -> Stage {
    row.request.event.stage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_says_what_it_is_and_none_stands_twice() {
        let mut names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COLUMNS.len());
        assert!(COLUMNS.iter().all(|column| !column.about.is_empty()));
    }
}
