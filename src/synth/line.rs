//! An audit line as kube-apiserver writes it, with Go's order of fields, its escapes and its MicroTime.

use super::bodies::{Bodies, Body};
use super::call::Call;
use super::clients::{Client, Clients};
use super::digits::{TimestampWriter, push_uuid};
use super::outcome::{push_annotations, push_status};
use super::template::TemplateValues;
use super::timeline::{Level, Request, Stage};

#[derive(Debug)]
pub(super) struct LineWriter {
    bodies: Bodies,
    received: TimestampWriter,
    staged: TimestampWriter,
}

/// A request with its client and its call.
#[derive(Clone, Copy, Debug)]
pub(super) struct LineParts<'a> {
    pub(super) request: &'a Request,
    pub(super) client: &'a Client,
    pub(super) call: &'a Call,
    pub(super) values: TemplateValues<'a>,
}

impl<'a> LineParts<'a> {
    pub(super) fn new(request: &'a Request, clients: &'a Clients, calls: &'a [Call]) -> Self {
        Self {
            request,
            client: clients.get(request.client),
            call: &calls[request.call],
            values: TemplateValues {
                seed: request.seed,
                version: request.version,
                node: clients.node_of(request.client, request.seed),
                timeout_secs: request.timeout_secs,
                page: request.page,
                received_at: request.received_at,
            },
        }
    }
}

impl LineWriter {
    pub(super) fn new() -> Self {
        Self { bodies: Bodies::new(), received: TimestampWriter::new(), staged: TimestampWriter::new() }
    }

    /// Appends the line of the request's stage.
    pub(super) fn push(&mut self, parts: &LineParts<'_>, out: &mut Vec<u8>) {
        let LineParts { request, client, call, values } = parts;
        out.extend_from_slice(match request.level {
            Level::Metadata => br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":""#,
            Level::Request => br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":""#,
            Level::RequestResponse => {
                br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":""#
            }
        });
        push_uuid(request.audit_id, out);
        out.extend_from_slice(match request.stage {
            Stage::RequestReceived => br#"","stage":"RequestReceived","requestURI":""#,
            Stage::ResponseStarted => br#"","stage":"ResponseStarted","requestURI":""#,
            Stage::ResponseComplete => br#"","stage":"ResponseComplete","requestURI":""#,
        });
        let uri = if request.page == 0 { &call.uri } else { &call.next_uri };
        uri.fill(values, out);
        out.extend_from_slice(br#"","verb":""#);
        out.extend_from_slice(call.verb.as_bytes());
        out.extend_from_slice(br#"","user":"#);
        out.extend_from_slice(&client.user);
        out.push(b',');
        if request.stage != Stage::RequestReceived {
            out.extend_from_slice(&client.impersonated_user);
        }
        out.extend_from_slice(&client.origin);
        out.push(b',');
        self.push_result(parts, out);
        self.push_times(request, out);
        if request.stage != Stage::RequestReceived {
            push_annotations(parts, out);
        }
        out.extend_from_slice(b"}\n");
    }

    /// Appends `objectRef`, `responseStatus` and the bodies, as far as they are known at the stage.
    fn push_result(&self, parts: &LineParts<'_>, out: &mut Vec<u8>) {
        let LineParts { request, call, values, .. } = parts;
        if request.stage == Stage::RequestReceived {
            return call.received_target.fill(values, out);
        }
        call.target.fill(values, out);
        push_status(parts, out);
        let has_bodies = request.stage == Stage::ResponseComplete && call.body != Body::None;
        if has_bodies && request.level != Level::Metadata {
            self.bodies.push_request(call.body, call.verb, values, out);
        }
        if has_bodies && request.level == Level::RequestResponse {
            self.bodies.push_response(call.body, values, out);
        }
    }

    fn push_times(&mut self, request: &Request, out: &mut Vec<u8>) {
        out.extend_from_slice(br#""requestReceivedTimestamp":""#);
        self.received.push(request.received_at, out);
        out.extend_from_slice(br#"","stageTimestamp":""#);
        self.staged.push(request.stage_at(), out);
        out.push(b'"');
    }
}
