//! Situations that people met: whose log it is, what is missing from it, and who stands behind a request.

use serde::Deserialize;
use stormglass::analysis::storms;
use stormglass::analysis::storms::StormOptions;
use stormglass::dimensions::Settings;
use stormglass::findings::{Culprit, Kind, Severity};
use stormglass::requests::{Tally, Window, tallied};
use stormglass::source::discover;

use crate::support::{ask, block_on, folder, session};

fn case(name: &str) -> Option<String> {
    Some(folder("STORMGLASS_CASES")?.join(name).display().to_string())
}

fn tally(input: String) -> Tally {
    tallied(discover(&[input]).unwrap().files, Window::default(), &std::sync::Arc::default())
}

#[test]
fn a_set_with_odd_names_is_read_whole_and_in_order_and_its_hole_is_seen() {
    let Some(case) = case("07-rotated-twice-with-a-hole/input") else { return };
    let tally = tally(case.clone());
    assert_eq!((tally.files.len(), tally.events(), tally.unreadable_count()), (4, 12_900, 2));
    let torn: Vec<_> = tally.unreadable.values().map(|noted| noted.first.line).collect();
    assert!(torn.contains(&1) && torn.contains(&2_791), "{torn:?}");
    let server = tally.servers.values().next().unwrap();
    assert!(server.worst_inversion_micros < 60_000_000, "{}", server.worst_inversion_micros);
    let longest = server.gaps[0];
    let minutes = (longest.to - longest.from) / 60_000_000;
    assert_eq!(minutes, 22, "from 14:06:00 to 14:28:05");
    let report = block_on(storms(&session(&[case], Settings::default()), &StormOptions::default())).unwrap();
    let ends = report.findings.iter().filter(|finding| finding.kind == Kind::ApiserverRestart);
    assert_eq!(ends.filter(|end| end.severity >= Severity::Warning).count(), 0, "a hole is no crash");
}

#[test]
fn rejections_are_of_the_one_apiserver_that_rejects_and_name_who_fills_it() {
    let Some(case) = case("19-calico-token-429-on-one-apiserver") else { return };
    let report = block_on(storms(&session(&[case], Settings::default()), &StormOptions::default())).unwrap();
    let rejections: Vec<_> = report.findings.iter().filter(|finding| finding.kind == Kind::Rejections).collect();
    let [finding] = rejections[..] else { unreachable!("{} findings", rejections.len()) };
    assert_eq!((finding.apiserver.as_deref(), finding.requests), (Some("m1"), 1_374));
    assert_eq!((finding.severity, &finding.culprit), (Severity::Warning, &Culprit::one("unknown", "inventory-agent")));
    let rejected: Vec<_> = finding.clients.iter().map(|share| (share.client.as_str(), share.requests)).collect();
    assert_eq!(rejected, [("inventory-agent", 1_134), ("calico-node", 240)]);
}

#[derive(Debug, Deserialize, PartialEq)]
struct Flows {
    acts_for: Option<String>,
    has_reached_apf: bool,
    request_count: u64,
}

#[test]
fn behind_a_proxy_stands_a_person_and_a_refused_impersonation_never_reaches_apf() {
    let Some(case) = case("12-impersonated-user-in-later-stage-only/input.log.gz") else { return };
    let sql = "select impersonated_user_name as acts_for, has_reached_apf, count(*) as request_count \
               from requests inner join flow_requests on flow_requests.request_key = requests.request_key \
               where resource in ('pods', 'secrets') group by 1, 2 order by 3 desc";
    let (rows, _) = ask::<Flows>(std::slice::from_ref(&case), sql);
    let flows = |acts_for: Option<&str>, has_reached_apf, request_count| Flows {
        acts_for: acts_for.map(str::to_owned),
        has_reached_apf,
        request_count,
    };
    assert_eq!(rows, [flows(Some("u-b4qkhsnliz"), true, 115), flows(None, false, 5)]);
    let report = block_on(storms(&session(&[case], Settings::default()), &StormOptions::default())).unwrap();
    let of_pods = report.findings.iter().find(|finding| finding.resource.as_deref() == Some("pods")).unwrap();
    assert_eq!(of_pods.impersonated_user_names, ["u-b4qkhsnliz"]);
}
