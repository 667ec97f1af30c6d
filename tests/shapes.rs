//! Storms that aren't made of LISTs, each in the smallest log that shows it, and beside it what looks alike and is none.

use std::fmt::Write as _;

use serde_json::Value;
use stormglass::analysis::storms;
use stormglass::analysis::storms::StormOptions;
use stormglass::dimensions::Settings;
use stormglass::report::StormJson;

use crate::support::{block_on, json, session, temporary};

/// A request; times are seconds from the log's first.
#[derive(Clone, Debug)]
struct Call {
    user: String,
    agent: &'static str,
    address: String,
    pod: Option<String>,
    verb: &'static str,
    /// What follows `/api/v1/`.
    path: String,
    query: String,
    code: u16,
    from: f64,
    /// `None` where the log has no end of it.
    to: Option<f64>,
}

const GO: &str = "manager/v0.0.0 (linux/amd64) kubernetes/$Format";

/// A call of a service account that is answered with 200 within 20 ms.
fn call(account: &str, verb: &'static str, path: &str, at: f64) -> Call {
    Call {
        user: format!("system:serviceaccount:team-a:{account}"),
        agent: GO,
        address: "10.0.0.9".to_owned(),
        pod: None,
        verb,
        path: path.to_owned(),
        query: String::new(),
        code: 200,
        from: at,
        to: Some(at + 0.02),
    }
}

fn watch(account: &str, path: &str, query: &str, from: f64, to: Option<f64>) -> Call {
    Call { query: format!("watch=true{query}"), to, ..call(account, "watch", path, from) }
}

fn instant(secs: f64) -> String {
    const START: i64 = 1_784_800_800_000_000;
    #[expect(clippy::cast_possible_truncation, reason = "a log of an hour")]
    let micros = START + (secs * 1e6) as i64;
    stormglass::units::instant(micros)
}

/// The lines of calls, in order of time: receipts of LISTs and deletions, starts of watches, ends of what ended.
fn log(calls: &[Call]) -> String {
    let mut lines: Vec<(i64, String)> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let mut put = |stage: &str, at: f64| {
            #[expect(clippy::cast_possible_truncation, reason = "a log of an hour")]
            lines.push(((at * 1e6) as i64, line(number, call, stage, at)));
        };
        match call.verb {
            "watch" if call.code == 200 => put("ResponseStarted", call.from),
            _ => put("RequestReceived", call.from),
        }
        if let Some(to) = call.to {
            put("ResponseComplete", to);
        }
    }
    lines.sort();
    lines.into_iter().filter(|(at, _)| *at >= 0).map(|(_, line)| line).collect()
}

