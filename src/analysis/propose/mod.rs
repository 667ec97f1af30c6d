//! `apf propose`: candidates against the logs' storms, each tried on the logged requests before it is shown.

mod report;
mod sizing;

use std::collections::BTreeMap;

pub use report::{
    BudgetCheck, Confidence, ConfidenceLevel, Doubt, JointReplay, MatchedReplay, Proposal, ProposeReport,
    RejectedProposal, ServerComparison, SlowClient, TriedSize,
};

use super::replay::{
    RecordedServer, RecordedTraffic, ReplayNote, ReplayOptions, client_names, scenario_with, summarize_log,
};
use super::storms::{STORM_QUERIES, StormRows};
use super::{AnalysisError, Interrupt, SCHEMA_VERSION, ServerFacts, Session};
use crate::apf::lint::{LintFinding, LintInput, LintSeverity, lint};
use crate::apf::{Config, validate};
use crate::audit::Stage;
use crate::candidates::{CandidateRejection, Draft, ProposalInput, RequestGroup, draft_candidates, plan_sizes};
use crate::dimensions::{Dimensions, Settings};
use crate::findings::{Finding, Presence, judge};
use crate::kubernetes::Version;
use crate::memory::MemoryCost;
use crate::requests::Tally;
use crate::simulation::{BaselineMismatch, ReplaySummary, check_baseline};
use crate::tables::TypedRow;
use sizing::{SizedCandidate, StormWindow, most};

/// What candidates have to keep to, and how they are replayed.
#[derive(Clone, Copy, Debug)]
pub struct ProposeOptions {
    /// What LISTs may hold at once on an apiserver, in bytes.
    pub memory_budget: u64,
    /// How long clients without a storm may wait because of a candidate, in seconds.
    pub max_wait_secs: f64,
    /// Whether nodes and kube-system may be limited.
    pub includes_system: bool,
    /// How candidates are replayed.
    pub replay: ReplayOptions,
}

impl Default for ProposeOptions {
    fn default() -> Self {
        Self { memory_budget: 4 << 30, max_wait_secs: 10.0, includes_system: false, replay: ReplayOptions::default() }
    }
}

/// A limit for more LISTs than this is none.
const MOST_LISTS: u32 = 200;
/// A candidate that rejects more than this part of what it matches costs its client dearly.
const DEAR_SHARE: f64 = 0.1;

/// Designs a candidate for each storm at warning or above, and tries it on the logged requests.
///
/// # Errors
/// When the logs can't be read, have no event, or nothing in them reached API Priority and Fairness.
pub async fn propose(session: &Session, options: &ProposeOptions) -> Result<ProposeReport, AnalysisError> {
    let mode = options.replay.mode;
    let (dimensions, recorded) = RecordedTraffic::read(session, &STORM_QUERIES, &[Presence::QUERY], mode).await?;
    let rows = StormRows::read(session.database(), &dimensions, None).await?;
    let tally = session.tally_of_events()?;
    recorded.check()?;
    let findings = judge(rows.measured(&tally, session.window().from), session.thresholds());
    let proposer = Proposer {
        limits: ProposeLimits {
            memory_budget: options.memory_budget,
            max_wait_secs: options.max_wait_secs,
            includes_system: options.includes_system,
            seeds: options.replay.seeds,
            memory_base: options.replay.memory_base,
        },
        settings: session.settings(),
        dimensions: &dimensions,
        recorded: &recorded,
        findings: &findings,
        tally: &tally,
        interrupt: session.interrupt(),
    };
    proposer.report()
}

/// What candidates have to keep to, and how they are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProposeLimits {
    /// What LISTs may hold at once, in bytes.
    pub(super) memory_budget: u64,
    /// How long clients without a storm may wait because of a candidate, in seconds.
    pub(super) max_wait_secs: f64,
    /// Whether nodes and kube-system may be limited.
    pub(super) includes_system: bool,
    /// How often each is replayed.
    pub(super) seeds: u64,
    /// What the server holds without LISTs, in bytes; `None` if that isn't known.
    pub(super) memory_base: Option<u64>,
}

/// Everything that proposals are based on.
pub(super) struct Proposer<'p> {
    pub(super) limits: ProposeLimits,
    pub(super) settings: &'p Settings,
    pub(super) dimensions: &'p Dimensions,
    pub(super) recorded: &'p RecordedTraffic,
    pub(super) findings: &'p [Finding],
    pub(super) tally: &'p Tally,
    pub(super) interrupt: &'p Interrupt,
}

/// What became of a draft.
enum ProposalOutcome {
    Proposed(Box<Proposal>),
    Rejected { reason: CandidateRejection, best: Option<Box<ServerComparison>> },
}

