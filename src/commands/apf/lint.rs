//! `apf lint`: what is wrong with FlowSchemas and priority levels, and, with logs, what they would catch.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::super::Advice;
use super::super::dimensions::prepare;
use super::super::flows::read_manifests;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::report::{check_format, show, write};
use super::super::settings::Settings;
use crate::apf::lint::{LevelDemand, LintInput, LintSeverity, RULES, Traffic, explain, lint};
use crate::apf::{Config, FlowSchema, Manifest, Matcher, NEWEST_KNOWN, live_config, matches, validate};
use crate::cli::{LintArgs, LintSeverityName};
use crate::console::Console;
use crate::report::{LevelPeak, LintReport, SCHEMA_VERSION, SchemaCatch, rule_page, rules_page};
use crate::tables::{Database, FlowRow, TypedRow};

pub(super) fn run(args: &LintArgs, console: Console) -> Result<bool> {
    if args.rules {
        return show(&rules_page(&RULES), console).map(|()| false);
    }
    if let Some(name) = &args.explain {
        let rule = explain(name).ok_or_else(|| Advice {
            message: format!("there is no rule named {name}"),
            hint: "stormglass apf lint --rules lists the rules",
        })?;
        return show(&rule_page(rule), console).map(|()| false);
    }
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    let (manifests, logs) = sorted(&args.inputs)?;
    let mut read = read_manifests(&manifests)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    show_notes(&read, console);
    if read.config.flow_schemas.is_empty() && read.config.priority_levels.is_empty() && read.problems.is_empty() {
        bail!("no FlowSchema and no PriorityLevelConfiguration is in {}", names(&manifests));
    }
    read.problems.extend(validate(&read.config));
    let (linted, reading) = if logs.is_empty() {
        (without_logs(&read, &settings)?, None)
    } else {
        let reading = Reading::of(&logs, &args.logs, console)?;
        (reading.run(with_logs(&read, &settings, &reading.database))?, Some(reading))
    };
    write(&linted, |_| linted.page(), &args.output, console)?;
    if let Some(reading) = reading {
        report(&reading.opened, &reading.tally(), args.logs.strict, console)?;
    }
    Ok(args.fail_on.is_some_and(|bound| linted.worst() >= Some(severity(bound))))
}

/// What there is to know of how the manifests were read; a text that is no manifest has a note for every line.
fn show_notes(read: &Manifest, console: Console) {
    const SHOWN: usize = 10;
    read.notes.iter().take(SHOWN).for_each(|note| console.note(&note.to_string()));
    let more = read.notes.len().saturating_sub(SHOWN);
    if more > 0 {
        console.note(&format!("{more} more objects were passed over"));
    }
}

const fn severity(name: LintSeverityName) -> LintSeverity {
    match name {
        LintSeverityName::Info => LintSeverity::Info,
        LintSeverityName::Warning => LintSeverity::Warning,
        LintSeverityName::Error => LintSeverity::Error,
    }
}

/// What was named, as manifests and logs: YAML, and JSON that has a word of the API group near its beginning, are
/// manifests, and a folder with such files stands for them. What can be read only once, standard input or a pipe, is a
/// manifest unless there is another, since then it must be a log.
fn sorted(inputs: &[String]) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let (mut manifests, mut logs, mut read_once) = (Vec::new(), Vec::new(), Vec::new());
    for input in inputs {
        let path = Path::new(input);
        let inside = if path.is_dir() { manifests_in(path)? } else { Vec::new() };
        if !inside.is_empty() {
            manifests.extend(inside);
        } else if input == "-" || fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            read_once.push(input.clone());
        } else if is_yaml(path) || path.is_file() && is_of_group(path) {
            manifests.push(path.to_owned());
        } else {
            logs.push(input.clone());
        }
    }
    if manifests.is_empty() {
        manifests.extend(read_once.into_iter().map(PathBuf::from));
    } else {
        logs.extend(read_once);
    }
    if manifests.is_empty() {
        let missing = logs.iter().find(|log| !log.contains(['*', '?', '[', '=']) && !Path::new(log).exists());
        let message = match missing {
            Some(missing) => format!("there is no file {missing}"),
            None => format!("no manifest is named, only logs: {}", logs.join(", ")),
        };
        return Err(Advice { message, hint: "name a file of FlowSchemas and priority levels, in YAML or JSON" }.into());
    }
    Ok((manifests, logs))
}