fn line(number: usize, call: &Call, stage: &str, at: f64) -> String {
    let parts: Vec<&str> = call.path.split('/').collect();
    let (namespace, rest) = match parts.as_slice() {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let mut object = format!(r#""resource":"{}""#, rest[0]);
    if let Some(namespace) = namespace {
        write!(object, r#","namespace":"{namespace}""#).unwrap();
    }
    if let Some(name) = rest.get(1) {
        write!(object, r#","name":"{name}""#).unwrap();
    }
    let pod = call.pod.as_ref().map(|pod| format!(r#","extra":{{"authentication.kubernetes.io/pod-name":["{pod}"]}}"#));
    let decision = if call.code == 403 { "forbid" } else { "allow" };
    let answer = format!(
        r#","responseStatus":{{"code":{}}},"annotations":{{"authorization.k8s.io/decision":"{decision}"}}"#,
        call.code
    );
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-{number}","stage":"{stage}","requestURI":"/api/v1/{}?{}","verb":"{}","user":{{"username":"{}"{}}},"sourceIPs":["{}"],"userAgent":"{}","objectRef":{{{object},"apiVersion":"v1"}}{},"requestReceivedTimestamp":"{}","stageTimestamp":"{}"}}"#,
        call.path,
        call.query,
        call.verb,
        call.user,
        pod.unwrap_or_default(),
        call.address,
        call.agent,
        if stage == "RequestReceived" { "" } else { &answer },
        instant(call.from),
        instant(at),
    ) + "\n"
}

fn findings_of(log: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let path = temporary(&folder, "audit.log", log);
    let report = block_on(storms(&session(&[path], Settings::default()), &StormOptions::default())).unwrap();
    json(&StormJson::from(&report))["findings"].as_array().unwrap().clone()
}

fn findings(calls: &[Call]) -> Vec<Value> {
    findings_of(&log(calls))
}

/// The one finding.
fn only(calls: &[Call]) -> Value {
    let found = findings(calls);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

fn is(finding: &Value, kind: &str, severity: &str, client: &str) -> bool {
    finding["kind"] == kind && finding["severity"] == severity && finding["client"] == client
}

/// What each log has beside: a client that keeps a lease, and one that watches as it should.
fn ordinary(secs: u32) -> Vec<Call> {
    let leases = (0..secs / 2).map(|beat| {
        let at = f64::from(beat) * 2.0;
        call("steady", "update", "namespaces/team-a/leases/steady", at)
    });
    let watches = (0..secs / 300).map(|turn| {
        let at = f64::from(turn) * 300.0 - 290.0;
        watch("steady", "pods", "&timeoutSeconds=299&allowWatchBookmarks=true", at, Some(at + 299.0))
    });
    leases.chain(watches).collect()
}

/// One pod opens a watch each second and never ends one: of 20 namespaces in turn.
fn leaking(secs: u32) -> Vec<Call> {
    let leaks = (0..secs).map(|second| Call {
        pod: Some("mixer-0".to_owned()),
        ..watch("mixer", &format!("namespaces/ns-{}/secrets", second % 20), "", f64::from(second), None)
    });
    leaks.chain(ordinary(secs)).collect()
}

#[test]
fn watches_that_are_never_ended_pile_up() {
    let finding = only(&leaking(960));
    assert!(is(&finding, "watch-pileup", "warning", "mixer"), "{finding:#}");
    assert_eq!((&finding["requests"], &finding["peak_concurrency"]), (&960.into(), &960.into()));
    assert_eq!(finding["severity_reason_code"]["needed"], 20);
    assert_eq!(finding["resource"], "secrets");
    let words = finding.to_string();
    assert!(words.contains("the log ends") && !words.contains("cut off") && !words.contains("died"), "{words}");
}

#[test]
fn watches_that_are_needed_are_no_pileup() {
    let mut calls = ordinary(1_500);
    // A kubelet watches each secret by its name, an operator each namespace; a restarted informer opens its own again.
    for number in 0..150 {
        let at = f64::from(number) * 3.0;
        let selector = format!("&timeoutSeconds=500&fieldSelector=metadata.name%3Dkey-{number}");
        calls.push(watch("agent", "namespaces/ns-1/secrets", &selector, at, None));
        let path = format!("namespaces/ns-{number}/secrets");
        calls.extend((0..3).map(|turn| {
            let at = at + 400.0 * f64::from(turn);
            watch("operator", &path, "&timeoutSeconds=399", at, (turn < 2).then_some(at + 399.0))
        }));
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
}

/// A hundred and fifty agents that all come from the address of a load balancer, and reopen their watches as they end.
#[test]
fn a_fleet_behind_one_address_is_no_pileup() {
    let mut calls = ordinary(1_500);
    for agent in 0..150 {
        for turn in 0..5 {
            let at = f64::from(agent) * 2.0 - 300.0 + 400.0 * f64::from(turn);
            let to = Some(at + 399.9).filter(|to| *to < 1_500.0);
            if at < 1_500.0 {
                calls.push(watch("agent", "services", "&timeoutSeconds=400", at, to));
            }
        }
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
}

/// Where the policy drops how watches end, each of those opened again looks open.
#[test]
fn watches_whose_ends_are_not_logged_are_no_pileup() {
    let mut calls = ordinary(0);
    for turn in 0..150 {
        let at = f64::from(turn) * 10.0;
        calls.extend((0..5).map(|number| {
            watch("agent", &format!("namespaces/ns-{number}/secrets"), "&timeoutSeconds=400&timeout=10s", at, None)
        }));
        calls.push(call("steady", "update", "namespaces/team-a/leases/steady", at));
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn deletecollections_that_run_on_are_found_and_those_of_a_namespace_are_not() {
    let delete = |from, to| Call { to, ..call("cleaner", "deletecollection", "namespaces/build/events", from) };
    let mut calls = ordinary(600);
    calls.extend((0..4).map(|number| delete(f64::from(number) * 5.0, Some(240.0 + 20.0 * f64::from(number)))));
    calls.extend((0..2).map(|number| delete(300.0 + f64::from(number), None)));
    let finding = only(&calls);
    assert!(is(&finding, "delete-pileup", "warning", "cleaner"), "{finding:#}");
    assert_eq!(finding["peak_concurrency"], 4);
    assert_eq!(finding["severity_reason_code"]["without_end"], 2);
    let mut calls = ordinary(600);
    for (number, resource) in ["pods", "events", "secrets", "configmaps", "services"].iter().enumerate() {
        for namespace in 0..10 {
            #[expect(clippy::cast_precision_loss, reason = "few")]
            let at = 10.0 + f64::from(namespace) + number as f64 * 0.01;
            let path = format!("namespaces/ns-{namespace}/{resource}");
            calls.push(Call { to: Some(at + 0.3), ..call("cleaner", "deletecollection", &path, at) });
        }
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
}

/// Every pod by its name, 40 a second, beside kubelets that get their nodes and a controller at its usual rate.
#[test]
fn a_flood_of_gets_is_found_and_ordinary_ones_are_not() {
    let mut calls = ordinary(240);
    for second in 0..240 {
        let at = f64::from(second);
        calls.push(call("reconciler", "get", &format!("namespaces/team-a/configmaps/c-{second}"), at));
        calls.extend((0..6).map(|node| Call {
            user: format!("system:node:n{node}"),
            ..call("", "get", &format!("nodes/n{node}"), at)
        }));
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
    calls.extend((0..7_200).map(|number| {
        let path = format!("namespaces/team-a/pods/p-{}", number % 900);
        call("scraper", "get", &path, f64::from(number) / 40.0)
    }));
    let finding = only(&calls);
    assert!(is(&finding, "get-flood", "warning", "scraper"), "{finding:#}");
    assert_eq!((&finding["requests"], &finding["resource"]), (&7_200.into(), &"pods".into()));
}

#[test]
fn creates_of_what_exists_are_a_loop_and_conflicts_that_are_resolved_are_not() {
    let mut calls = ordinary(180);
    for number in 0..360 {
        let at = f64::from(number) / 2.0;
        // An update that is tried again after a conflict, and candidates for a lease.
        let update = call("writer", "update", "namespaces/team-a/configmaps/state", at);
        calls.push(Call { code: if number % 3 == 2 { 200 } else { 409 }, ..update });
        calls.push(Call { code: 409, ..call("candidate", "update", "namespaces/team-a/leases/leader", at) });
    }
    let found = findings(&calls);
    assert!(found.is_empty(), "{found:#?}");
    for number in 0..900 {
        for resource in ["deployments", "secrets", "services"] {
            let path = format!("namespaces/team-a/{resource}/policy");
            calls.push(Call { code: 409, ..call("warden", "create", &path, f64::from(number) / 5.0) });
        }
    }
    let finding = only(&calls);
    assert!(is(&finding, "write-loop", "warning", "warden"), "{finding:#}");
    assert_eq!((&finding["requests"], &finding["severity_reason_code"]["objects"]), (&2_700.into(), &3.into()));
}

/// Many people with one program: one finding, which counts them.
#[test]
fn refused_users_of_one_program_are_one_finding() {
    let mut calls = ordinary(180);
    for user in 0..30 {
        for turn in 0..36 {
            for resource in ["nodes", "secrets"] {
                let at = f64::from(user) / 10.0 + f64::from(turn) * 5.0;
                calls.push(Call {
                    user: format!("dev{user}@example.org"),
                    agent: "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
                    address: format!("198.51.100.{user}"),
                    code: 403,
                    ..watch("", resource, "", at, Some(at + 0.01))
                });
            }
        }
    }
    let finding = only(&calls);
    assert!(is(&finding, "refusal-loop", "warning", "node-fetch"), "{finding:#}");
    assert_eq!((&finding["client_type"], &finding["user_name_count"]), (&"sdk".into(), &30.into()));
    assert!(finding["summary"].as_str().unwrap().starts_with("30 users of node-fetch"), "{finding:#}");
    assert!(finding["unknowns"].to_string().contains("library"), "{finding:#}");
}

/// A person who may not, a server that starts, and who asks what it may do.
#[test]
fn refusals_now_and_then_are_none() {
    let mut calls = ordinary(300);
    for number in 0..40 {
        let at = f64::from(number);
        calls.push(Call { code: 403, ..call("late-binding", "list", "pods", at / 5.0) });
        calls.push(Call { code: 201, ..call("asker", "create", "selfsubjectaccessreviews", at) });
        let user = format!("dev{number}@example.org");
        calls.push(Call { code: 403, user, ..call("", "get", "namespaces/team-a/secrets/key", at * 7.0) });
        // An informer without permission backs off.
        calls.push(Call { code: 403, ..call("informer", "list", "nodes", at * 35.0) });
    }
    let found = findings(&calls);
    assert!(!found.iter().any(|finding| finding["kind"] == "refusal-loop"), "{found:#?}");
    assert!(!found.iter().any(|finding| finding["severity"] != "info"), "{found:#?}");
}

/// Sixty agents that were cut off for minutes: each of their watches expires at once, and they list, spread over a minute.
#[test]
fn a_fleet_that_was_cut_off_lists_as_a_herd_with_that_cause() {
    const QUERY: &str = "&timeoutSeconds=590&allowWatchBookmarks=true";
    let mut calls = ordinary(600);
    for agent in 0..60 {
        let address = format!("10.0.1.{agent}");
        let of = |call: Call| Call { address: address.clone(), ..call };
        let began = f64::from(agent) / 10.0;
        let back = 360.0 + f64::from(agent);
        calls.push(of(watch("calico-node", "pods", QUERY, began, Some(60.0))));
        calls.push(of(watch("calico-node", "pods", QUERY, back, Some(back + 0.02))));
        calls.push(of(Call { to: Some(back + 2.0), ..call("calico-node", "list", "pods", back + 1.0) }));
        calls.push(of(watch("calico-node", "pods", QUERY, back + 2.1, None)));
    }
    let found = findings(&calls);
    let herd: Vec<_> = found.iter().filter(|finding| finding["kind"] == "relist-herd").collect();
    assert_eq!(herd.len(), 1, "{found:#?}");
    assert_eq!((&herd[0]["cause"], &herd[0]["instances"]), (&"watches-expired".into(), &60.into()));
    assert!(herd[0]["summary"].as_str().unwrap().contains("had expired"), "{herd:#?}");
}

/// Watches of a quiet resource expire one by one, as they are opened again at their usual end.
#[test]
fn watches_that_expire_at_their_usual_end_are_no_herd() {
    let mut calls = ordinary(600);
    for agent in 0..60 {
        let of = |call: Call| Call { address: format!("10.0.1.{agent}"), ..call };
        let ended = 300.0 + f64::from(agent) * 5.0;
        calls.push(of(watch("agent", "configmaps", "&timeoutSeconds=300", ended - 300.0, Some(ended))));
        calls.push(of(watch("agent", "configmaps", "&timeoutSeconds=300", ended + 0.1, Some(ended + 0.12))));
        calls.push(of(call("agent", "list", "configmaps", ended + 1.0)));
    }
    let found = findings(&calls);
    assert!(!found.iter().any(|finding| finding["kind"] == "relist-herd"), "{found:#?}");
}

/// `timeout=10s` in the URI is the client's own time-out, which cuts its watches.
#[test]
fn a_client_that_cuts_its_own_watches_is_told_how_to_stop() {
    let watches = |to_secs: f64| -> Vec<Call> {
        (0..90)
            .map(|turn| {
                let at = f64::from(turn) * 10.1;
                watch("gateway", "services", "&timeout=10s&timeoutSeconds=450", at, Some(at + to_secs))
            })
            .chain(ordinary(900))
            .collect()
    };
    let finding = only(&watches(10.0));
    assert!(is(&finding, "watch-churn", "warning", "gateway"), "{finding:#}");
    assert_eq!(finding["remedy_codes"][0]["code"], "unset-client-timeout");
    assert_eq!(finding["severity_reason_code"]["asked_secs"], 450.0);
    assert!(!finding.to_string().contains("LIST at once"), "no LIST follows: {finding:#}");
    // Cut by something else, sooner.
    let finding = only(&watches(4.0));
    assert!(is(&finding, "watch-churn", "info", "gateway"), "{finding:#}");
    assert_eq!(finding["remedy_codes"][0]["code"], "let-watches-last");
}
