//! Trying out the sizes of a candidate: each replayed around its storm, and which of them does best.

use std::collections::{BTreeMap, BTreeSet};

use super::super::AnalysisError;
use super::super::replay::{RecordedServer, client_names, match_candidate, scenario_with, summarize_replays};
use super::{BudgetCheck, MatchedReplay, Proposer, ServerComparison, SlowClient};
use crate::apf::Config;
use crate::candidates::{Candidate, Draft};
use crate::findings::Severity;
use crate::simulation::{
    CandidateMatch, Effect, ReplaySummary, Scenario, ServerMemory, Service, Spread, TrafficRequest, compare,
};

/// What is replayed around a storm, in microseconds.
const BEFORE_MICROS: i64 = 30_000_000;
const AFTER_MICROS: i64 = 60_000_000;
/// As many sizes of a level are tried.
const TRIED: usize = 12;
/// A client whose requests wait longer by no more than this has not regressed, in seconds.
const TOLERATED_SECS: f64 = 1.0;

/// A size of a candidate with its replay.
pub(super) struct SizedCandidate {
    pub(super) candidate: Candidate,
    pub(super) comparison: ServerComparison,
    /// The highest lower bound of the memory of LISTs, over all seeds and apiservers, in bytes.
    pub(super) peak_low_bytes: f64,
    /// The highest upper bound, of LISTs of known size.
    pub(super) peak_high_bytes: f64,
    pub(super) matched: MatchedReplay,
    pub(super) slow: Vec<SlowClient>,
    pub(super) summaries: Vec<ReplaySummary>,
}

/// The replays that a candidate is measured by.
pub(super) struct StormWindow {
    /// The requests around the storm.
    pub(super) servers: Vec<RecordedServer>,
    /// When they came, in microseconds since 1970.
    pub(super) span: (i64, i64),
    /// Under the current configuration, with the candidates that are chosen already.
    pub(super) before: Vec<ReplaySummary>,
}

impl SizedCandidate {
    /// The middle of the range of what LISTs hold at the peak.
    pub(super) fn middle_bytes(&self) -> f64 {
        f64::midpoint(self.peak_low_bytes, self.peak_high_bytes)
    }

    pub(super) fn helps(&self) -> bool {
        matches!(self.comparison.comparison.effect, Effect::Helps | Effect::HelpsButHurts)
    }

    /// Whether any matched request waits or is rejected.
    pub(super) fn holds_back(&self) -> bool {
        self.matched.rejected > 0.0 || self.matched.wait_p99_secs >= 0.05
    }

    /// LISTs of all clients without an upper bound of their memory.
    pub(super) fn unbounded_lists(&self) -> u64 {
        self.summaries.iter().map(|summary| summary.unbounded_lists).sum()
    }

    /// Clients that are worse off and aren't targets.
    pub(super) fn harmed(&self) -> impl Iterator<Item = &str> {
        let others = self.comparison.comparison.regressed.iter().filter(|client| !client.is_target);
        others.map(|client| client.client.as_str())
    }

    pub(super) fn rejected_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts")]
        let all = self.matched.request_count.max(1) as f64;
        self.matched.rejected / all
    }
}

