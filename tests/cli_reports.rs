//! Reports as people ask for them: to which file they go in which format, and in which zone their times are.

use crate::cli::{refused, stdout};
use crate::support::project;

#[test]
fn every_report_is_written_to_a_file_in_the_format_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let log = project("sample-logs/python-oom").display().to_string();
    let limiter = project("tests/manifests/good-limiter.yaml").display().to_string();
    let reports: [&[&str]; 7] = [
        &["storms", &log],
        &["doctor", &log],
        &["apf", "explain", &log],
        &["apf", "explain", "--user", "system:node:n1", "--path", "/api/v1/pods"],
        &["apf", "seats", &limiter],
        &["apf", "lint", &limiter],
        &["apf", "simulate", &log, "--candidate", &limiter, "--seeds", "1"],
    ];
    for report in reports {
        for (name, beginning) in [("report.html", "<!DOCTYPE html>"), ("report.md", "# "), ("report.json", "{")] {
            let path = folder.path().join(name).display().to_string();
            assert_eq!(stdout(&[report, &["-q", "-o", &path]].concat()), "", "{report:?}");
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.starts_with(beginning), "{report:?}: {text}");
        }
    }
    let path = folder.path().join("candidates.yaml").display().to_string();
    stdout(&["apf", "propose", &log, "--resource", "pods=3000x5KB", "--seeds", "1", "-q", "-o", &path]);
    assert!(std::fs::read_to_string(&path).unwrap().contains("kind: FlowSchema"));
}

#[test]
fn times_are_in_the_zone_that_is_asked_for() {
    let log = project("sample-logs/operator-loop").display().to_string();
    for report in [&["storms", &log][..], &["doctor", &log]] {
        let text = stdout(&[report, &["-q", "--timezone", "Europe/Berlin"]].concat());
        assert!(text.contains("2026-11-24 10:07:10 CET") && !text.contains("09:07:10"), "{text}");
    }
}

#[test]
fn a_name_without_a_format_is_refused_before_the_logs_are_read() {
    let error = refused(&["incident", "nowhere.log", "-o", "report.pdf"]);
    assert!(
        error.contains("format from the name report.pdf") && error.contains("hint: end the name in .html"),
        "{error}"
    );
}
