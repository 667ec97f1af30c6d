//! A request as its columns see it, and what several of them ask of it.

use std::cell::OnceCell;

use crate::audit::{ObjectRef, Text, User};
use crate::kubernetes::{ListOptions, NODE_USER_PREFIX, is_resource_path};
use crate::requests::Request;

/// A request, and what is derived from it once for all columns that ask.
pub(super) struct Row<'r> {
    pub(super) request: &'r Request<'r>,
    /// The decoded request URI; empty unless a column [needs it](super::columns::Column::needs_uri).
    pub(super) uri: &'r str,
    /// The options in the URI; default unless a column [needs it](super::columns::Column::needs_uri).
    pub(super) options: &'r ListOptions<'r>,
    /// Keys of which others are made, once a column has asked.
    pub(super) caller_key: OnceCell<i64>,
    pub(super) instance_key: OnceCell<Option<i64>>,
}

impl<'r> Row<'r> {
    pub(super) const fn of(request: &'r Request<'r>, uri: &'r str, options: &'r ListOptions<'r>) -> Self {
        Self { request, uri, options, caller_key: OnceCell::new(), instance_key: OnceCell::new() }
    }
}

/// A string that upstream writes empty where it means absent.
pub(super) fn unless_empty(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn object_text<'r>(row: &'r Row<'r>, part: fn(&ObjectRef<'r>) -> Option<Text<'r>>) -> Option<Text<'r>> {
    unless_empty(part(row.request.event.object_ref.as_ref()?))
}

pub(super) fn is_resource(row: &Row<'_>) -> bool {
    row.request.event.object_ref.is_some() || is_resource_path(row.uri)
}

pub(super) fn verb_is(row: &Row<'_>, verb: &str) -> bool {
    row.request.event.verb.is_some_and(|text| text == *verb)
}

pub(super) fn is_write(row: &Row<'_>) -> bool {
    ["create", "update", "patch", "delete", "deletecollection"].iter().any(|verb| verb_is(row, verb))
}

/// APF comes after impersonation, so it sees the impersonated user where there is one
/// (upstream `apiserver/pkg/server/config.go`, `DefaultBuildHandlerChain`).
pub(super) fn apf_user<'r>(row: &'r Row<'r>) -> &'r User<'r> {
    let event = row.request.event;
    event.impersonated_user.as_deref().unwrap_or(&event.user)
}

pub(super) fn instance<'r>(row: &'r Row<'r>) -> Option<Text<'r>> {
    let event = row.request.event;
    let node = || event.user.name.and_then(|name| name.strip_prefix(NODE_USER_PREFIX));
    event.user.pod_name.or_else(node).or_else(|| event.source_ips?.iter().last())
}

/// How long the client gives the server, as it says in its query; for most requests it doesn't. A watch has no deadline,
/// whatever it says.
pub(super) fn timeout<'r>(row: &Row<'r>) -> Option<&'r str> {
    row.options.timeout.filter(|_| !verb_is(row, "watch"))
}

pub(super) fn path<'r>(row: &Row<'r>) -> &'r str {
    row.uri.split('?').next().unwrap_or_default().trim_end_matches('/')
}

pub(super) fn path_of_no_resource<'r>(row: &Row<'r>) -> Option<&'r str> {
    (row.request.event.request_uri.is_some() && !is_resource(row)).then(|| path(row))
}
