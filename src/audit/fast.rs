//! The fast path: one walk over a line whose fields stand exactly where Go's encoder puts them.
//!
//! Go writes a struct's fields in a fixed order without white space (`staging/src/k8s.io/apiserver/pkg/apis/audit/v1/types.go`),
//! so each key is compared as a whole where it is expected. Anything else, be it unusual or wrong, is `None`: the
//! general path then reads the line anew and decides. That keeps the two from ever disagreeing on a line both accept.

use super::cursor::Cursor;
use super::event::{Annotations, Event, Level, ObjectRef, Remarks, ResponseStatus, Stage, User};
use super::time::{parse_instant, parse_instant_beside};

/// Reads one event from `line`, which must hold no control characters.
///
/// With `is_item`, the event is an item of an EventList, which has no `kind` and `apiVersion` of its own.
pub(super) fn decode(line: &str, is_item: bool) -> Option<Event<'_>> {
    let c = &mut Cursor::new(line);
    let starts = if is_item {
        c.eat(b"{\"level\":\"")
    } else {
        c.eat(b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"")
    };
    if !starts {
        return None;
    }
    let level = level(c)?;
    let audit_id = if c.eat(b",\"auditID\":\"") { c.string()? } else { return None };
    if audit_id.is_empty() {
        return None;
    }
    let stage = if c.eat(b",\"stage\":\"") { stage(c)? } else { return None };
    let request_uri = if c.eat(b",\"requestURI\":\"") { c.string()? } else { return None };
    let verb = if c.eat(b",\"verb\":\"") { c.string()? } else { return None };
    let user = if c.eat(b",\"user\":") { self::user(c)? } else { return None };
    let impersonated_user = if c.eat(b",\"impersonatedUser\":") { Some(Box::new(self::user(c)?)) } else { None };
    if c.eat(b",\"authenticationMetadata\":") {
        c.skip_value()?;
    }
    let source_ips = if c.eat(b",\"sourceIPs\":[") { Some(c.strings()?) } else { None };
    let user_agent = if c.eat(b",\"userAgent\":\"") { Some(c.string()?) } else { None };
    let object_ref = if c.eat(b",\"objectRef\":") { Some(object_ref(c)?) } else { None };
    let status = if c.eat(b",\"responseStatus\":") { status(c)? } else { ResponseStatus::default() };
    let request_bytes = if c.eat(b",\"requestObject\":") { Some(body(c)?) } else { None };
    let response_bytes = if c.eat(b",\"responseObject\":") { Some(body(c)?) } else { None };
    let received = if c.eat(b",\"requestReceivedTimestamp\":\"") { c.string()?.decode() } else { return None };
    let request_received_at = parse_instant(&received)?;
    let stage_at = if c.eat(b",\"stageTimestamp\":\"") { c.string()?.decode() } else { return None };
    let stage_at = parse_instant_beside(&stage_at, (&received, request_received_at))?;
    let annotations = if c.eat(b",\"annotations\":") { annotations(c)? } else { Annotations::default() };
    let is_whole = c.eat(b"}") && c.is_at_end() && !c.has_surrogate;
    is_whole.then_some(Event {
        level: Some(level),
        audit_id: Some(audit_id),
        stage,
        request_uri: Some(request_uri),
        verb: Some(verb),
        user,
        impersonated_user,
        source_ips,
        user_agent,
        object_ref,
        code: status.code,
        reason: status.reason,
        is_impersonation_denied: status.is_impersonation_denied,
        request_bytes,
        response_bytes,
        request_received_at: Some(request_received_at),
        stage_at: Some(stage_at),
        annotations,
        remarks: Remarks::default(),
    })
}

fn level(c: &mut Cursor<'_>) -> Option<Level> {
    if c.eat(b"Metadata\"") {
        return Some(Level::Metadata);
    }
    Level::from_name(&c.string()?.decode())
}

fn stage(c: &mut Cursor<'_>) -> Option<Stage> {
    if c.eat(b"ResponseComplete\"") {
        return Some(Stage::ResponseComplete);
    }
    Stage::from_name(&c.string()?.decode())
}

/// The length of the body that stands here.
fn body(c: &mut Cursor<'_>) -> Option<u64> {
    let start = c.at();
    c.skip_value()?;
    let length = c.at() - start;
    // `null` is as good as absent, which only the general path knows.
    if length == 4 && c.slice(start, c.at()) == Some("null") {
        return None;
    }
    u64::try_from(length).ok()
}

