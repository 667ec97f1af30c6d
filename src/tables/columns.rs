//! The columns of `requests`: the name, the type and the source of each.
//!
//! The order here is the order of `select *`. What a request's columns mean is said in `about`, which `query --columns`
//! shows.

use std::cell::OnceCell;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use foldhash::fast::{FixedState, FoldHasher};

use crate::audit::{Latency, Micros, Stage, Text, TextList, parse_duration_secs};
use crate::requests::{ListKind, ListOptions, Request, Scope, is_resource_path};

/// A request, and what is derived from it once for all columns that ask.
pub(super) struct Row<'r> {
    pub(super) request: &'r Request<'r>,
    /// The decoded request URI; empty unless [`Column::needs_uri`].
    pub(super) uri: &'r str,
    /// The options in the URI; default unless [`Column::needs_uri`].
    pub(super) options: &'r ListOptions<'r>,
    caller_key: OnceCell<i64>,
    instance_key: OnceCell<Option<i64>>,
}

impl<'r> Row<'r> {
    pub(super) const fn of(request: &'r Request<'r>, uri: &'r str, options: &'r ListOptions<'r>) -> Self {
        Self { request, uri, options, caller_key: OnceCell::new(), instance_key: OnceCell::new() }
    }
}

/// One column of `requests`.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) needs_uri: bool,
    pub(super) about: &'static str,
}

