//! The program as people run it: what it prints where, and its exit codes.

use std::process::Output;

use assert_cmd::Command;

use crate::support::{event, project, temporary};

/// The program with these arguments, in the project's folder and without colour.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.current_dir(project("")).env("NO_COLOR", "1").args(args);
    command
}

/// What comes of running it.
pub(crate) fn stormglass(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// What it prints when all is well.
pub(crate) fn stdout(args: &[&str]) -> String {
    let output = stormglass(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The error of a command that couldn't be done.
pub(crate) fn refused(args: &[&str]) -> String {
    let output = stormglass(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_help_is_as_it_was() {
    insta::assert_snapshot!("help", stdout(&["--help"]));
    insta::assert_snapshot!("help-query", stdout(&["query", "--help"]));
    insta::assert_snapshot!("help-doctor", stdout(&["doctor", "--help"]));
    insta::assert_snapshot!("help-storms", stdout(&["storms", "--help"]));
    insta::assert_snapshot!("help-clients", stdout(&["clients", "--help"]));
    insta::assert_snapshot!("help-resources", stdout(&["resources", "--help"]));
}

#[test]
fn the_queries_are_listed_with_their_parameters() {
    insta::assert_snapshot!("query-list", stdout(&["query", "--list"]));
    let (listed, all) = (stdout(&["query", "--list"]), stdout(&["query", "--list", "--all"]));
    assert!(!listed.contains("episode_clients") && all.contains("episode_clients"), "{all}");
    assert!(stdout(&["query", "--show", "episode_clients"]).starts_with("-- episode_clients: "));
    assert!(stdout(&["query", "--show", "slow_lists"]).starts_with("-- slow_lists: "));
    assert!(stdout(&["query", "--columns"]).contains("user_agent"));
}

#[test]
fn an_answer_comes_in_every_format() {
    let sql = "select outcome, user_groups, received_at, 0.5 as half, null as nothing from requests
        where user_groups is not null limit 1";
    let ask = |format| stdout(&["query", "--sql", sql, "sample-logs/quiet", "--format", format]);
    insta::assert_snapshot!("format-csv", ask("csv"));
    insta::assert_snapshot!("format-json", ask("json"));
    insta::assert_snapshot!("format-ndjson", ask("ndjson"));
    insta::assert_snapshot!("format-table", ask("table"));
    let folder = tempfile::tempdir().unwrap();
    for (format, magic) in [("parquet", "PAR1"), ("arrow", "ARROW1")] {
        let path = folder.path().join(format).display().to_string();
        let sql = "select outcome, user_groups, received_at from requests";
        stdout(&["query", "--sql", sql, "sample-logs/quiet", "--format", format, "--output", &path]);
        assert!(std::fs::read(&path).unwrap().starts_with(magic.as_bytes()));
    }
}

/// A file gets every row, in the format of its name; the terminal gets a table of the first rows.
#[test]
fn rows_go_into_a_file_in_the_format_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |name: &str, more: &[&str]| {
        let path = folder.path().join(name).display().to_string();
        let sql = "select audit_id, received_at from requests";
        let args = [&["query", "--sql", sql, "sample-logs/quiet", "-o", &path], more].concat();
        assert_eq!(stdout(&args), "");
        std::fs::read(&path).unwrap()
    };
    let lines = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().lines().count();
    assert!(lines(ask("a.csv", &[])) > 51);
    assert_eq!(lines(ask("b.ndjson", &["--limit", "7"])), 7);
    assert_eq!(lines(ask("c.csv", &["--format", "ndjson", "--limit", "2"])), 2);
    assert!(ask("d.json", &[]).starts_with(b"["));
    assert!(ask("e.parquet", &[]).starts_with(b"PAR1"));
    assert!(ask("f.arrow", &[]).starts_with(b"ARROW1"));
    for command in [&["query", "lists"][..], &["clients"], &["resources"]] {
        let path = folder.path().join("out.csv").display().to_string();
        stdout(&[command, &["sample-logs/quiet", "-o", &path]].concat());
        assert!(lines(std::fs::read(&path).unwrap()) > 1, "{command:?}");
        let error = refused(&[command, &["sample-logs/quiet", "-o", "out.html"]].concat());
        assert!(error.contains("hint: end the name in .csv, .json, .ndjson, .parquet or .arrow"), "{error}");
        let error = refused(&[command, &["sample-logs/quiet", "-o", "out.csv", "--format", "table"]].concat());
        assert!(error.contains("--format table is for the terminal only"), "{error}");
    }
}

/// Tables show times in the reader's zone; formats for machines stay in UTC.
#[test]
fn tables_show_times_in_a_zone() {
    let sql = "select received_at from requests where outcome = 'complete' limit 1";
    let ask = |format: &str| {
        let args = ["query", "--sql", sql, "sample-logs/quiet", "--timezone", "Asia/Kolkata", "--format", format];
        stdout(&args).lines().last().unwrap().trim().to_owned()
    };
    let (table, csv) = (ask("table"), ask("csv"));
    assert!(table.ends_with("+05:30") && csv.ends_with('Z'), "{table} {csv}");
    let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(instant(&table), instant(&csv));
}

#[test]
fn man_pages_are_written_for_all_commands() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("new/man");
    assert_eq!(stdout(&["man", &pages.display().to_string()]), "");
    for page in ["stormglass.1", "stormglass-storms.1", "stormglass-apf.1", "stormglass-apf-simulate.1"] {
        assert!(pages.join(page).exists(), "{page}");
    }
}

/// No argument is under the heading of others.
#[test]
fn options_are_under_their_own_heading() {
    for command in [
        &["storms"][..],
        &["incident"],
        &["capacity"],
        &["clients"],
        &["resources"],
        &["query"],
        &["doctor"],
        &["apf", "explain"],
        &["apf", "seats"],
        &["apf", "lint"],
        &["apf", "propose"],
        &["apf", "simulate"],
        &["apf", "verify"],
    ] {
        let help = stdout(&[command, &["-h"]].concat());
        let mut heading = "";
        for line in help.lines() {
            if !line.starts_with(' ') && line.ends_with(':') {
                heading = line.trim_end_matches(':');
            }
            let Some(option) = line.split_whitespace().find(|word| word.starts_with("--")) else { continue };
            if !line.trim_start().starts_with('-') {
                continue;
            }
            let expected = match option {
                "--from" | "--to" => "Logs",
                "--strict" if command != ["doctor"] => "Logs",
                "--output" | "--format" | "--timezone" => "Output",
                "--clients" => "Clients",
                "--thresholds" => "Findings",
                "--config" | "--kube-version" | "--server-concurrency" if command == ["apf", "seats"] => "Options",
                "--metrics" | "--resource" | "--kube-version" | "--server-features" | "--server-concurrency" => {
                    "Sizes and server"
                }
                "--config" | "--httplog" => "API Priority and Fairness",
                "--seeds" | "--memory-base" | "--service" | "--capacity" | "--closed-loop" => "Replay",
                _ => "Options",
            };
            assert_eq!(heading, expected, "{option} of {command:?}");
        }
    }
}

#[test]
fn the_first_command_of_the_readme_answers() {
    let answer = stdout(&["query", "top_clients", "sample-logs/operator-loop"]);
    assert!(answer.contains("calico-node"), "{answer}");
}

#[test]
fn the_doctor_tells_what_a_log_lacks() {
    insta::assert_snapshot!("doctor-python-oom", stdout(&["doctor", "sample-logs/python-oom"]));
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["doctor", "sample-logs/quiet", "--format", "json"])).unwrap();
    assert_eq!(json["apiservers"][0]["apiserver"], "quiet");
}

#[test]
fn rows_of_a_plain_query_keep_the_order_of_the_log() {
    let sql = "select source_line from requests where last_stage = 'ResponseComplete'";
    let lines = stdout(&["query", "--sql", sql, "sample-logs/operator-loop", "--format", "csv"]);
    let lines: Vec<u64> = lines.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(lines.is_sorted());
}

#[test]
fn what_cant_be_done_is_said_with_a_hint() {
    let mut said = String::new();
    for args in [
        &["query", "top_clients", "/no/such/log"][..],
        &["query", "top_clients"],
        &["query", "no_such_query", "sample-logs"],
        &["query"],
        &["query", "--sql", "select verbb from requests", "sample-logs"],
        &["query", "--sql", "drop table requests", "sample-logs"],
        &["query", "slow_lists", "sample-logs", "--param", "max=1"],
        &["query", "slow_lists", "sample-logs", "--param", "min_count=few"],
        &["query", "lists", "sample-logs", "--from", "yesterday"],
        &["query", "lists", "-", "--from", "-5m"],
        &["query", "inflight", "-"],
    ] {
        said += &format!(
            "$ stormglass {}
{}
",
            args.join(" "),
            refused(args)
        );
    }
    insta::assert_snapshot!("refused", said);
}

#[test]
fn when_nothing_can_be_read_it_says_what_the_file_looks_like() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = String::new();
    for (name, content) in [
        ("legacy", "2017-06-15T21:50:50.259470834Z AUDIT: id=\"1\" stage=\"RequestReceived\" ip=\"10.2.1.3\"\n"),
        ("klog", "I0806 07:59:44.410877       1 httplog.go:134] \"HTTP\" verb=\"LIST\"\n"),
        ("binary", "\u{0}\u{1}\u{2}\u{3}\n"),
        ("empty", ""),
        ("gke", "{\"protoPayload\":{},\"insertId\":\"a\"}\n"),
        ("torn", "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Meta"),
    ] {
        let log = temporary(&folder, name, content);
        let error = refused(&["query", "--sql", "select count(*) from requests", &log]);
        said += &format!("{}\n", error.replace(&log, name));
    }
    insta::assert_snapshot!("nothing-readable", said);
}