/// Steps over `"key":` as the next field of the object that opened at `open`.
macro_rules! field {
    ($c:expr, $open:expr, $key:literal) => {
        if $c.at() == $open { $c.eat(concat_bytes_of!("{", $key)) } else { $c.eat(concat_bytes_of!(",", $key)) }
    };
}

/// Two string literals as one array of bytes.
macro_rules! concat_bytes_of {
    ($a:literal, $b:literal) => {{
        const TEXT: &str = concat!($a, $b);
        const BYTES: &[u8; TEXT.len()] = match TEXT.as_bytes().first_chunk() {
            Some(bytes) => bytes,
            None => unreachable!(),
        };
        BYTES
    }};
}

/// Eats the `}` of the object that opened at `open`.
fn close(c: &mut Cursor<'_>, open: usize) -> Option<()> {
    let closes = if c.at() == open { c.eat(b"{}") } else { c.eat(b"}") };
    closes.then_some(())
}

fn user<'a>(c: &mut Cursor<'a>) -> Option<User<'a>> {
    let open = c.at();
    let mut user = User::default();
    if field!(c, open, "\"username\":\"") {
        user.name = Some(c.string()?);
    }
    if field!(c, open, "\"uid\":\"") {
        user.uid = Some(c.string()?);
    }
    if field!(c, open, "\"groups\":[") {
        user.groups = Some(c.strings()?);
    }
    if field!(c, open, "\"extra\":") {
        extra(c, &mut user)?;
    }
    close(c, open)?;
    Some(user)
}

fn extra<'a>(c: &mut Cursor<'a>, user: &mut User<'a>) -> Option<()> {
    if c.eat(b"{}") {
        return Some(());
    }
    if !c.eat(b"{") {
        return None;
    }
    loop {
        let key = if c.eat(b"\"") { c.string()? } else { return None };
        let values = if c.eat(b":[") { c.strings()? } else { return None };
        user.note_extra(&key.decode(), values);
        if c.eat(b"}") {
            return Some(());
        }
        if !c.eat(b",") {
            return None;
        }
    }
}

fn object_ref<'a>(c: &mut Cursor<'a>) -> Option<ObjectRef<'a>> {
    let open = c.at();
    let mut object = ObjectRef::default();
    if field!(c, open, "\"resource\":\"") {
        object.resource = Some(c.string()?);
    }
    if field!(c, open, "\"namespace\":\"") {
        object.namespace = Some(c.string()?);
    }
    if field!(c, open, "\"name\":\"") {
        object.name = Some(c.string()?);
    }
    if field!(c, open, "\"uid\":\"") {
        c.string()?;
    }
    if field!(c, open, "\"apiGroup\":\"") {
        object.api_group = Some(c.string()?);
    }
    if field!(c, open, "\"apiVersion\":\"") {
        object.api_version = Some(c.string()?);
    }
    if field!(c, open, "\"resourceVersion\":\"") {
        c.string()?;
    }
    if field!(c, open, "\"subresource\":\"") {
        object.subresource = Some(c.string()?);
    }
    close(c, open)?;
    Some(object)
}

/// What matters of a `metav1.Status`.
fn status<'a>(c: &mut Cursor<'a>) -> Option<ResponseStatus<'a>> {
    let open = c.at();
    let mut status = ResponseStatus::default();
    if field!(c, open, "\"metadata\":") && !c.eat(b"{}") {
        c.skip_value()?;
    }
    if field!(c, open, "\"status\":\"") {
        c.string()?;
    }
    if field!(c, open, "\"message\":\"") {
        status.note_message(c.string()?);
    }
    if field!(c, open, "\"reason\":\"") {
        status.reason = Some(c.string()?);
    }
    if field!(c, open, "\"details\":") {
        c.skip_value()?;
    }
    if field!(c, open, "\"code\":") {
        status.code = Some(c.code()?);
    }
    close(c, open)?;
    Some(status)
}

fn annotations<'a>(c: &mut Cursor<'a>) -> Option<Annotations<'a>> {
    let mut annotations = Annotations::default();
    if c.eat(b"{}") {
        return Some(annotations);
    }
    if !c.eat(b"{") {
        return None;
    }
    loop {
        let key = if c.eat(b"\"") { c.string()? } else { return None };
        let value = if c.eat(b":\"") { c.string()? } else { return None };
        annotations.note(&key.decode(), value);
        if c.eat(b"}") {
            return Some(annotations);
        }
        if !c.eat(b",") {
            return None;
        }
    }
}
