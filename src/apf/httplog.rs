//! The access log that a kube-apiserver writes at verbosity 3 (`apiserver/pkg/server/httplog/httplog.go`): the
//! FlowSchema, priority level and seats it chose for each request.
//!
//! A line is klog text, possibly after a container runtime's prefix, or klog JSON. Only the fields below are read.

use std::borrow::Cow;

use serde::Deserialize;

/// What the server decided about one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ApiserverDecision<'l> {
    /// `audit-ID`.
    #[serde(borrow, rename = "audit-ID")]
    pub audit_id: Cow<'l, str>,
    /// `apf_fs`: the FlowSchema; `None` if the request bypassed API Priority and Fairness.
    #[serde(borrow, rename = "apf_fs", default)]
    pub flow_schema: Option<Cow<'l, str>>,
    /// `apf_pl`: the priority level.
    #[serde(borrow, rename = "apf_pl", default)]
    pub priority_level: Option<Cow<'l, str>>,
    /// `apf_iseats`: seats while the request runs.
    #[serde(rename = "apf_iseats", default)]
    pub initial_seats: Option<u32>,
    /// `apf_fseats`: seats held for a while after it ended.
    #[serde(rename = "apf_fseats", default)]
    pub final_seats: Option<u32>,
    /// `fl_priorityandfairness`: time spent waiting, as a Go duration; `None` if the wait was short.
    #[serde(borrow, rename = "fl_priorityandfairness", default)]
    pub wait: Option<Cow<'l, str>>,
}

impl<'l> ApiserverDecision<'l> {
    /// Reads a line; `None` if it is not about a request or has no audit ID.
    pub fn parse(line: &'l str) -> Option<Self> {
        let verdict = if line.starts_with('{') {
            // klog's JSON says "msg":"HTTP" for requests.
            if !line.contains("\"HTTP\"") {
                return None;
            }
            serde_json::from_str(line).ok()?
        } else {
            Self::parse_text(line)?
        };
        (!verdict.audit_id.is_empty()).then_some(verdict)
    }

    fn parse_text(line: &'l str) -> Option<Self> {
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
                // After the response code may follow a stack trace of many lines.
                "resp" => break,
                _ => {}
            }
            rest = after;
        }
        Some(verdict)
    }
}

/// Splits off a value as klog writes it, quoted or up to the next space.
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
                    // Go's and JSON's quoting differ only in characters that these names never have.
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
        let verdict = ApiserverDecision::parse(LINE).unwrap();
        assert_eq!(verdict.audit_id, "eee20139");
        assert_eq!(verdict.flow_schema.as_deref(), Some("cluster-lists"));
        assert_eq!(verdict.priority_level.as_deref(), Some("limit-lists"));
        assert_eq!((verdict.initial_seats, verdict.final_seats), (Some(1), Some(0)));
        assert_eq!(verdict.wait.as_deref(), Some("3.19085485s"));
    }

    #[test]
    fn a_runtime_prefix_does_no_harm() {
        let line = format!("2026-11-24T09:59:46.669Z stderr F {LINE}");
        assert_eq!(ApiserverDecision::parse(&line), ApiserverDecision::parse(LINE));
    }

    #[test]
    fn a_request_that_passes_by_has_no_schema() {
        let line = r#"I1124 10:37:08.494797 16986 httplog.go:134] "HTTP" verb="CONNECT" URI="/exec" audit-ID="09c9" srcIP="127.0.0.1:1" resp=500 statusStack=<"#;
        let verdict = ApiserverDecision::parse(line).unwrap();
        assert_eq!((verdict.audit_id.as_ref(), verdict.flow_schema), ("09c9", None));
    }

    #[test]
    fn json_says_the_same() {
        let line = r#"{"ts":1795.1,"caller":"httplog/httplog.go:134","msg":"HTTP","verb":"LIST","URI":"/api/v1/nodes","audit-ID":"eee20139","apf_pl":"limit-lists","apf_fs":"cluster-lists","apf_iseats":1,"apf_fseats":0,"fl_priorityandfairness":"3.19085485s","resp":200}"#;
        assert_eq!(ApiserverDecision::parse(line), ApiserverDecision::parse(LINE));
    }

    #[test]
    fn other_lines_are_none() {
        for line in
            ["", "I1124 10:37:08.0 1 trace.go:236] Trace[1]: \"List\"", "{\"level\":\"warn\"}", "{\"msg\":\"HTTP\"}"]
        {
            assert_eq!(ApiserverDecision::parse(line), None, "{line}");
        }
    }
}
