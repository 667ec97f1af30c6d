//! The report of `incident` as JSON: the data, with the words for it in fields of their own.

use serde::{Serialize, Serializer};

use super::reasons::{growth_words, source_words, support_words, victim_words, volume_words, wave_words};
use super::{IncidentNote, IncidentReport, MemoryFacts};
use crate::analysis::{LogFacts, Span};
use crate::findings::{
    AuditPolicy, BlindSpot, Certainty, CutOff, Death, Doubt, EarlierPeak, IncidentStep, IncidentSuspect,
    IncidentThresholds, ListPressure, MemoryGrowth, Moment, PolicyVolume, ReturnWave, ServerActivity, ServerLoad,
    ShareBasis, Support, Victim, Visibility,
};
use crate::report::ProposeReport;
use crate::report::findings::{FindingJson, blind_spot, findings_json};
use crate::units::{self, Zone};

#[derive(Serialize)]
struct IncidentJson<'r> {
    schema_version: u32,
    moment: MomentJson<'r>,
    other_moments: Vec<MomentJson<'r>>,
    window: Span,
    logs: &'r LogFacts,
    certainty: Certainty,
    supports: Vec<String>,
    support_codes: &'r [Support],
    doubts: Vec<String>,
    doubt_codes: &'r [Doubt],
    verdict: Vec<String>,
    first_step: Option<String>,
    first_step_code: &'r Option<IncidentStep>,
    earlier_peak: &'r Option<EarlierPeak>,
    share_basis: ShareBasis,
    suspects: &'r [IncidentSuspect],
    victims: Vec<VictimJson<'r>>,
    wave: Option<WaveJson<'r>>,
    thresholds: IncidentThresholds,
    pressure: &'r [ListPressure],
    pressure_secs: f64,
    activity: &'r [ServerActivity],
    activity_secs: f64,
    memory: Option<MemoryJson<'r>>,
    memory_limit_bytes: Option<u64>,
    cut_off: &'r [CutOff],
    findings: Vec<FindingJson<'r>>,
    apiservers: &'r [ServerLoad],
    blind_spots: Vec<String>,
    blind_spot_codes: &'r [BlindSpot],
    visibility: &'r Visibility,
    nearest_end: &'r Option<Death>,
    policy: PolicyJson<'r>,
    candidates: &'r Option<ProposeReport>,
    notes: Vec<String>,
    note_codes: &'r [IncidentNote],
}

#[derive(Serialize)]
struct MomentJson<'r> {
    #[serde(flatten)]
    moment: &'r Moment,
    reason: String,
}

#[derive(Serialize)]
struct VictimJson<'r> {
    #[serde(flatten)]
    victim: &'r Victim,
    words: String,
}

#[derive(Serialize)]
struct WaveJson<'r> {
    summary: String,
    #[serde(flatten)]
    wave: &'r ReturnWave,
}

#[derive(Serialize)]
struct MemoryJson<'r> {
    source: String,
    file: &'r str,
    series: &'r Option<String>,
    series_count: usize,
    #[serde(serialize_with = "as_samples")]
    samples: &'r [(i64, f64)],
    growth: GrowthJson<'r>,
}

#[derive(Serialize)]
struct GrowthJson<'r> {
    #[serde(flatten)]
    growth: &'r MemoryGrowth,
    summary: String,
}

#[derive(Serialize)]
struct PolicyJson<'r> {
    yaml: &'r str,
    volume: VolumeJson<'r>,
}

#[derive(Serialize)]
struct VolumeJson<'r> {
    #[serde(flatten)]
    volume: &'r PolicyVolume,
    basis: String,
}

impl IncidentReport {
    /// What `--format json` prints: the data, with the words for it beside. Times in words are in UTC.
    pub fn json(&self) -> impl Serialize {
        let zone = &Zone::default();
        let incident = &self.incident;
        let moment = |moment| MomentJson { moment, reason: self.moment_reason(moment, zone) };
        let wave = |wave| WaveJson { summary: wave_words(wave, self.moment.back_at, &incident.thresholds), wave };
        let AuditPolicy { yaml, volume } = &self.policy;
        IncidentJson {
            schema_version: self.schema_version,
            moment: moment(&self.moment),
            other_moments: self.other_moments.iter().map(moment).collect(),
            window: self.window,
            logs: &self.logs,
            certainty: incident.certainty,
            supports: incident.supports.iter().map(support_words).collect(),
            support_codes: &incident.supports,
            doubts: incident.doubts.iter().map(|doubt| self.doubt(doubt)).collect(),
            doubt_codes: &incident.doubts,
            verdict: self.verdict_words(zone),
            first_step: self.first_step_words(),
            first_step_code: &incident.first_step,
            earlier_peak: &incident.earlier_peak,
            share_basis: incident.share_basis,
            suspects: &incident.suspects,
            victims: incident.victims.iter().map(|victim| VictimJson { words: victim_words(victim), victim }).collect(),
            wave: incident.wave.as_ref().map(wave),
            thresholds: incident.thresholds,
            pressure: &self.pressure,
            pressure_secs: self.pressure_secs,
            activity: &self.activity,
            activity_secs: self.activity_secs,
            memory: self.memory.as_ref().map(|memory| memory_json(memory, self.moment.is_end(), &incident.thresholds)),
            memory_limit_bytes: self.memory_limit_bytes,
            cut_off: &self.cut_off,
            findings: findings_json(&self.findings),
            apiservers: &self.apiservers,
            blind_spots: self.blind_spots.iter().map(blind_spot).collect(),
            blind_spot_codes: &self.blind_spots,
            visibility: &self.visibility,
            nearest_end: &self.nearest_end,
            policy: PolicyJson { yaml, volume: VolumeJson { basis: volume_words(volume), volume } },
            candidates: &self.candidates,
            notes: self.note_words(zone),
            note_codes: &self.notes,
        }
    }
}

fn as_samples<S: Serializer>(samples: &[(i64, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(samples.iter().map(|(at, bytes)| (units::instant(*at), bytes)))
}

fn memory_json<'r>(memory: &'r MemoryFacts, is_end: bool, thresholds: &IncidentThresholds) -> MemoryJson<'r> {
    MemoryJson {
        source: source_words(memory),
        file: &memory.file,
        series: &memory.series,
        series_count: memory.series_count,
        samples: &memory.samples,
        growth: GrowthJson { growth: &memory.growth, summary: growth_words(memory, is_end, thresholds) },
    }
}