#[test]
fn strictly_any_unreadable_line_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let log = temporary(&folder, "audit.log", event("a", "ResponseComplete", "list", "01.0", "02.0") + "garbage\n");
    let ask = ["query", "--sql", "select count(*) as n from requests", &log, "--format", "csv"];
    let output = stormglass(&ask);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"n\n1\n"[..]));
    let warning = String::from_utf8(output.stderr).unwrap().replace(&log, "audit.log");
    insta::assert_snapshot!("warning", warning);
    refused(&[&ask[..], &["--strict"]].concat());
    // Even where the answer needs no more than the first rows.
    let later = temporary(&folder, "later.log", event("a", "ResponseComplete", "list", "01.0", "02.0") + "garbage\n");
    refused(&["query", "--sql", "select audit_id from requests limit 1", &later, "--strict"]);
    let output = temporary(&folder, "out.log", event("a", "ResponseComplete", "list", "01.0", "02.0"));
    refused(&["query", "lists", &output, "--format", "csv", "--output", &output]);
    assert!(std::fs::metadata(&output).unwrap().len() > 100);
}

#[test]
fn a_relative_time_counts_back_from_the_last_event() {
    let ask = |from: &str| {
        let sql = "select count(*) as n from requests where outcome = 'complete'";
        let answer = stdout(&["query", "--sql", sql, "sample-logs/operator-loop", "--format", "csv", "--from", from]);
        answer.lines().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let (all, last_ten_secs) = (ask("-1h"), ask("-10s"));
    assert!(last_ten_secs < all, "{last_ten_secs} of {all}");
    assert_eq!(last_ten_secs, ask("2026-11-24T09:07:50.244Z").min(last_ten_secs));
}

#[test]
fn completion_scripts_are_made() {
    assert!(stdout(&["completions", "bash"]).contains("stormglass"));
}

#[test]
fn storms_are_told_in_words() {
    insta::assert_snapshot!("storms-operator-loop", stdout(&["storms", "sample-logs/operator-loop"]));
    insta::assert_snapshot!("storms-quiet", stdout(&["storms", "sample-logs/quiet", "--format", "markdown"]));
    let explained = stdout(&["storms", "--explain", "relist-herd"]);
    assert!(explained.contains("why it matters") && explained.contains("relist_herd.min_instances"), "{explained}");
    assert!(refused(&["storms", "--explain", "relist-hord"]).contains("a similar value exists: 'relist-herd'"));
    assert!(stdout(&["storms", "--show-thresholds"]).contains("min_instances: 10"));
}

#[test]
fn a_finding_can_fail_a_pipeline() {
    let code = |args: &[&str]| stormglass(args).status.code();
    assert_eq!(code(&["storms", "sample-logs/operator-loop", "--fail-on", "critical"]), Some(1));
    assert_eq!(code(&["storms", "sample-logs/quiet", "--fail-on", "warning"]), Some(0));
}

#[test]
fn thresholds_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let of = |text: &str| temporary(&folder, "thresholds.yaml", text);
    let path = of("list_loop: {min_lists: 1000000}");
    let told = stdout(&["storms", "sample-logs/operator-loop", "--thresholds", &path, "--format", "ndjson"]);
    assert!(!told.contains("\"kind\":\"list-loop\""), "{told}");
    // The figures of the queries, too, and those of the explanations.
    let path = of("list_loop: {min_run_lists: 1000000}\nburst: {min_reads: 77}");
    let told = stdout(&["storms", "sample-logs/operator-loop", "--thresholds", &path, "--format", "ndjson"]);
    assert!(!told.contains("\"kind\":\"list-loop\"") && told.contains("\"kind\":\"unpaginated-list\""), "{told}");
    let told = stdout(&["storms", "--explain", "relist-herd", "--thresholds", &path]);
    assert!(told.contains("at least 77 (burst.min_reads)"), "{told}");
    let path = of("list_loop: {min_list: 1}");
    for command in [&["storms"][..], &["incident"], &["capacity"], &["apf", "propose"]] {
        assert!(refused(&[command, &["sample-logs/quiet", "--thresholds", &path]].concat()).contains("min_list"));
    }
}

