//! What a kube-apiserver itself says of a request, in the access log that it writes at verbosity 3
//! (`apiserver/pkg/server/httplog/httplog.go`): the FlowSchema, the priority level and the seats.
//!
//! A line is klog's text, maybe behind a container runtime's prefix, or klog's JSON. Only what is asked for here is read.

use std::borrow::Cow;

use serde::Deserialize;

/// The server's word on one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Verdict<'l> {
    /// `audit-ID`.
    #[serde(borrow, rename = "audit-ID")]
    pub audit_id: Cow<'l, str>,
    /// `apf_fs`: the FlowSchema; `None` where the request passed by API Priority and Fairness.
    #[serde(borrow, rename = "apf_fs", default)]
    pub flow_schema: Option<Cow<'l, str>>,
    /// `apf_pl`: the priority level.
    #[serde(borrow, rename = "apf_pl", default)]
    pub priority_level: Option<Cow<'l, str>>,
    /// `apf_iseats`: seats while it runs.
    #[serde(rename = "apf_iseats", default)]
    pub initial_seats: Option<u32>,
    /// `apf_fseats`: seats that it holds for a while after its end.
    #[serde(rename = "apf_fseats", default)]
    pub final_seats: Option<u32>,
    /// `fl_priorityandfairness`: how long it waited, as Go writes durations; `None` where the wait was short.
    #[serde(borrow, rename = "fl_priorityandfairness", default)]
    pub wait: Option<Cow<'l, str>>,
}

impl<'l> Verdict<'l> {
    /// Reads a line; `None` if it is none of a request, or has no audit ID.
    pub fn of(line: &'l str) -> Option<Self> {
        let verdict = if line.starts_with('{') {
            // klog's JSON says "msg":"HTTP"; a line without an audit ID is none of a request either.
            if !line.contains("\"HTTP\"") {
                return None;
            }
            serde_json::from_str(line).ok()?
        } else {
            Self::of_text(line)?
        };
        (!verdict.audit_id.is_empty()).then_some(verdict)
    }

    fn of_text(line: &'l str) -> Option<Self> {
        let (_, mut rest) = line.split_once("] \"HTTP\" ")?;
        let mut verdict = Self::default();
        while let Some((key, value)) = rest.split_once('=') {
            let (value, after) = split_value(value)?;
            match key.trim_start() {
                "audit-ID" => verdict.audit_id = value,
                "apf_fs" => verdict.flow_schema = Some(value),
                "apf_pl" => verdict.priority_level = Some(value),
                "apf_iseats" => verdict.initial_seats = value.parse().ok(),
                "apf_fseats" => verdict.final_seats = value.parse().ok(),
                "fl_priorityandfairness" => verdict.wait = Some(value),
                // What comes after the response's code is a stack, over many lines.
                "resp" => break,
                _ => {}
            }
            rest = after;
        }
        Some(verdict)
    }
}

/// A value as klog writes it, in quotes or up to the next space, and what follows.
fn split_value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(' ').unwrap_or(text.len());
        return Some((Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let mut is_escaped = false;
    for (at, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => {
                let inside = &quoted[..at];
                let value = match inside.contains('\\') {
                    // Go's and JSON's quoting differ in what no name of ours holds.
                    true => Cow::Owned(serde_json::from_str(&text[..at + 2]).unwrap_or_else(|_| inside.to_owned())),
                    false => Cow::Borrowed(inside),
                };
                return Some((value, &quoted[at + 1..]));
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"I1124 09:59:46.669035    1360 httplog.go:134] "HTTP" verb="LIST" URI="/api/v1/nodes?a=b" latency="3.41s" userAgent="a \"b\" apf_fs=\"x\"" audit-ID="eee20139" srcIP="127.1.0.58:37071" apf_pl="limit-lists" apf_fs="cluster-lists" apf_iseats=1 apf_fseats=0 apf_additionalLatency="0s" fl_priorityandfairness="3.19085485s" apf_execution_time="219.518708ms" resp=200"#;

    #[test]
    fn a_line_tells_schema_level_seats_and_wait() {
        let verdict = Verdict::of(LINE).unwrap();
        assert_eq!(verdict.audit_id, "eee20139");
        assert_eq!(verdict.flow_schema.as_deref(), Some("cluster-lists"));
        assert_eq!(verdict.priority_level.as_deref(), Some("limit-lists"));
        assert_eq!((verdict.initial_seats, verdict.final_seats), (Some(1), Some(0)));
        assert_eq!(verdict.wait.as_deref(), Some("3.19085485s"));
    }

    #[test]
    fn a_runtime_prefix_does_no_harm() {
        let line = format!("2026-11-24T09:59:46.669Z stderr F {LINE}");
        assert_eq!(Verdict::of(&line), Verdict::of(LINE));
    }

    #[test]
    fn a_request_that_passes_by_has_no_schema() {
        let line = r#"I1124 10:37:08.494797 16986 httplog.go:134] "HTTP" verb="CONNECT" URI="/exec" audit-ID="09c9" srcIP="127.0.0.1:1" resp=500 statusStack=<"#;
        let verdict = Verdict::of(line).unwrap();
        assert_eq!((verdict.audit_id.as_ref(), verdict.flow_schema), ("09c9", None));
    }

    #[test]
    fn json_says_the_same() {
        let line = r#"{"ts":1795.1,"caller":"httplog/httplog.go:134","msg":"HTTP","verb":"LIST","URI":"/api/v1/nodes","audit-ID":"eee20139","apf_pl":"limit-lists","apf_fs":"cluster-lists","apf_iseats":1,"apf_fseats":0,"fl_priorityandfairness":"3.19085485s","resp":200}"#;
        assert_eq!(Verdict::of(line), Verdict::of(LINE));
    }

    #[test]
    fn other_lines_are_none() {
        for line in
            ["", "I1124 10:37:08.0 1 trace.go:236] Trace[1]: \"List\"", "{\"level\":\"warn\"}", "{\"msg\":\"HTTP\"}"]
        {
            assert_eq!(Verdict::of(line), None, "{line}");
        }
    }
}
