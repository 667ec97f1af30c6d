//! Keys: hashes that stand for text, as numbers are grouped and joined several times as fast.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::{FixedState, FoldHasher};

use super::row::{Row, apf_user, instance, path, timeout, unless_empty, verb_is};
use crate::audit::{Text, TextList};

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

pub(super) fn request_key(row: &Row<'_>) -> i64 {
    let request = row.request;
    key(|hasher| {
        request.apiserver.hash(hasher);
        hash_text(request.event.audit_id, hasher);
        request.event.request_received_at.hash(hasher);
        request.line.hash(hasher);
    })
}

pub(super) fn caller_key(row: &Row<'_>) -> i64 {
    *row.caller_key.get_or_init(|| {
        key(|hasher| {
            hash_text(unless_empty(row.request.event.user.name), hasher);
            hash_text(unless_empty(row.request.event.user_agent), hasher);
        })
    })
}

pub(super) fn instance_key(row: &Row<'_>) -> Option<i64> {
    *row.instance_key.get_or_init(|| instance(row).map(|text| key(|hasher| hash_text(Some(text), hasher))))
}

pub(super) fn user_key(name: Text<'_>) -> i64 {
    key(|hasher| hash_text(Some(name), hasher))
}

pub(super) fn groups_key(groups: TextList<'_>) -> i64 {
    key(|hasher| groups.hash_as_written(hasher))
}

pub(super) fn object_key(row: &Row<'_>) -> Option<i64> {
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

/// What decides FlowSchema, flow and scope; of lists and watches also what decides their seats, as far as it is in the
/// request.
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
        unless_empty(object.name).is_some().hash(hasher);
        if verb_is(row, "list") || verb_is(row, "watch") {
            let version = options.resource_version.as_deref();
            version.map(|version| version == "0").hash(hasher);
            options.resource_version_match.hash(hasher);
            (options.limit, options.is_undecodable, options.send_initial_events).hash(hasher);
            let has_selector = options.label_selector.is_some() || options.field_selector.is_some();
            (options.continue_token.is_some(), has_selector).hash(hasher);
        }
    })
}

pub(super) fn repeat_key(row: &Row<'_>) -> i64 {
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

pub(super) fn collection_key(row: &Row<'_>) -> i64 {
    key(|hasher| (caller_key(row), instance_key(row), path(row)).hash(hasher))
}

pub(super) fn page_key(row: &Row<'_>) -> i64 {
    key(|hasher| (caller_key(row), row.uri).hash(hasher))
}
