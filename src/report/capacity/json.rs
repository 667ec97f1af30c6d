//! The report of `capacity` as JSON: the data, with the words for it in fields of their own.

use serde::Serialize;

use super::words::{
    amount_words, bucket_name, improvement_words, list_change_words, load_words, not_compared_words, note_words,
    scope_words, state_words, trend_words,
};
use super::{CapacityNote, CapacityReport, NotCompared};
use crate::analysis::{LogFacts, ServerFacts, Span};
use crate::findings::{
    BlindSpot, BusyBucket, CapacityStep, CapacityThresholds, ClientUsage, Clock, CollectionGrowth, Headroom,
    Improvement, LevelHour, ListPressure, Objective, PeriodCoverage, PressurePeak, ServerActivity, Trend, Usage,
};
use crate::report::findings::{FindingJson, blind_spot, findings_json};
use crate::units::Zone;

#[derive(Serialize)]
struct CapacityJson<'r> {
    schema_version: u32,
    week: &'r Option<String>,
    window: Span,
    window_before: Option<Span>,
    coverage: PeriodCoverage,
    coverage_of_before: Option<PeriodCoverage>,
    not_compared: Option<&'static str>,
    not_compared_code: Option<NotCompared>,
    logs: &'r LogFacts,
    server: &'r ServerFacts,
    verdict: Vec<String>,
    this: &'r Usage,
    before: &'r Option<Usage>,
    peak: Option<PressurePeak>,
    peak_before: Option<PressurePeak>,
    client_types: Vec<ClientUsageJson<'r>>,
    clients: Vec<ClientUsageJson<'r>>,
    appeared: &'r [String],
    vanished: &'r [String],
    objectives: Vec<ObjectiveJson>,
    levels: Vec<HeadroomJson<'r>>,
    busiest: Vec<BusyBucketJson>,
    clocks: &'r [Clock],
    collections: &'r [CollectionGrowth],
    first_step: Option<String>,
    first_step_code: &'r Option<CapacityStep>,
    improvements: Vec<ImprovementJson<'r>>,
    trends: Vec<TrendJson<'r>>,
    thresholds: CapacityThresholds,
    activity: &'r [ServerActivity],
    pressure: &'r [ListPressure],
    level_hours: &'r [LevelHour],
    bucket_secs: f64,
    memory_limit_bytes: Option<u64>,
    findings: Vec<FindingJson<'r>>,
    blind_spots: Vec<String>,
    blind_spot_codes: &'r [BlindSpot],
    notes: Vec<String>,
    note_codes: &'r [CapacityNote],
}

#[derive(Serialize)]
struct ClientUsageJson<'r> {
    #[serde(flatten)]
    usage: &'r ClientUsage,
    why: String,
}

#[derive(Serialize)]
struct ObjectiveJson {
    scope: &'static str,
    #[serde(flatten)]
    objective: Objective,
}

#[derive(Serialize)]
struct HeadroomJson<'r> {
    #[serde(flatten)]
    level: &'r Headroom,
    verdict: &'static str,
}

#[derive(Serialize)]
struct BusyBucketJson {
    by: &'static str,
    value: String,
    #[serde(flatten)]
    bucket: BusyBucket,
}

#[derive(Serialize)]
struct ImprovementJson<'r> {
    #[serde(flatten)]
    improvement: &'r Improvement,
    what: String,
}

#[derive(Serialize)]
struct TrendJson<'r> {
    of: String,
    #[serde(flatten)]
    trend: &'r Trend,
}

impl CapacityReport {
    /// What `--format json` prints: the data, with the words for it beside. Times in words are in UTC.
    pub fn json(&self) -> impl Serialize {
        let (zone, review) = (&Zone::default(), &self.review);
        let bucket = bucket_name(self.bucket_secs);
        CapacityJson {
            schema_version: self.schema_version,
            week: &self.week,
            window: self.window,
            window_before: self.window_before,
            coverage: review.coverage,
            coverage_of_before: self.coverage_of_before,
            not_compared: self.not_compared.map(not_compared_words),
            not_compared_code: self.not_compared,
            logs: &self.logs,
            server: &self.server,
            verdict: self.verdict_words(zone),
            this: &review.this,
            before: &review.before,
            peak: review.peak,
            peak_before: review.peak_before,
            client_types: review.client_types.iter().map(usage_json).collect(),
            clients: review.clients.iter().map(usage_json).collect(),
            appeared: &review.appeared,
            vanished: &review.vanished,
            objectives: review.objectives.iter().map(objective_json).collect(),
            levels: review.levels.iter().map(headroom_json).collect(),
            busiest: review.busiest.iter().map(busy_json).collect(),
            clocks: &review.clocks,
            collections: &review.collections,
            first_step: self.first_step_words(),
            first_step_code: &review.first_step,
            improvements: review.improvements.iter().map(improvement_json).collect(),
            trends: review.trends.iter().map(|trend| trend_json(trend, bucket)).collect(),
            thresholds: review.thresholds,
            activity: &self.activity,
            pressure: &self.pressure,
            level_hours: &self.level_hours,
            bucket_secs: self.bucket_secs,
            memory_limit_bytes: self.memory_limit_bytes,
            findings: findings_json(&self.findings),
            blind_spots: self.blind_spots.iter().map(blind_spot).collect(),
            blind_spot_codes: &self.blind_spots,
            notes: self.notes.iter().map(|note| note_words(note, self.bucket_secs, zone)).collect(),
            note_codes: &self.notes,
        }
    }
}

fn usage_json(usage: &ClientUsage) -> ClientUsageJson<'_> {
    ClientUsageJson { usage, why: usage.change.as_ref().map(list_change_words).unwrap_or_default() }
}

const fn objective_json(objective: &Objective) -> ObjectiveJson {
    ObjectiveJson { scope: scope_words(objective.scope), objective: *objective }
}

const fn headroom_json(level: &Headroom) -> HeadroomJson<'_> {
    HeadroomJson { level, verdict: state_words(level.state) }
}

fn busy_json(bucket: &BusyBucket) -> BusyBucketJson {
    BusyBucketJson { by: load_words(&bucket.load), value: amount_words(&bucket.load), bucket: *bucket }
}

fn improvement_json(improvement: &Improvement) -> ImprovementJson<'_> {
    ImprovementJson { improvement, what: improvement_words(improvement) }
}

fn trend_json<'r>(trend: &'r Trend, bucket: &str) -> TrendJson<'r> {
    TrendJson { of: trend_words(&trend.subject, bucket), trend }
}
