//! What is wrong with FlowSchemas and priority levels, and, with logs, what they would match.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::explain::LevelPeak;
use super::{AnalysisError, SCHEMA_VERSION, Session};
use crate::apf::lint::{LevelDemand, LintFinding, LintInput, LintSeverity, Traffic, lint as lint_rules};
use crate::apf::{Config, FlowSchema, Manifest, Matcher, NEWEST_KNOWN, live_config, matches_flow_schema, validate};
use crate::dimensions::Settings;
use crate::tables::{FlowRow, TypedRow};

/// The answer of [`lint`] and [`lint_with_logs`].
#[derive(Clone, Debug, Serialize)]
pub struct LintReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What is wrong, the worst first.
    pub findings: Vec<LintFinding>,
    /// What each FlowSchema of the change would catch of the logs; empty without logs.
    pub catches: Vec<SchemaCatch>,
    /// Whether there were logs.
    pub has_logs: bool,
}

/// What a FlowSchema catches of the logs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SchemaCatch {
    /// The FlowSchema.
    pub flow_schema: String,
    /// Requests that its rules fit, whoever gets them.
    pub matching_count: u64,
    /// Requests that it gets.
    pub request_count: u64,
    /// Those of them that are lists.
    pub list_count: u64,
    /// Users among those that it gets.
    pub user_count: u64,
    /// Requests that it gets and went elsewhere before, by the FlowSchema that had them.
    pub newly_caught: BTreeMap<String, u64>,
    /// Requests that its rules fit and that an earlier FlowSchema gets, by that.
    pub taken_before: BTreeMap<String, u64>,
}

impl LintReport {
    /// The worst severity; `None` if nothing was found.
    pub fn worst(&self) -> Option<LintSeverity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }
}

/// Looks at a change by itself.
///
/// # Errors
/// When a feature gate is given that is not known.
pub fn lint(change: &Manifest, settings: &Settings) -> Result<LintReport, AnalysisError> {
    let change = with_problems(change);
    let (version, gates) = settings.version_and_gates();
    let (before, _) = live_config(settings.apf.config.as_ref(), version.unwrap_or(NEWEST_KNOWN));
    let after = before.clone().with(&change.config);
    let findings = lint_rules(&LintInput {
        change: &change.config,
        problems: &change.problems,
        before: &before,
        after: &after,
        version,
        features: settings.apf.features(version, &gates)?,
        server_concurrency: settings.apf.server_concurrency,
        traffic: None,
        demand: &[],
    });
    Ok(LintReport { schema_version: SCHEMA_VERSION, findings, catches: Vec::new(), has_logs: false })
}

/// Everything that is wrong with a change, of its objects' form too.
fn with_problems(change: &Manifest) -> Manifest {
    let mut change = change.clone();
    change.problems.extend(validate(&change.config));
    change
}

/// Looks at a change with the requests of logs.
///
/// # Errors
/// When the logs can't be read.
pub async fn lint_with_logs(session: &Session, change: &Manifest) -> Result<LintReport, AnalysisError> {
    let change = with_problems(change);
    let (database, settings) = (session.database(), session.settings());
    let dimensions = session.read(&[LevelPeak::QUERY, FlowCount::QUERY], &[]).await?;
    let peaks: Vec<LevelPeak> = database.rows().await?;
    let counts: Vec<FlowCount> = database.rows().await?;
    let counts: BTreeMap<i64, u64> = counts.into_iter().map(|row| (row.flow_key, row.request_count)).collect();
    let flows = dimensions.flows();
    let after = flows.config.clone().with(&change.config);
    let seats = |row: &FlowRow| [row.low_seats, row.high_seats].map(|seats| u32::try_from(seats).unwrap_or(u32::MAX));
    let alike = flows.digests.iter().zip(&flows.rows).map(|((flow_key, digest), row)| Traffic {
        digest: digest.clone(),
        request_count: counts.get(flow_key).copied().unwrap_or_default(),
        seats: seats(row).into(),
    });
    let traffic: Vec<Traffic> = alike.collect();
    let findings = lint_rules(&LintInput {
        change: &change.config,
        problems: &change.problems,
        before: &flows.config,
        after: &after,
        version: dimensions.version,
        features: flows.features,
        server_concurrency: settings.apf.server_concurrency,
        traffic: Some(&traffic),
        demand: &demand(&peaks),
    });
    let catches = catches(&change.config, &after, &traffic, &flows.rows);
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
            if row.is_outside || count == 0 || !is_mine && !matches_flow_schema(schema, &request) {
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