/// The manifests in a folder.
pub(super) fn manifests_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("can't read {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(doing)? {
        let path = entry.with_context(doing)?.path();
        let is_candidate = is_yaml(&path) || path.extension() == Some(OsStr::new("json"));
        if is_candidate && path.is_file() && is_of_group(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Whether a file's beginning speaks of FlowSchemas or priority levels, and not of audit events.
fn is_of_group(path: &Path) -> bool {
    /// So much of a file tells.
    const LOOKED_AT: u64 = 64 << 10;
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut start));
    let holds = |word: &[u8]| memchr::memmem::find(&start, word).is_some();
    read.is_ok() && holds(b"flowcontrol.apiserver.k8s.io") && !holds(b"audit.k8s.io")
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn without_logs(read: &Manifest, settings: &Settings) -> Result<LintReport> {
    let version = settings.server.version;
    let (before, _) = live_config(settings.flows.config.as_ref(), version.unwrap_or(NEWEST_KNOWN));
    let after = before.clone().with(&read.config);
    let findings = lint(&LintInput {
        change: &read.config,
        problems: &read.problems,
        before: &before,
        after: &after,
        version,
        features: settings.flows.features(version)?,
        server_concurrency: settings.flows.server_concurrency,
        traffic: None,
        demand: &[],
    });
    Ok(LintReport { schema_version: SCHEMA_VERSION, findings, catches: Vec::new(), has_logs: false })
}

async fn with_logs(read: &Manifest, settings: &Settings, database: &Database) -> Result<LintReport> {
    let dimensions = prepare(database, &[LevelPeak::QUERY, FlowCount::QUERY].join(" "), &[], settings).await?;
    let peaks: Vec<LevelPeak> = database.rows().await?;
    let counts: Vec<FlowCount> = database.rows().await?;
    let counts: BTreeMap<i64, u64> = counts.into_iter().map(|row| (row.flow_key, row.request_count)).collect();
    let flows = dimensions.flows.context("flows were not asked for")?;
    let after = flows.config.clone().with(&read.config);
    let seats = |row: &FlowRow| [row.low_seats, row.high_seats].map(|seats| u32::try_from(seats).unwrap_or(u32::MAX));
    let alike = flows.digests.into_iter().zip(&flows.rows).map(|((flow_key, digest), row)| Traffic {
        digest,
        request_count: counts.get(&flow_key).copied().unwrap_or_default(),
        seats: seats(row).into(),
    });
    let traffic: Vec<Traffic> = alike.collect();
    let findings = lint(&LintInput {
        change: &read.config,
        problems: &read.problems,
        before: &flows.config,
        after: &after,
        version: dimensions.server.version,
        features: flows.features,
        server_concurrency: settings.flows.server_concurrency,
        traffic: Some(&traffic),
        demand: &demand(&peaks),
    });
    let catches = catches(&read.config, &after, &traffic, &flows.rows);
    Ok(LintReport { schema_version: SCHEMA_VERSION, findings, catches, has_logs: true })
}

/// The highest peak of each level over all apiservers.
fn demand(peaks: &[LevelPeak]) -> Vec<LevelDemand> {
    let mut of_level: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for peak in peaks {
        let (low, high) = of_level.entry(&peak.priority_level).or_default();
        *low = (*low).max(peak.peak_low_seats);
        *high = (*high).max(peak.peak_high_seats);
    }
    let seats = |seats: u64| u32::try_from(seats).unwrap_or(u32::MAX);
    let demands = of_level.into_iter().map(|(level, (low, high))| LevelDemand {
        priority_level: level.to_owned(),
        peak_seats: (seats(low), seats(high)),
    });
    demands.collect()
}

/// A row of the query `flow_counts`.
#[derive(Deserialize)]
struct FlowCount {
    flow_key: i64,
    request_count: u64,
}

impl TypedRow for FlowCount {
    const QUERY: &'static str = "flow_counts";
    const COLUMNS: &'static [&'static str] = &["flow_key", "request_count"];
}

/// What each FlowSchema of a change would get of the logs' requests.
fn catches(change: &Config, after: &Config, traffic: &[Traffic], rows: &[FlowRow]) -> Vec<SchemaCatch> {
    let matcher = Matcher::new(after);
    let of_schema = |schema: &FlowSchema| {
        let mut catch = SchemaCatch { flow_schema: schema.name.clone(), ..SchemaCatch::default() };
        let mut users = BTreeSet::new();
        for (Traffic { digest, request_count: count, .. }, row) in traffic.iter().zip(rows) {
            let (request, count) = (digest.attributes(), *count);
            let Some(now) = matcher.classify(&request).map(|found| &found.flow_schema.name) else {
                continue;
            };
            let is_mine = *now == schema.name;
            if row.is_outside || count == 0 || !is_mine && !matches(schema, &request) {
                continue;
            }
            catch.matching_count += count;
            if !is_mine {
                *catch.taken_before.entry(now.clone()).or_default() += count;
                continue;
            }
            catch.request_count += count;
            users.insert(digest.user.as_str());
            catch.list_count += if digest.verb == "list" { count } else { 0 };
            if row.flow_schema != schema.name {
                *catch.newly_caught.entry(row.flow_schema.clone()).or_default() += count;
            }
        }
        catch.user_count = users.len() as u64;
        catch
    };
    change.flow_schemas.iter().map(of_schema).collect()
}