/// A column's type and where its value comes from.
#[derive(Clone, Copy)]
pub(super) enum Value {
    Text(for<'r> fn(&'r Row<'r>) -> Option<Text<'r>>),
    Texts(for<'r> fn(&'r Row<'r>) -> Option<TextList<'r>>),
    Instant(fn(&Row<'_>) -> Option<Micros>),
    /// `started_at`, which may be found only after the row was made.
    StartedAt,
    Secs(fn(&Row<'_>) -> Option<f64>),
    Latency(Latency),
    Whole(fn(&Row<'_>) -> Option<i64>),
    /// `flow_key`, behind which stands a [`RequestDigest`](crate::apf::RequestDigest).
    FlowKey,
    Code(fn(&Row<'_>) -> Option<i32>),
    Flag(fn(&Row<'_>) -> Option<bool>),
}

impl Value {
    fn data_type(self) -> DataType {
        match self {
            Self::Text(_) => DataType::Utf8View,
            Self::Texts(_) => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))),
            Self::Instant(_) | Self::StartedAt => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Secs(_) | Self::Latency(_) => DataType::Float64,
            Self::Whole(_) | Self::FlowKey => DataType::Int64,
            Self::Code(_) => DataType::Int32,
            Self::Flag(_) => DataType::Boolean,
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

/// A string that upstream writes empty where it means absent.
fn unless_empty(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn object_text<'r>(
    row: &'r Row<'r>,
    part: fn(&crate::audit::ObjectRef<'r>) -> Option<Text<'r>>,
) -> Option<Text<'r>> {
    unless_empty(part(row.request.event.object_ref.as_ref()?))
}

fn cow_text<'r>(value: &'r Option<std::borrow::Cow<'r, str>>) -> Option<Text<'r>> {
    value.as_deref().map(Text::plain)
}

fn is_resource(row: &Row<'_>) -> bool {
    row.request.event.object_ref.is_some() || is_resource_path(row.uri)
}

fn verb_is(row: &Row<'_>, verb: &str) -> bool {
    row.request.event.verb.is_some_and(|text| text == *verb)
}

/// APF comes after impersonation, so it sees the impersonated user where there is one
/// (upstream `apiserver/pkg/server/config.go`, `DefaultBuildHandlerChain`).
pub(super) fn apf_user<'r>(row: &'r Row<'r>) -> &'r crate::audit::User<'r> {
    let event = row.request.event;
    event.impersonated_user.as_deref().unwrap_or(&event.user)
}

fn scope(row: &Row<'_>) -> Option<Scope> {
    let object = row.request.event.object_ref.as_ref()?;
    let has = |part: Option<Text<'_>>| unless_empty(part).is_some();
    Some(Scope::of(verb_is(row, "create"), has(object.namespace), has(object.name)))
}

fn list_kind(row: &Row<'_>) -> Option<ListKind> {
    let event = row.request.event;
    let has_name = event.object_ref.is_some_and(|object| unless_empty(object.name).is_some());
    ListKind::of(&event.verb?.decode(), has_name, row.options)
}

fn bytes(length: Option<u64>) -> Option<i64> {
    i64::try_from(length?).ok()
}

pub(super) fn latency_secs(row: &Row<'_>, part: Latency) -> Option<f64> {
    parse_duration_secs(&row.request.event.annotations.latency(part)?.decode())
}

pub(super) const COLUMNS: [Column; 75] = [
    plain(
        "apiserver",
        Value::Text(|row| row.request.apiserver.map(Text::plain)),
        "the apiserver that served it, from the path, the line, or as given",
    ),
    plain("source_file", Value::Text(|row| Some(Text::plain(row.request.file))), "the file of its last stage"),
    plain(
        "source_line",
        Value::Whole(|row| i64::try_from(row.request.line).ok()),
        "the line of its last stage, from 1",
    ),
    plain("audit_id", Value::Text(|row| row.request.event.audit_id), "auditID; clients may choose it"),
    plain("user_name", Value::Text(|row| unless_empty(row.request.event.user.name)), "user.username, as authenticated"),
    plain("user_groups", Value::Texts(|row| row.request.event.user.groups), "user.groups"),
    plain(
        "impersonated_user_name",
        Value::Text(|row| row.request.event.impersonated_user.as_ref()?.name),
        "impersonatedUser.username",
    ),
    plain(
        "impersonated_groups",
        Value::Texts(|row| row.request.event.impersonated_user.as_ref()?.groups),
        "impersonatedUser.groups",
    ),
    plain(
        "apf_user_name",
        Value::Text(|row| unless_empty(apf_user(row).name)),
        "the user that API Priority and Fairness sees: the impersonated one, if any",
    ),
    plain("apf_groups", Value::Texts(|row| apf_user(row).groups), "the groups that API Priority and Fairness sees"),
    plain(
        "pod_name",
        Value::Text(|row| row.request.event.user.pod_name),
        "the pod that the service account token is bound to",
    ),
    plain("node_name", Value::Text(|row| row.request.event.user.node_name), "the node of that pod"),
    plain(
        "instance",
        Value::Text(instance),
        "what the client runs as: the pod or node that its credentials are bound to, else the last hop",
    ),
    plain(
        "source_ip",
        Value::Text(|row| row.request.event.source_ips?.iter().last()),
        "the last of sourceIPs, the only one that clients can't choose",
    ),
    plain("source_ips", Value::Texts(|row| row.request.event.source_ips), "sourceIPs"),
    plain(
        "user_agent",
        Value::Text(|row| unless_empty(row.request.event.user_agent)),
        "userAgent, which clients choose",
    ),
    plain(
        "verb",
        Value::Text(|row| row.request.event.verb),
        "Kubernetes' verb; for non-resource requests the HTTP method in lower case",
    ),
    plain("request_uri", Value::Text(|row| row.request.event.request_uri), "requestURI: path and query"),
    of_uri(
        "is_resource_request",
        Value::Flag(|row| row.request.event.request_uri.map(|_| is_resource(row))),
        "whether it is about a resource",
    ),
    plain(
        "api_group",
        Value::Text(|row| row.request.event.object_ref.map(|object| object.api_group.unwrap_or_default())),
        "the resource's API group, '' for the core group; null for non-resource requests",
    ),
    plain(
        "api_version",
        Value::Text(|row| object_text(row, |object| object.api_version)),
        "the resource's API version",
    ),
    plain("resource", Value::Text(|row| object_text(row, |object| object.resource)), "the resource, in the plural"),
    plain("subresource", Value::Text(|row| object_text(row, |object| object.subresource)), "the subresource"),
    plain(
        "namespace",
        Value::Text(|row| object_text(row, |object| object.namespace)),
        "the namespace; null for cluster scope",
    ),
    plain(
        "name",
        Value::Text(|row| object_text(row, |object| object.name)),
        "the object's name; for lists the one that a field selector asks for",
    ),
    plain(
        "scope",
        Value::Text(|row| scope(row).map(|scope| Text::plain(scope.name()))),
        "object, namespace or cluster; null for non-resource requests",
    ),
    of_uri(
        "list_kind",
        Value::Text(|row| list_kind(row).map(|kind| Text::plain(kind.name()))),
        "watch_list, by_name, next_page, exact, reflector, cached, relist, first_page or full; null unless it is a list",
    ),
    of_uri("limit", Value::Whole(|row| row.options.limit), "the page size asked for"),
    of_uri(
        "has_continue",
        Value::Flag(|row| row.request.event.request_uri.map(|_| row.options.continue_token.is_some())),
        "whether it asks for a further page",
    ),
    of_uri(
        "continue_revision",
        Value::Whole(|row| row.options.continue_revision()),
        "the resourceVersion of the snapshot that the further page is of, from the continue token",
    ),
    of_uri(
        "resource_version",
        Value::Text(|row| cow_text(&row.options.resource_version)),
        "resourceVersion: null for most recent, '0' for any",
    ),
    of_uri(
        "resource_version_match",
        Value::Text(|row| cow_text(&row.options.resource_version_match)),
        "resourceVersionMatch",
    ),
    of_uri("label_selector", Value::Text(|row| cow_text(&row.options.label_selector)), "labelSelector"),
    of_uri("field_selector", Value::Text(|row| cow_text(&row.options.field_selector)), "fieldSelector"),
    of_uri("timeout_secs", Value::Whole(|row| row.options.timeout_secs), "timeoutSeconds"),
    of_uri(
        "send_initial_events",
        Value::Flag(|row| row.options.send_initial_events),
        "sendInitialEvents: a watch that begins with the whole list",
    ),
    plain(
        "received_at",
        Value::Instant(|row| row.request.event.request_received_at),
        "when the server took it in, before authentication and queueing",
    ),
    plain("started_at", Value::StartedAt, "when the response started; only long-running requests log it"),
    plain("completed_at", Value::Instant(|row| row.request.completed_at), "when it ended; null while it is open"),
    plain("duration_secs", Value::Secs(|row| row.request.duration_secs()), "completed_at - received_at, in seconds"),
    plain(
        "outcome",
        Value::Text(|row| Some(Text::plain(row.request.outcome.name()))),
        "complete, open (no end is in the log) or panic",
    ),
    plain("last_stage", Value::Text(|row| Some(Text::plain(stage(row).name()))), "the last stage that was logged"),
    plain("code", Value::Code(|row| row.request.event.code), "responseStatus.code"),
    plain("reason", Value::Text(|row| unless_empty(row.request.event.reason)), "responseStatus.reason"),
    plain(
        "is_truncated",
        Value::Flag(|row| Some(row.request.event.annotations.is_truncated)),
        "whether bodies were cut away by the server",
    ),
    plain(
        "request_bytes",
        Value::Whole(|row| bytes(row.request.event.request_bytes)),
        "bytes of the logged requestObject",
    ),
    plain(
        "response_bytes",
        Value::Whole(|row| bytes(row.request.event.response_bytes)),
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
        Value::Text(|row| row.request.event.level.map(|level| Text::plain(level.name()))),
        "the audit level that the policy gave it",
    ),
    plain(
        "authorization_decision",
        Value::Text(|row| row.request.event.annotations.authorization_decision),
        "allow or forbid; null when it never came so far",
    ),
    plain(
        "is_startup",
        Value::Flag(|row| Some(row.request.event.annotations.is_startup)),
        "whether the server was still starting",
    ),
    plain(
        "request_key",
        Value::Whole(|row| Some(request_key(row))),
        "a hash of apiserver, audit_id, received_at and source_line: a number for each request",
    ),
    of_uri(
        "repeat_key",
        Value::Whole(|row| (!is_write(row)).then(|| repeat_key(row))),
        "a hash of user, user agent, instance, verb, what is asked for and the selectors: equal if a client asks the same again; null for \
         writes",
    ),
    of_uri(
        "collection_key",
        Value::Whole(|row| (!is_write(row)).then(|| collection_key(row))),
        "a hash of user, user agent, instance and resource: equal if a client asks for the same collection in any way; null for writes",
    ),
    plain("user_key", Value::Whole(|row| row.request.event.user.name.map(user_key)), "a hash of user_name"),
    plain(
        "groups_key",
        Value::Whole(|row| row.request.event.user.groups.map(groups_key)),
        "a hash of user_groups as they are written",
    ),
    plain("instance_key", Value::Whole(instance_key), "a hash of instance"),
    plain(
        "object_key",
        Value::Whole(object_key),
        "a hash of api_group, resource, namespace and name; null for non-resource requests",
    ),
    plain(
        "caller_key",
        Value::Whole(|row| Some(caller_key(row))),
        "a hash of user and user agent: a number for each row of clients",
    ),
    plain(
        "audit_key",
        Value::Whole(|row| Some(audit_key(&row.request.event.audit_id?.decode()))),
        "a hash of audit_id",
    ),
    of_uri(
        "flow_key",
        Value::FlowKey,
        "a hash of all that API Priority and Fairness looks at: a number for each row of flows",
    ),
    plain("user_uid", Value::Text(|row| unless_empty(row.request.event.user.uid)), "user.uid"),
    of_uri(
        "path",
        Value::Text(|row| path_of_no_resource(row).map(Text::plain)),
        "what a non-resource request asks for, without the query and a slash at the end",
    ),
    of_uri(
        "page_key",
        Value::Whole(|row| row.options.continue_token.is_some().then(|| page_key(row))),
        "a hash of user, user agent and request_uri of a further page: equal if a client asks for the same page again",
    ),
];

/// The node in a kubelet's user name (upstream `plugin/pkg/auth/authorizer/node`).
const NODE_USER: &str = "system:node:";

fn instance<'r>(row: &'r Row<'r>) -> Option<Text<'r>> {
    let event = row.request.event;
    let node = || event.user.name.and_then(|name| name.strip_prefix(NODE_USER));
    event.user.pod_name.or_else(node).or_else(|| event.source_ips?.iter().last())
}

/// Hashes that are the same in every run; of two different things they are as good as never equal.
fn key(parts: impl FnOnce(&mut FoldHasher<'_>)) -> i64 {
    let state = FixedState::with_seed(0);
    let mut hasher = state.build_hasher();
    parts(&mut hasher);
    // Without the highest bits it is a number that every reader of JSON can hold.
    (hasher.finish() >> 11).cast_signed()
}

fn hash_text(text: Option<Text<'_>>, hasher: &mut FoldHasher<'_>) {
    text.map(|text| text.decode()).hash(hasher);
}

fn request_key(row: &Row<'_>) -> i64 {
    let request = row.request;
    key(|hasher| {
        request.apiserver.hash(hasher);
        hash_text(request.event.audit_id, hasher);
        request.event.request_received_at.hash(hasher);
        request.line.hash(hasher);
    })
}

fn caller_key(row: &Row<'_>) -> i64 {
    *row.caller_key.get_or_init(|| {
        key(|hasher| {
            hash_text(unless_empty(row.request.event.user.name), hasher);
            hash_text(unless_empty(row.request.event.user_agent), hasher);
        })
    })
}

fn instance_key(row: &Row<'_>) -> Option<i64> {
    *row.instance_key.get_or_init(|| instance(row).map(|text| key(|hasher| hash_text(Some(text), hasher))))
}

fn user_key(name: Text<'_>) -> i64 {
    key(|hasher| hash_text(Some(name), hasher))
}

fn groups_key(groups: TextList<'_>) -> i64 {
    key(|hasher| groups.hash_as_written(hasher))
}

fn object_key(row: &Row<'_>) -> Option<i64> {
    let object = row.request.event.object_ref.as_ref()?;
    Some(key(|hasher| {
        for part in [object.api_group, object.resource, object.namespace, object.name] {
            hash_text(unless_empty(part), hasher);
        }
    }))
}

/// The hash of an audit ID in the column `audit_key`.
pub fn audit_key(audit_id: &str) -> i64 {
    key(|hasher| audit_id.hash(hasher))
}

/// What decides FlowSchema and flow; of lists and watches also what decides their seats, as far as it is in the request.
pub(super) fn flow_key(row: &Row<'_>) -> i64 {
    let event = row.request.event;
    let (user, object) = (apf_user(row), event.object_ref.as_ref());
    let options = row.options;
    key(|hasher| {
        hash_text(user.name, hasher);
        if let Some(groups) = user.groups {
            groups.hash_as_written(hasher);
        }
        hash_text(event.verb, hasher);
        timeout(row).hash(hasher);
        let Some(object) = object else {
            return row.uri.split('?').next().hash(hasher);
        };
        for part in [object.api_group, object.resource, object.subresource, object.namespace] {
            hash_text(unless_empty(part), hasher);
        }
        if verb_is(row, "list") || verb_is(row, "watch") {
            let version = options.resource_version.as_deref();
            version.map(|version| version == "0").hash(hasher);
            options.resource_version_match.hash(hasher);
            (options.limit, options.is_undecodable, options.send_initial_events).hash(hasher);
            let has_selector = options.label_selector.is_some() || options.field_selector.is_some();
            let has_name = unless_empty(object.name).is_some();
            (options.continue_token.is_some(), has_selector, has_name).hash(hasher);
        }
    })
}

/// How long the client gives the server, as it says in its query; for most requests it doesn't. A watch has no deadline,
/// whatever it says.
pub(super) fn timeout<'r>(row: &Row<'r>) -> Option<&'r str> {
    let (_, query) = row.uri.split_once('?').filter(|_| !verb_is(row, "watch"))?;
    query.split('&').find_map(|pair| pair.strip_prefix("timeout=")).filter(|value| !value.is_empty())
}

fn repeat_key(row: &Row<'_>) -> i64 {
    let options = row.options;
    key(|hasher| {
        (caller_key(row), instance_key(row)).hash(hasher);
        hash_text(row.request.event.verb, hasher);
        path(row).hash(hasher);
        options.label_selector.hash(hasher);
        options.field_selector.hash(hasher);
        options.limit.is_some_and(|limit| limit > 0).hash(hasher);
        options.continue_token.is_some().hash(hasher);
    })
}

fn collection_key(row: &Row<'_>) -> i64 {
    key(|hasher| (caller_key(row), instance_key(row), path(row)).hash(hasher))
}

fn page_key(row: &Row<'_>) -> i64 {
    key(|hasher| (caller_key(row), row.uri).hash(hasher))
}

fn path<'r>(row: &Row<'r>) -> &'r str {
    row.uri.split('?').next().unwrap_or_default().trim_end_matches('/')
}

fn path_of_no_resource<'r>(row: &Row<'r>) -> Option<&'r str> {
    (row.request.event.request_uri.is_some() && !is_resource(row)).then(|| path(row))
}

fn is_write(row: &Row<'_>) -> bool {
    ["create", "update", "patch", "delete", "deletecollection"].iter().any(|verb| verb_is(row, verb))
}

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
