//! The general path: one JSON object read with serde_json, in any key order, with anything missing, twice or odd in it.
//!
//! serde_json decides what is JSON; each field is first kept as raw text and then read for what upstream says it is, so
//! that a field of the wrong type costs that field and not the line. As in Go, the last of two equal keys counts and
//! keys of structs are taken in any case.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::event::{Annotations, Event, Level, ObjectRef, Remark, Remarks, ResponseStatus, Stage, User};
use super::text::{Text, TextList, has_lone_surrogate};
use super::time::{Micros, parse_instant};

/// The fields of one JSON object, as far as an Event or an EventList has them, not yet interpreted.
#[derive(Default)]
pub(super) struct Fields<'a> {
    /// `kind`.
    pub(super) kind: Option<&'a RawValue>,
    /// `apiVersion`.
    pub(super) api_version: Option<&'a RawValue>,
    /// `items`, of an EventList.
    pub(super) items: Option<&'a RawValue>,
    /// Keys that no audit event has, joined: they tell what else the object is.
    pub(super) other_keys: Vec<Cow<'a, str>>,
    values: [Option<&'a RawValue>; KEYS.len()],
    has_duplicate: bool,
}

/// The event's own keys in lower case, in the order of `Key`.
const KEYS: [&str; 18] = [
    "level",
    "auditid",
    "stage",
    "requesturi",
    "verb",
    "user",
    "impersonateduser",
    "sourceips",
    "useragent",
    "objectref",
    "responsestatus",
    "requestobject",
    "responseobject",
    "requestreceivedtimestamp",
    "stagetimestamp",
    "annotations",
    "timestamp",
    "authenticationmetadata",
];

#[derive(Clone, Copy)]
enum Key {
    Level,
    AuditId,
    Stage,
    RequestUri,
    Verb,
    User,
    ImpersonatedUser,
    SourceIps,
    UserAgent,
    ObjectRef,
    ResponseStatus,
    RequestObject,
    ResponseObject,
    RequestReceivedTimestamp,
    StageTimestamp,
    Annotations,
    Timestamp,
}

impl<'a> Fields<'a> {
    /// Splits a JSON object into its fields. `None` if `object` is no object.
    pub(super) fn of(object: &'a RawValue) -> Option<Self> {
        let mut fields = Self::default();
        each_field(object, |key, value| fields.take(key, value))?;
        Some(fields)
    }

    fn take(&mut self, key: Cow<'a, str>, value: &'a RawValue) {
        let lower = key.to_ascii_lowercase();
        let slot = match lower.as_str() {
            "kind" => &mut self.kind,
            "apiversion" => &mut self.api_version,
            "items" => &mut self.items,
            lower => match KEYS.iter().position(|known| *known == lower) {
                Some(at) => &mut self.values[at],
                None => {
                    self.other_keys.push(key);
                    return;
                }
            },
        };
        self.has_duplicate |= slot.is_some();
        *slot = Some(value);
    }

    /// A field's value; `null` is as good as absent.
    fn get(&self, key: Key) -> Option<&'a RawValue> {
        self.values[key as usize].filter(|value| value.get() != "null")
    }

    /// Whether the two fields are there that only audit events have.
    pub(super) fn has_id_and_stage(&self) -> bool {
        self.get(Key::AuditId).is_some() && self.get(Key::Stage).is_some()
    }
}

/// Why an object that should be an event is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Stage,
    KnownStage,
}

/// Reads the event that `fields` make up.
pub(super) fn event<'a>(fields: &Fields<'a>) -> Result<Event<'a>, Missing> {
    let mut r = Reader::default();
    if fields.has_duplicate {
        r.remarks.add(Remark::DuplicateKey);
    }
    let audit_id = r.text(fields.get(Key::AuditId)).filter(|id| !id.is_empty());
    if audit_id.is_none() {
        r.remarks.add(Remark::NoAuditId);
    }
    let stage = r.text(fields.get(Key::Stage)).ok_or(Missing::Stage)?;
    let stage = Stage::from_name(&stage.decode()).ok_or(Missing::KnownStage)?;
    let status = r.status(fields.get(Key::ResponseStatus));
    let received = fields.get(Key::RequestReceivedTimestamp);
    Ok(Event {
        level: r.level(fields.get(Key::Level)),
        audit_id,
        stage,
        request_uri: r.text(fields.get(Key::RequestUri)),
        verb: r.text(fields.get(Key::Verb)),
        user: r.user(fields.get(Key::User)).unwrap_or_default(),
        impersonated_user: r.user(fields.get(Key::ImpersonatedUser)).map(Box::new),
        source_ips: r.texts(fields.get(Key::SourceIps)),
        user_agent: r.text(fields.get(Key::UserAgent)),
        object_ref: r.object_ref(fields.get(Key::ObjectRef)),
        code: status.code,
        reason: status.reason,
        is_impersonation_denied: status.is_impersonation_denied,
        request_bytes: length(fields.get(Key::RequestObject)),
        response_bytes: length(fields.get(Key::ResponseObject)),
        request_received_at: r.instant(received.or_else(|| fields.get(Key::Timestamp))),
        stage_at: r.instant(fields.get(Key::StageTimestamp)),
        annotations: r.annotations(fields.get(Key::Annotations)),
        remarks: r.remarks,
    })
}

fn length(body: Option<&RawValue>) -> Option<u64> {
    u64::try_from(body?.get().len()).ok()
}

/// Reads fields for what they should be, and remarks on what they are not.
#[derive(Default)]
struct Reader {
    remarks: Remarks,
}