fn describe_size(tried: &SizedCandidate, best: &SizedCandidate) -> TriedSize {
    let plan = tried.candidate.plan;
    TriedSize {
        plan: Some(plan),
        peak_low_bytes: tried.peak_low_bytes,
        peak_high_bytes: tried.peak_high_bytes,
        caught_rejected: Some(tried.matched.rejected),
        caught_wait_p99_secs: Some(tried.matched.wait_p99_secs),
        slow: tried.slow.len(),
        regressed: tried.harmed().map(str::to_owned).collect(),
        is_chosen: plan == best.candidate.plan,
    }
}

impl Proposer<'_> {
    pub(super) fn report(&self) -> Result<ProposeReport, AnalysisError> {
        let requests = self.group_requests();
        let input = ProposalInput {
            config: &self.recorded.flows.config,
            features: &self.recorded.flows.features,
            server_concurrency: self.settings.apf.server_concurrency,
            requests: &requests,
            findings: self.findings,
            includes_system: self.limits.includes_system,
        };
        let (drafts, rejected) = draft_candidates(&input);
        let reject =
            |finding: usize, reason, best| RejectedProposal { finding: self.findings[finding].clone(), reason, best };
        let mut rejected: Vec<RejectedProposal> =
            rejected.into_iter().map(|rejected| reject(rejected.finding, rejected.reason, None)).collect();
        let (mut proposals, mut chosen, mut targets) = (Vec::new(), Config::default(), Vec::new());
        let (today, mismatches) = if drafts.is_empty() { (Vec::new(), Vec::new()) } else { self.replay_today()? };
        for draft in &drafts {
            match self.propose(draft, &input, &chosen, !mismatches.is_empty())? {
                ProposalOutcome::Proposed(proposal) => {
                    chosen = chosen.with(&proposal.candidate.config());
                    targets.extend(draft.clients.iter().cloned());
                    proposals.push(*proposal);
                }
                ProposalOutcome::Rejected { reason, best } => {
                    rejected.extend(draft.findings.iter().map(|index| reject(*index, reason.clone(), best.clone())));
                }
            }
        }
        let joint = if proposals.is_empty() { None } else { Some(self.replay_jointly(&chosen, &targets, &today)?) };
        Ok(ProposeReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts::new(self.dimensions, self.settings, self.recorded.flows.origin),
            memory_budget_bytes: self.limits.memory_budget,
            max_wait_secs: self.limits.max_wait_secs,
            seeds: self.limits.seeds,
            mismatches,
            proposals,
            rejected,
            joint,
            notes: self.notes(),
        })
    }

    /// The log's requests by client, and what they are to API Priority and Fairness.
    fn group_requests(&self) -> Vec<RequestGroup<'_>> {
        let recorded = self.recorded;
        let mut groups: BTreeMap<(u32, u32), GroupTally> = BTreeMap::new();
        for server in &recorded.servers {
            let storms = self.storms_by_client(server);
            for request in &server.traffic.requests {
                let group = groups.entry((request.kind, request.client)).or_default();
                group.count += 1;
                for (finding, span) in storms.get(&request.client).into_iter().flatten() {
                    if span.contains(&request.received_ns) {
                        *group.storms.entry(*finding).or_default() += 1;
                    }
                }
                if let Some(list) = request.list {
                    group.take(server.traffic.lists[list as usize]);
                }
            }
        }
        let (config, limits) = (&recorded.flows.config, &recorded.flows.limits);
        let classifier = recorded.flows.classifier(config, limits, &self.dimensions.known_sizes);
        let requests = groups.into_iter().filter_map(|((kind, client), group)| {
            let (digest, row) = (&recorded.flows.digests[kind as usize].1, &recorded.flows.rows[kind as usize]);
            let (client_type, name) = recorded.clients.get(client as usize)?;
            Some(RequestGroup {
                kind,
                storms: group.storms.into_iter().collect(),
                digest,
                flow_schema: &row.flow_schema,
                client_type: client_type.name(),
                client: name,
                count: group.count,
                is_list: group.is_list && !digest.has_name,
                seats: classifier.seats(digest, ""),
                memory: group.memory,
            })
        });
        requests.collect()
    }

    /// The storms of each client on an apiserver, and their spans in its time.
    fn storms_by_client(&self, server: &RecordedServer) -> BTreeMap<u32, Vec<(usize, std::ops::RangeInclusive<u64>)>> {
        let mut storms: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        let nanos = |at: i64| u64::try_from(at - server.began_micros).unwrap_or_default().saturating_mul(1_000);
        for (index, finding) in self.findings.iter().enumerate() {
            let is_of = |(client_type, client): &(crate::clients::ClientType, String)| {
                finding.culprit.is(client_type.name(), client)
            };
            if let Some(client) = (0..).zip(&self.recorded.clients).find_map(|(at, client)| is_of(client).then_some(at))
            {
                let span = nanos(finding.started_at)..=nanos(finding.ended_at);
                storms.entry(client).or_default().push((index, span));
            }
        }
        storms
    }

    /// Replays the sizes of a draft; the best one, or why none is proposed.
    fn propose(
        &self,
        draft: &Draft,
        input: &ProposalInput<'_>,
        chosen: &Config,
        is_mismatched: bool,
    ) -> Result<ProposalOutcome, AnalysisError> {
        let reject = |reason| Ok(ProposalOutcome::Rejected { reason, best: None });
        let budget_bytes = self.limits.memory_budget;
        let list_low_bytes = draft.list_memory.map_or(0, |memory| memory.per_list.low);
        if list_low_bytes > budget_bytes {
            return reject(CandidateRejection::ListExceedsBudget { list_low_bytes, budget_bytes });
        }
        let window = self.replay_window(draft, chosen)?;
        let all = plan_sizes(draft, input, MOST_LISTS, self.list_secs(draft, &window.servers));
        let mut tried: Vec<SizedCandidate> = Vec::new();
        for candidate in self.worth_trying(draft, all) {
            // A size that holds nothing back is as good as all larger ones.
            if tried.last().is_some_and(|last| !last.holds_back()) {
                break;
            }
            if validate(&candidate.config()).is_empty() {
                tried.push(self.try_out(draft, (candidate, chosen), &window)?);
            }
        }
        let Some(best) = self.choose_size(draft, &tried) else {
            return reject(CandidateRejection::NoValidLevel);
        };
        if !best.helps() {
            let reason = CandidateRejection::NoSizeHelps { tried: tried.len() };
            return Ok(ProposalOutcome::Rejected { reason, best: Some(Box::new(best.comparison.clone())) });
        }
        let sizes = tried.iter().map(|tried| describe_size(tried, best));
        let sizes = std::iter::once(describe_today(&window.before)).chain(sizes).collect();
        Ok(ProposalOutcome::Proposed(Box::new(self.describe((draft, input), best, sizes, &window, is_mismatched))))
    }

    /// Replays the whole log under the current configuration; and what that does not reproduce.
    fn replay_today(&self) -> Result<(Vec<ReplaySummary>, Vec<BaselineMismatch>), AnalysisError> {
        let current = scenario_with(None, self.recorded, self.dimensions, self.settings);
        let summaries = self.summarize_servers(&self.recorded.servers, &current)?;
        let clients = client_names(self.recorded);
        let servers = self.recorded.servers.iter().zip(&summaries);
        let mismatches = servers.filter_map(|(server, now)| {
            check_baseline(&summarize_log(server, &current, self.memory(), &clients).0, now)
        });
        let mismatches = mismatches.collect();
        Ok((summaries, mismatches))
    }

    fn describe(
        &self,
        (draft, input): (&Draft, &ProposalInput<'_>),
        best: &SizedCandidate,
        tried: Vec<TriedSize>,
        window: &StormWindow,
        is_mismatched: bool,
    ) -> Proposal {
        let candidate = &best.candidate;
        let lint = self.lint(&candidate.config());
        let mut doubts = self.doubts(draft, best, &lint, window);
        doubts.extend(is_mismatched.then_some(Doubt::BaselineMismatch));
        Proposal {
            draft: draft.clone(),
            findings: draft.findings.iter().map(|index| self.findings[*index].clone()).collect(),
            candidate: candidate.clone(),
            server_concurrency: input.server_concurrency,
            seat_changes: candidate.seat_changes(input),
            replayed_micros: window.span,
            seeds: self.limits.seeds,
            comparison: best.comparison.clone(),
            matched: best.matched,
            budget: self.check_budget(&best.summaries, draft.list_memory.is_some()),
            tried,
            lists_at_once_before: most(&window.before, |summary| summary.most_lists.mid),
            lists_at_once: most(&best.summaries, |summary| summary.most_lists.mid),
            slow: best.slow.clone(),
            confidence: judge_confidence(doubts, is_mismatched || best.rejected_share() > 0.5),
            lint,
        }
    }

    /// Why a candidate can't be trusted further.
    fn doubts(&self, draft: &Draft, best: &SizedCandidate, lint: &[LintFinding], window: &StormWindow) -> Vec<Doubt> {
        let is_size_known = draft.list_memory.is_some();
        let before = most(&window.before, |summary| summary.known_peak_high_bytes.high);
        let share = best.rejected_share();
        let has_restart = window.servers.iter().any(|server| !server.traffic.restarts_ns.is_empty());
        let sees_all = self.tally.has_stage(Stage::RequestReceived);
        let doubts = [
            (Doubt::MatchesVitalTraffic, lint.iter().any(|finding| finding.rule == VITAL_RULE)),
            (Doubt::MayExceedBudget, best.peak_high_bytes > self.budget_bytes() && is_size_known),
            (Doubt::UnknownSizes, !is_size_known),
            (Doubt::SomeUnknownSizes, is_size_known && draft.has_unbounded),
            (Doubt::OthersUnknownSizes, !draft.has_unbounded && best.unbounded_lists() > 0),
            (Doubt::HoldsMore, best.peak_high_bytes > 1.05 * before),
            (Doubt::MatchesOthers, draft.matched.iter().any(|client| !client.is_target)),
            (Doubt::MostlyRejected, share > 0.5),
            (Doubt::OftenRejected, share > DEAR_SHARE && share <= 0.5),
            (Doubt::LongWaits, best.matched.wait_p99_secs > self.limits.max_wait_secs),
            (Doubt::UncertainSeats, draft.list_seats.0 != draft.list_seats.1),
            (Doubt::DefaultConfiguration, self.settings.apf.config.is_none()),
            (Doubt::UnknownVersion, self.dimensions.version.is_none()),
            (Doubt::UnloggedRestart, has_restart && !sees_all),
        ];
        doubts.into_iter().filter_map(|(doubt, is_so)| is_so.then_some(doubt)).collect()
    }

    /// What lint says of a candidate that is more than worth knowing.
    fn lint(&self, change: &Config) -> Vec<LintFinding> {
        let flows = &self.recorded.flows;
        let findings = lint(&LintInput {
            change,
            problems: &validate(change),
            before: &flows.config,
            after: &flows.config.clone().with(change),
            version: self.dimensions.version,
            features: flows.features,
            server_concurrency: self.settings.apf.server_concurrency,
            traffic: None,
            demand: &[],
        });
        findings.into_iter().filter(|finding| finding.severity >= LintSeverity::Warning).collect()
    }

    /// Replays the whole log with all candidates at once.
    fn replay_jointly(
        &self,
        chosen: &Config,
        targets: &[String],
        before: &[ReplaySummary],
    ) -> Result<JointReplay, AnalysisError> {
        let scenario = scenario_with(Some(chosen), self.recorded, self.dimensions, self.settings);
        let after = self.summarize_servers(&self.recorded.servers, &scenario)?;
        Ok(JointReplay {
            comparison: self.compare_servers((chosen, targets), &scenario, (&self.recorded.servers, before), &after),
            budget: self.check_budget(&after, true),
            slow: self.find_slow(before, &after),
        })
    }

    fn notes(&self) -> Vec<ReplayNote> {
        let mut notes = vec![ReplayNote::StormWindow, ReplayNote::ChoiceOfSize, ReplayNote::TryDryRun];
        if self.dimensions.version.is_some_and(|version| version < SERVES_V1) {
            notes.push(ReplayNote::ApiVersionNotServed);
        }
        notes
    }
}

