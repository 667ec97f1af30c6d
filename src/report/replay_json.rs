//! The JSON of `apf simulate` and `apf verify`: the report's numbers and codes, with the sentences beside them.

use serde::{Serialize, Serializer};

use super::verify::{quantity_words, verdict_words};
use super::{
    ApiserverCheck, ApiserverReplay, CandidateReplay, MomentAbove, ReplayNote, ServerFacts, SimulateReport, Swept,
    VerifyReport, capacity_words, comparison_sentence, mismatch_words,
};
use crate::simulation::{
    BaselineMismatch, CandidateMatch, ComparisonRemark, Effect, Improved, ListCapacityBasis, MatchedFacts, NoEffect,
    PredictionCheck, Regressed, ReplaySummary, VerifyVerdict,
};

impl Serialize for SimulateReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = SimulateJson {
            schema_version: self.schema_version,
            server: &self.server,
            seeds: self.seeds,
            memory_limit_bytes: self.memory_limit_bytes,
            memory_base_bytes: self.memory_base_bytes,
            apiservers: self.apiservers.iter().map(ApiserverJson::from).collect(),
            sweep: self.sweep.as_ref(),
            notes: self.notes.iter().map(ReplayNote::sentence).collect(),
            note_codes: &self.notes,
        };
        report.serialize(serializer)
    }
}

#[derive(Serialize)]
struct SimulateJson<'r> {
    schema_version: u32,
    server: &'r ServerFacts,
    seeds: u64,
    memory_limit_bytes: Option<u64>,
    memory_base_bytes: Option<u64>,
    apiservers: Vec<ApiserverJson<'r>>,
    sweep: Option<&'r Swept>,
    notes: Vec<String>,
    note_codes: &'r [ReplayNote],
}

#[derive(Serialize)]
struct ApiserverJson<'r> {
    apiserver: Option<&'r str>,
    request_count: u64,
    list_count: u64,
    first_at: &'r str,
    span_secs: f64,
    doubt: Option<String>,
    baseline_mismatch: Option<&'r BaselineMismatch>,
    capacity: String,
    capacity_basis: ListCapacityBasis,
    capacity_low: Option<f64>,
    capacity_likely: Option<f64>,
    capacity_high: Option<f64>,
    moments_above: &'r [MomentAbove],
    logged: &'r ReplaySummary,
    current: &'r ReplaySummary,
    candidates: Vec<CandidateJson<'r>>,
}

impl<'r> From<&'r ApiserverReplay> for ApiserverJson<'r> {
    fn from(replay: &'r ApiserverReplay) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        Self {
            apiserver: replay.apiserver.as_deref(),
            request_count: replay.request_count,
            list_count: replay.list_count,
            first_at: &replay.first_at,
            span_secs: replay.span_secs,
            doubt: replay.mismatch.as_ref().map(mismatch_words),
            baseline_mismatch: replay.mismatch.as_ref(),
            capacity: capacity_words(&replay.capacity),
            capacity_basis: replay.capacity.basis,
            capacity_low: finite(replay.capacity.low),
            capacity_likely: finite(replay.capacity.likely),
            capacity_high: finite(replay.capacity.high),
            moments_above: &replay.moments_above,
            logged: &replay.logged,
            current: &replay.current,
            candidates: replay.candidates.iter().map(CandidateJson::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct CandidateJson<'r> {
    name: &'r str,
    effect: Effect,
    sentence: String,
    no_effect: Option<&'r NoEffect>,
    remarks: &'r [ComparisonRemark],
    catch: &'r CandidateMatch,
    regressed: &'r [Regressed],
    improved: &'r [Improved],
    replay: &'r ReplaySummary,
}

impl<'r> From<&'r CandidateReplay> for CandidateJson<'r> {
    fn from(candidate: &'r CandidateReplay) -> Self {
        let comparison = &candidate.comparison;
        Self {
            name: &candidate.name,
            effect: comparison.effect,
            sentence: comparison_sentence(comparison),
            no_effect: comparison.no_effect.as_ref(),
            remarks: &comparison.remarks,
            catch: &candidate.matched,
            regressed: &comparison.regressed,
            improved: &comparison.improved,
            replay: &candidate.replay,
        }
    }
}

impl Serialize for VerifyReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let report = VerifyJson {
            schema_version: self.schema_version,
            server: &self.server,
            candidate: &self.candidate,
            apiservers: self.apiservers.iter().map(ApiserverCheckJson::from).collect(),
            notes: self.notes.iter().map(ReplayNote::sentence).collect(),
            note_codes: &self.notes,
        };
        report.serialize(serializer)
    }
}

#[derive(Serialize)]
struct VerifyJson<'r> {
    schema_version: u32,
    server: &'r ServerFacts,
    candidate: &'r str,
    apiservers: Vec<ApiserverCheckJson<'r>>,
    notes: Vec<String>,
    note_codes: &'r [ReplayNote],
}

#[derive(Serialize)]
struct ApiserverCheckJson<'r> {
    apiserver: Option<&'r str>,
    sentence: String,
    verdict: &'r VerifyVerdict,
    predicted: &'r MatchedFacts,
    replayed: &'r MatchedFacts,
    logged: &'r MatchedFacts,
    checks: Vec<CheckJson<'r>>,
}

#[derive(Serialize)]
struct CheckJson<'r> {
    what: &'static str,
    #[serde(flatten)]
    check: &'r PredictionCheck,
}

impl<'r> From<&'r ApiserverCheck> for ApiserverCheckJson<'r> {
    fn from(check: &'r ApiserverCheck) -> Self {
        let with_words = |check: &'r PredictionCheck| CheckJson { what: quantity_words(check.quantity), check };
        Self {
            apiserver: check.apiserver.as_deref(),
            sentence: verdict_words(&check.verdict),
            verdict: &check.verdict,
            predicted: &check.predicted,
            replayed: &check.replayed,
            logged: &check.logged,
            checks: check.checks.iter().map(with_words).collect(),
        }
    }
}