impl Reader {
    fn text<'a>(&mut self, value: Option<&'a RawValue>) -> Option<Text<'a>> {
        let text = string(value?);
        match text {
            None => self.remarks.add(Remark::WrongType),
            Some((text, has_lone_surrogate)) => {
                if has_lone_surrogate {
                    self.remarks.add(Remark::LoneSurrogate);
                }
                return Some(text);
            }
        }
        None
    }

    fn texts<'a>(&mut self, value: Option<&'a RawValue>) -> Option<TextList<'a>> {
        let value = value?;
        let mut are_strings = true;
        let is_list = each_element(value, |element| {
            are_strings &= self.text(Some(element)).is_some();
        });
        if is_list.is_none() || !are_strings {
            self.remarks.add(Remark::WrongType);
            return None;
        }
        let raw = value.get();
        Some(TextList::new(&raw[1..raw.len() - 1]))
    }

    fn level(&mut self, value: Option<&RawValue>) -> Option<Level> {
        let name = self.text(value)?;
        let level = Level::from_name(&name.decode());
        if level.is_none() {
            self.remarks.add(Remark::UnknownLevel);
        }
        level
    }

    fn instant(&mut self, value: Option<&RawValue>) -> Option<Micros> {
        let text = self.text(value)?;
        let instant = parse_instant(&text.decode());
        if instant.is_none() {
            self.remarks.add(Remark::BadTimestamp);
        }
        instant
    }

    /// Hands over the fields of an object; a remark if it is none.
    fn fields<'a>(&mut self, value: &'a RawValue, mut take: impl FnMut(&mut Self, &str, &'a RawValue)) -> Option<()> {
        let is_object = each_field(value, |key, value| {
            if value.get() != "null" {
                take(self, &key, value);
            }
        });
        if is_object.is_none() {
            self.remarks.add(Remark::WrongType);
        }
        is_object
    }

    fn user<'a>(&mut self, value: Option<&'a RawValue>) -> Option<User<'a>> {
        let mut user = User::default();
        self.fields(value?, |r, key, value| match key.to_ascii_lowercase().as_str() {
            "username" => user.name = r.text(Some(value)),
            "uid" => user.uid = r.text(Some(value)),
            "groups" => user.groups = r.texts(Some(value)),
            "extra" => {
                r.fields(value, |r, key, values| {
                    if let Some(values) = r.texts(Some(values)) {
                        user.note_extra(key, values);
                    }
                });
            }
            _ => {}
        })?;
        Some(user)
    }

    fn object_ref<'a>(&mut self, value: Option<&'a RawValue>) -> Option<ObjectRef<'a>> {
        let mut object = ObjectRef::default();
        self.fields(value?, |r, key, value| {
            let slot = match key.to_ascii_lowercase().as_str() {
                "resource" => &mut object.resource,
                "namespace" => &mut object.namespace,
                "name" => &mut object.name,
                "apigroup" => &mut object.api_group,
                "apiversion" => &mut object.api_version,
                "subresource" => &mut object.subresource,
                _ => return,
            };
            *slot = r.text(Some(value));
        })?;
        Some(object)
    }

    fn status<'a>(&mut self, value: Option<&'a RawValue>) -> ResponseStatus<'a> {
        let mut status = ResponseStatus::default();
        let Some(value) = value else {
            return status;
        };
        self.fields(value, |r, key, value| match key.to_ascii_lowercase().as_str() {
            // A message is read for this alone, so one that isn't a string needs no remark.
            "message" => {
                if let Some((message, _)) = string(value) {
                    status.note_message(message);
                }
            }
            "reason" => status.reason = r.text(Some(value)),
            "code" => {
                status.code = value.get().parse::<i32>().ok();
                if status.code.is_none() {
                    r.remarks.add(Remark::BadCode);
                }
            }
            _ => {}
        });
        status
    }

    fn annotations<'a>(&mut self, value: Option<&'a RawValue>) -> Annotations<'a> {
        let mut annotations = Annotations::default();
        if let Some(value) = value {
            self.fields(value, |r, key, value| {
                if let Some(value) = r.text(Some(value)) {
                    annotations.note(key, value);
                }
            });
        }
        annotations
    }
}

/// A JSON string's inside, and whether it holds a lone surrogate.
fn string(value: &RawValue) -> Option<(Text<'_>, bool)> {
    let inside = value.get().strip_prefix('"')?.strip_suffix('"')?;
    let has_escapes = memchr::memchr(b'\\', inside.as_bytes()).is_some();
    Some((Text::new(inside, has_escapes), has_escapes && has_lone_surrogate(inside)))
}

/// The value of a JSON string.
pub(super) fn string_value(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    Some(string(value?)?.0.decode())
}

/// Calls `take` with each field of `object`. `None` if it is no object.
fn each_field<'a>(object: &'a RawValue, take: impl FnMut(Cow<'a, str>, &'a RawValue)) -> Option<()> {
    serde_json::Deserializer::from_str(object.get()).deserialize_map(EachField(take)).ok()
}

/// Calls `take` with each element of `list`. `None` if it is no list.
pub(super) fn each_element<'a>(list: &'a RawValue, take: impl FnMut(&'a RawValue)) -> Option<()> {
    serde_json::Deserializer::from_str(list.get()).deserialize_seq(EachElement(take)).ok()
}

struct EachField<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for EachField<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(KeySeed)? {
            (self.0)(key, map.next_value()?);
        }
        Ok(())
    }
}

struct EachElement<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for EachElement<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        while let Some(element) = elements.next_element()? {
            (self.0)(element);
        }
        Ok(())
    }
}

/// A key, borrowed where it can be. Read as bytes, since only those may hold a lone surrogate.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl<'de> Visitor<'de> for KeySeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_bytes<E>(self, key: &'de [u8]) -> Result<Self::Value, E> {
        Ok(String::from_utf8_lossy(key))
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Self::Value, E> {
        Ok(Cow::Owned(String::from_utf8_lossy(key).into_owned()))
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