/// What a client's requests of one kind come to.
#[derive(Default)]
struct GroupTally {
    count: u64,
    storms: BTreeMap<usize, u64>,
    is_list: bool,
    memory: Option<MemoryCost>,
}

impl GroupTally {
    /// Takes one more LIST; the largest counts.
    fn take(&mut self, list: Option<MemoryCost>) {
        self.is_list = true;
        self.memory = match (self.memory, list) {
            (Some(one), Some(other)) => Some(one.or_more(other)),
            (one, other) => one.or(other),
        };
    }
}

/// The storm without the candidate, in the table of sizes.
fn describe_today(before: &[ReplaySummary]) -> TriedSize {
    TriedSize {
        plan: None,
        peak_low_bytes: most(before, |summary| summary.peak_low_bytes.high),
        peak_high_bytes: most(before, |summary| summary.known_peak_high_bytes.high),
        caught_rejected: None,
        caught_wait_p99_secs: None,
        slow: 0,
        regressed: Vec::new(),
        is_chosen: false,
    }
}

fn judge_confidence(doubts: Vec<Doubt>, is_low: bool) -> Confidence {
    let level = match doubts.len() {
        0 => ConfidenceLevel::High,
        1..=3 if !is_low => ConfidenceLevel::Medium,
        _ => ConfidenceLevel::Low,
    };
    Confidence { level, doubts }
}

/// The rule of lint for what no candidate should catch.
const VITAL_RULE: &str = "catches-vital-traffic";

/// Since when the API version of the manifests is served.
const SERVES_V1: Version = Version::new(1, 29);