#[test]
fn clients_and_resources_are_told() {
    let clients = stdout(&["clients", "sample-logs/python-oom", "--format", "csv"]);
    let of = |name: &str| clients.lines().find(|line| line.contains(name)).map(str::to_owned).unwrap_or_default();
    assert!(of("batch-tools:inventory-sync").starts_with("sdk,inventory-sync,"), "{clients}");
    assert!(of("system:node:node-0001").starts_with("kubelet,kubelet,"), "{clients}");
    let resources = stdout(&["resources", "sample-logs/quiet", "--resource", "pods=1760x5KB", "--format", "csv"]);
    assert!(
        resources.lines().any(|line| line.starts_with(",pods,1760,1760,5000,5000,8800000,8800000,as given")),
        "{resources}"
    );
}

#[test]
fn a_catalogue_of_clients_is_checked_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = temporary(
        &folder,
        "clients.yaml",
        "- client: ours\n  type: operatr\n  accounts: [\"ours:*\"]\n  source: ours\n",
    );
    let output = stormglass(&["clients", "--check", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains(":2:"), "{}", String::from_utf8_lossy(&output.stdout));
    let path = temporary(
        &folder,
        "good.yaml",
        "- client: ours\n  type: operator\n  accounts: [\"batch-tools:*\"]\n  source: ours\n",
    );
    assert!(stdout(&["clients", "--check", &path]).contains("1 rules, no mistakes"));
    let clients = stdout(&["clients", "sample-logs/python-oom", "--clients", &path, "--format", "csv"]);
    assert!(clients.contains("operator,ours,"), "{clients}");
}
