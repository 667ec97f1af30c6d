//! Audit logs found in the wild, of every format: each file gives the right number of events, or the right reason.
//!
//! `corpus.tsv` holds an independent count. Where events lack what every event has, an edited row counts only if its
//! stage is known: without it one can't say whether a request is over.

use std::collections::BTreeMap;

use stormglass::audit::{Looks, Reason};
use stormglass::source::discover;

use crate::support::{ask, folder, project};

/// Rows edited by hand, of which some have no stage: counted in `corpus.tsv`, unreadable here.
const WITHOUT_STAGE: [(&str, u64); 1] = [("panther-analysis/kubernetes_rules.jsonl", 34)];

fn looks(name: &str) -> &'static [Looks] {
    match name {
        "aks-diagnostic" => &[Looks::AksDiagnostic],
        "gke-logentry" => &[Looks::GkeLogEntry],
        "otlp" => &[Looks::Otlp],
        "legacy-text" => &[Looks::LegacyText],
        "auditd" => &[Looks::Auditd],
        "admission-review" => &[Looks::AdmissionReview],
        "csv" => &[Looks::Csv],
        "viaq-host/ovn" => &[Looks::CollectorRecord],
        "other-json" => &[Looks::OtherJson, Looks::KubernetesObject],
        other => unreachable!("no such kind: {other}"),
    }
}

#[test]
fn every_file_gives_its_events_or_says_what_it_is() {
    let Some(corpus) = folder("STORMGLASS_CORPUS") else { return };
    let table = std::fs::read_to_string(project("tests/corpus.tsv")).unwrap();
    let mut wrong = Vec::new();
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let [path, events, kind, ..] = line.split('\t').collect::<Vec<_>>()[..] else { unreachable!("four columns") };
        let (_, tally) =
            ask::<serde_json::Value>(&[corpus.join(path).display().to_string()], "select count(*) from requests");
        let without_stage = WITHOUT_STAGE.iter().find(|(file, _)| *file == path).map_or(0, |(_, count)| *count);
        let expected = events.parse::<u64>().unwrap() - without_stage;
        if tally.events() != expected {
            wrong.push(format!("{path}: {} events instead of {expected}; {:?}", tally.events(), tally.unreadable));
        }
        let reasons: BTreeMap<_, _> = tally.unreadable.iter().map(|(reason, noted)| (*reason, noted.count)).collect();
        if kind != "-" {
            let most = reasons.iter().max_by_key(|(_, count)| **count).map(|(reason, _)| *reason);
            let is_named = matches!(most, Some(Reason::NotAnEvent(found)) if looks(kind).contains(&found));
            if !is_named {
                wrong.push(format!("{path}: {reasons:?} instead of {kind}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(discover(&[corpus.display().to_string()]).is_ok());
}