impl Proposer<'_> {
    /// The requests around a draft's storms, and what they come to without it.
    pub(super) fn replay_window(&self, draft: &Draft, chosen: &Config) -> Result<StormWindow, AnalysisError> {
        let findings = || draft.findings.iter().map(|index| &self.findings[*index]);
        let from = findings().map(|finding| finding.started_at).min().unwrap_or_default() - BEFORE_MICROS;
        let to = findings().map(|finding| finding.ended_at).max().unwrap_or_default() + AFTER_MICROS;
        let servers: Vec<RecordedServer> =
            self.recorded.servers.iter().map(|server| server.between(from, to)).collect();
        let current = scenario_with(Some(chosen), self.recorded, self.dimensions, self.settings);
        let before = self.summarize_servers(&servers, &current)?;
        Ok(StormWindow { servers, span: (from, to), before })
    }

    /// Of the sizes that keep LISTs within the budget by the upper bound, the one that harms least: others before those whose
    /// storm it is, rejections before waits that are longer than they may be; of equals the one under which LISTs hold
    /// least, then the one with the shortest waits, then the smallest. If none keeps within the budget so, of those
    /// that do by the middle of the range; and if none does that, the one that holds least. Where nothing is known of what
    /// they hold, half as many as at the storm's peak have to do.
    pub(super) fn choose_size<'t>(&self, draft: &Draft, tried: &'t [SizedCandidate]) -> Option<&'t SizedCandidate> {
        let max_wait = self.limits.max_wait_secs;
        // In steps of a twentieth, a tenth of the budget and a second, as less is no difference.
        let harm = |tried: &SizedCandidate| {
            let harmed = tried.harmed().count();
            let rejected = (tried.rejected_share() * 20.0).round();
            let held_tenths = (tried.peak_high_bytes / self.budget_bytes() * 10.0).round();
            let wait = tried.matched.wait_p99_secs;
            let seats = tried.candidate.plan.nominal_seats;
            (tried.slow.len(), harmed, rejected, wait > max_wait, held_tenths, wait.round(), seats)
        };
        let order = |a: &&SizedCandidate, b: &&SizedCandidate| {
            harm(a).partial_cmp(&harm(b)).unwrap_or(std::cmp::Ordering::Equal)
        };
        if draft.list_memory.is_none() {
            let peak = draft.findings.iter().filter_map(|index| self.findings[*index].peak_concurrency).max();
            let half = u32::try_from(peak.unwrap_or_default() / 2).unwrap_or(u32::MAX).max(1);
            let few = tried.iter().filter(move |tried| tried.candidate.plan.lists_at_once.1 <= half);
            return few.clone().filter(|tried| tried.helps()).min_by(order).or_else(|| few.min_by(order));
        }
        let does_more = |tried: &&SizedCandidate| tried.helps();
        let within =
            |of: fn(&SizedCandidate) -> f64| tried.iter().filter(move |tried| of(tried) <= self.budget_bytes());
        let least = || tried.iter().min_by(|a, b| a.peak_high_bytes.total_cmp(&b.peak_high_bytes));
        within(|tried| tried.peak_high_bytes)
            .filter(does_more)
            .min_by(order)
            .or_else(|| within(SizedCandidate::middle_bytes).filter(does_more).min_by(order))
            .or_else(|| tried.iter().filter(does_more).min_by(|a, b| a.peak_high_bytes.total_cmp(&b.peak_high_bytes)))
            .or_else(least)
    }

    /// What LISTs may hold, with what the server holds besides, in bytes.
    pub(super) fn budget_bytes(&self) -> f64 {
        float(self.limits.memory_budget.saturating_add(self.memory().base))
    }

    pub(super) fn memory(&self) -> ServerMemory {
        let base = self.limits.memory_base.unwrap_or_default();
        ServerMemory { base, limit: Some(self.limits.memory_budget.saturating_add(base)) }
    }

    /// How long a draft's LISTs take where so many run at once, on the apiserver with most of them, in seconds.
    pub(super) fn list_secs(&self, draft: &Draft, servers: &[RecordedServer]) -> impl Fn(u32) -> Option<f64> {
        let works = |server: &RecordedServer| -> Vec<u64> {
            let all = server.lists.estimate_works(server.capacity.likely);
            let matched = server.traffic.requests.iter().filter(|request| draft.kinds.contains(&request.kind));
            let work = |request: &TrafficRequest| match request.service {
                Service::Shared(work) => all.get(work as usize).copied(),
                Service::Fixed(service_ns) => Some(service_ns),
            };
            matched.filter_map(work).collect()
        };
        let of_servers = servers.iter().map(|server| (works(server), server.capacity.likely));
        let (works, capacity) = of_servers.max_by_key(|(works, _)| works.len()).unwrap_or_default();
        let mean_secs = float(works.iter().sum()) / float(works.len().max(1) as u64) / 1e9;
        move |at_once| (mean_secs > 0.0).then(|| mean_secs * (f64::from(at_once) / capacity).max(1.0))
    }

    /// Those that may keep within the budget by what one LIST holds, and the smallest in any case; a choice of them if they
    /// are many.
    pub(super) fn worth_trying(&self, draft: &Draft, all: Vec<Candidate>) -> Vec<Candidate> {
        let each = draft.list_memory.map_or(0, |memory| memory.per_list.high.unwrap_or(memory.per_list.low));
        let fits = |candidate: &Candidate| {
            u64::from(candidate.plan.lists_at_once.1).saturating_mul(each) <= self.limits.memory_budget
        };
        let fitting = all.iter().filter(|candidate| fits(candidate)).count().max(1);
        let mut few: Vec<Candidate> = Vec::new();
        let step = fitting.div_ceil(TRIED);
        for (index, candidate) in all.into_iter().take(fitting).enumerate() {
            // The small ones differ most, and the largest is the one that harms least.
            if index < TRIED / 2 || index % step == 0 || index + 1 == fitting {
                few.push(candidate);
            }
        }
        few
    }

    pub(super) fn summarize_servers(
        &self,
        servers: &[RecordedServer],
        scenario: &Scenario,
    ) -> Result<Vec<ReplaySummary>, AnalysisError> {
        let clients = client_names(self.recorded);
        let mut all = Vec::new();
        for server in servers {
            all.extend(summarize_replays(
                server,
                &[scenario],
                (self.limits.seeds, self.memory()),
                &clients,
                self.interrupt,
            )?);
        }
        Ok(all)
    }

    /// Replays a candidate, with those that are chosen already in force.
    pub(super) fn try_out(
        &self,
        draft: &Draft,
        (candidate, chosen): (Candidate, &Config),
        window: &StormWindow,
    ) -> Result<SizedCandidate, AnalysisError> {
        let all = chosen.clone().with(&candidate.config());
        let scenario = scenario_with(Some(&all), self.recorded, self.dimensions, self.settings);
        let after = self.summarize_servers(&window.servers, &scenario)?;
        let replayed = (window.servers.as_slice(), window.before.as_slice());
        let comparison = self.compare_servers((&candidate.config(), &draft.clients), &scenario, replayed, &after);
        let schema = &candidate.flow_schema.name;
        let matched = || after.iter().flat_map(|summary| &summary.groups).filter(|group| group.flow_schema == *schema);
        let lists = after.iter().filter_map(|summary| summary.schema_lists.get(schema));
        Ok(SizedCandidate {
            comparison,
            peak_low_bytes: most(&after, |summary| summary.peak_low_bytes.high),
            peak_high_bytes: most(&after, |summary| summary.known_peak_high_bytes.high),
            matched: MatchedReplay {
                request_count: matched().map(|group| group.request_count).sum(),
                rejected: matched().map(|group| group.rejected.all.mid).fold(0.0, |sum, count| sum + count),
                wait_p99_secs: matched().map(|group| group.wait_p99_secs.mid).fold(0.0, f64::max),
                lists_at_once: lists.map(|lists| lists.mid).fold(0.0, f64::max),
            },
            slow: self.find_slow(&window.before, &after),
            summaries: after,
            candidate,
        })
    }

    /// LISTs of all clients against the budget.
    pub(super) fn check_budget(&self, after: &[ReplaySummary], is_size_known: bool) -> BudgetCheck {
        let (peak_low_bytes, peak_high_bytes) = (
            most(after, |summary| summary.peak_low_bytes.high),
            most(after, |summary| summary.known_peak_high_bytes.high),
        );
        BudgetCheck {
            peak_low_bytes,
            peak_high_bytes,
            budget_bytes: self.budget_bytes(),
            is_kept: is_size_known.then(|| peak_high_bytes <= self.budget_bytes()),
            unbounded_lists: after.iter().map(|summary| summary.unbounded_lists).sum(),
        }
    }

    /// The comparison on the apiserver with most LISTs that a change matches, with the clients that are worse off on others.
    pub(super) fn compare_servers(
        &self,
        (config, targets): (&Config, &[String]),
        scenario: &Scenario,
        (servers, before): (&[RecordedServer], &[ReplaySummary]),
        after: &[ReplaySummary],
    ) -> ServerComparison {
        let matches: Vec<CandidateMatch> = servers
            .iter()
            .map(|server| {
                let matched = match_candidate(config, scenario, server, self.recorded, self.settings);
                CandidateMatch { target_clients: targets.to_vec(), ..matched }
            })
            .collect();
        let busiest = (0..matches.len()).max_by_key(|index| matches[*index].list_count).unwrap_or_default();
        let compared = |index: usize| compare(&before[index], &after[index], &matches[index], TOLERATED_SECS);
        let mut comparison = compared(busiest);
        for index in (0..matches.len()).filter(|index| *index != busiest) {
            let is_known = |client: &str| comparison.regressed.iter().any(|known| known.client == client);
            let mut others = compared(index).regressed;
            others.retain(|other| !is_known(&other.client));
            if others.iter().any(|other| !other.is_target) && comparison.effect == Effect::Helps {
                comparison.effect = Effect::HelpsButHurts;
            }
            comparison.regressed.extend(others);
        }
        let apiserver = servers[busiest].apiserver.clone().filter(|_| servers.len() > 1);
        ServerComparison { apiserver, comparison }
    }

    /// Clients of which no storm was found, and that wait longer than they may, and longer than under any seed before.
    pub(super) fn find_slow(&self, before: &[ReplaySummary], after: &[ReplaySummary]) -> Vec<SlowClient> {
        let storming: BTreeSet<&str> = self
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
            .filter_map(|finding| finding.culprit.client())
            .collect();
        let longest = |summaries: &[ReplaySummary], client: u32| {
            let groups =
                summaries.iter().flat_map(|summary| &summary.groups).filter(|group| group.client_index == client);
            groups.fold(Spread::default(), |longest, group| longest.or_more(group.wait_max_secs))
        };
        let max_wait = self.limits.max_wait_secs;
        let clients: BTreeMap<u32, &str> = after
            .iter()
            .flat_map(|summary| &summary.groups)
            .map(|group| (group.client_index, group.client.as_str()))
            .collect();
        let slow =
            clients.into_iter().filter(|(_, client)| !storming.contains(client)).filter_map(|(index, client)| {
                let (was, is) = (longest(before, index), longest(after, index));
                (is.mid > max_wait && is.mid > was.high + 0.1).then(|| SlowClient {
                    client: client.to_owned(),
                    wait_max_before_secs: was.mid,
                    wait_max_secs: is.mid,
                })
            });
        slow.collect()
    }
}

/// The highest value of all apiservers.
pub(super) fn most(summaries: &[ReplaySummary], of: fn(&ReplaySummary) -> f64) -> f64 {
    summaries.iter().map(of).fold(0.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "counts, and sizes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}
