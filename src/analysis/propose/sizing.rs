//! Trying out the sizes of a candidate: each replayed around its storm, and which of them does best.

use std::collections::{BTreeMap, BTreeSet};

use super::super::AnalysisError;
use super::super::replay::{RecordedServer, catch, client_names, scenario_with, sides};
use super::{Proposer, SlowClient};
use crate::apf::Config;
use crate::candidates::{Candidate, Draft};
use crate::findings::Severity;
use crate::simulation::{Catch, Comparison, Effect, Memory, Scenario, Service, Side, Spread, compare};

/// What is replayed around a storm, in microseconds.
const BEFORE_MICROS: i64 = 30_000_000;
const AFTER_MICROS: i64 = 60_000_000;
/// As many sizes of a level are tried.
const TRIED: usize = 12;
/// Who waits longer than before by no more than this isn't hurt, in seconds.
const TOLERATED_SECS: f64 = 1.0;

/// A size of a candidate with what its replay came to.
pub(super) struct Tried {
    pub(super) candidate: Candidate,
    pub(super) comparison: Comparison,
    /// The highest lower bound of what LISTs hold, over all seeds and apiservers, in bytes.
    pub(super) peak_low_bytes: f64,
    /// The highest upper bound, of LISTs whose size is known.
    pub(super) peak_high_bytes: f64,
    /// LISTs that it catches and that ran at once, on one apiserver.
    pub(super) caught_lists: f64,
    pub(super) caught_requests: u64,
    pub(super) caught_rejected: f64,
    pub(super) caught_wait_p99_secs: f64,
    pub(super) slow: Vec<SlowClient>,
    pub(super) sides: Vec<Side>,
}

/// The replays that a candidate is measured by.
pub(super) struct Around {
    /// The requests around the storm.
    pub(super) servers: Vec<RecordedServer>,
    /// When they came, in microseconds since 1970.
    pub(super) span: (i64, i64),
    /// What they come to as the server is, with the candidates that are chosen already.
    pub(super) before: Vec<Side>,
}

impl Tried {
    /// The middle of the range of what LISTs hold at the peak.
    pub(super) fn middle_bytes(&self) -> f64 {
        f64::midpoint(self.peak_low_bytes, self.peak_high_bytes)
    }

    pub(super) fn helps(&self) -> bool {
        matches!(self.comparison.effect, Effect::Helps | Effect::HelpsButHurts)
    }

    /// Whether anything that it catches waits or is rejected.
    pub(super) fn holds_back(&self) -> bool {
        self.caught_rejected > 0.0 || self.caught_wait_p99_secs >= 0.05
    }

    pub(super) fn rejected_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts")]
        let caught = self.caught_requests.max(1) as f64;
        self.caught_rejected / caught
    }
}

impl Proposer<'_> {
    /// The requests around a draft's storms, and what they come to without it.
    pub(super) fn around(&self, draft: &Draft, chosen: &Config) -> Result<Around, AnalysisError> {
        let findings = || draft.findings.iter().map(|place| &self.findings[*place]);
        let from = findings().map(|finding| finding.started_at).min().unwrap_or_default() - BEFORE_MICROS;
        let to = findings().map(|finding| finding.ended_at).max().unwrap_or_default() + AFTER_MICROS;
        let servers: Vec<RecordedServer> =
            self.recorded.servers.iter().map(|server| server.between(from, to)).collect();
        let current = scenario_with(Some(chosen), self.recorded, self.dimensions, self.settings);
        let before = self.sides_of(&servers, &current)?;
        Ok(Around { servers, span: (from, to), before })
    }

    /// Of the sizes that keep LISTs within the budget by the upper bound, the one that harms least: others before those whose
    /// storm it is, rejections before waits that are longer than they may be; of equals the one under which LISTs hold
    /// least, then the one with the shortest waits, then the smallest. If none keeps within the budget so, of those
    /// that do by the middle of the range; and if none does that, the one that holds least. Where nothing is known of what
    /// they hold, half as many as at the storm's peak have to do.
    pub(super) fn best<'t>(&self, draft: &Draft, tried: &'t [Tried]) -> Option<&'t Tried> {
        let max_wait = self.limits.max_wait_secs;
        // In steps of a twentieth, a tenth of the budget and a second, as less is no difference.
        let harm = |tried: &Tried| {
            let unmeant = tried.comparison.hurt.iter().filter(|hurt| !hurt.is_meant).count();
            let rejected = (tried.rejected_share() * 20.0).round();
            let held_tenths = (tried.peak_high_bytes / self.budget() * 10.0).round();
            let wait = tried.caught_wait_p99_secs;
            let seats = tried.candidate.plan.nominal_seats;
            (tried.slow.len(), unmeant, rejected, wait > max_wait, held_tenths, wait.round(), seats)
        };
        let order = |a: &&Tried, b: &&Tried| harm(a).partial_cmp(&harm(b)).unwrap_or(std::cmp::Ordering::Equal);
        if draft.held.is_none() {
            let peak = draft.findings.iter().filter_map(|place| self.findings[*place].peak_concurrency).max();
            let half = u32::try_from(peak.unwrap_or_default() / 2).unwrap_or(u32::MAX).max(1);
            let few = tried.iter().filter(move |tried| tried.candidate.plan.lists_at_once.1 <= half);
            return few.clone().filter(|tried| tried.helps()).min_by(order).or_else(|| few.min_by(order));
        }
        let does_more = |tried: &&Tried| tried.helps();
        let within = |of: fn(&Tried) -> f64| tried.iter().filter(move |tried| of(tried) <= self.budget());
        let least = || tried.iter().min_by(|a, b| a.peak_high_bytes.total_cmp(&b.peak_high_bytes));
        within(|tried| tried.peak_high_bytes)
            .filter(does_more)
            .min_by(order)
            .or_else(|| within(Tried::middle_bytes).filter(does_more).min_by(order))
            .or_else(|| tried.iter().filter(does_more).min_by(|a, b| a.peak_high_bytes.total_cmp(&b.peak_high_bytes)))
            .or_else(least)
    }

    /// What LISTs may hold, with what the server holds besides, in bytes.
    pub(super) fn budget(&self) -> f64 {
        float(self.limits.memory_budget.saturating_add(self.memory().base))
    }

    pub(super) fn memory(&self) -> Memory {
        let base = self.limits.memory_base.unwrap_or_default();
        Memory { base, limit: Some(self.limits.memory_budget.saturating_add(base)) }
    }

    /// How long a draft's LISTs take where so many run at once, on the apiserver with most of them, in seconds.
    pub(super) fn list_secs(&self, draft: &Draft, servers: &[RecordedServer]) -> impl Fn(u32) -> Option<f64> {
        let works = |server: &RecordedServer| -> Vec<u64> {
            let all = server.lists.works(server.capacity.likely);
            let caught = server.traffic.requests.iter().filter(|request| draft.kinds.contains(&request.kind));
            let work = |request: &crate::simulation::Request| match request.service {
                Service::Shared(work) => all.get(work as usize).copied(),
                Service::Fixed(service_ns) => Some(service_ns),
            };
            caught.filter_map(work).collect()
        };
        let of_servers = servers.iter().map(|server| (works(server), server.capacity.likely));
        let (works, capacity) = of_servers.max_by_key(|(works, _)| works.len()).unwrap_or_default();
        let mean_secs = float(works.iter().sum()) / float(works.len().max(1) as u64) / 1e9;
        move |at_once| (mean_secs > 0.0).then(|| mean_secs * (f64::from(at_once) / capacity).max(1.0))
    }

    /// Those that may keep within the budget by what one LIST holds, and the smallest in any case; a choice of them if they
    /// are many.
    pub(super) fn worth_trying(&self, draft: &Draft, all: Vec<Candidate>) -> Vec<Candidate> {
        let each = draft.held.map_or(0, |held| held.each.high.unwrap_or(held.each.low));
        let fits = |candidate: &Candidate| {
            u64::from(candidate.plan.lists_at_once.1).saturating_mul(each) <= self.limits.memory_budget
        };
        let fitting = all.iter().filter(|candidate| fits(candidate)).count().max(1);
        let mut few: Vec<Candidate> = Vec::new();
        let step = fitting.div_ceil(TRIED);
        for (place, candidate) in all.into_iter().take(fitting).enumerate() {
            // The small ones differ most, and the largest is the one that harms least.
            if place < TRIED / 2 || place % step == 0 || place + 1 == fitting {
                few.push(candidate);
            }
        }
        few
    }

    pub(super) fn sides_of(&self, servers: &[RecordedServer], scenario: &Scenario) -> Result<Vec<Side>, AnalysisError> {
        let clients = client_names(self.recorded);
        let mut all = Vec::new();
        for server in servers {
            all.extend(sides(server, &[scenario], (self.limits.seeds, self.memory()), &clients, self.interrupt)?);
        }
        Ok(all)
    }

    /// Replays a candidate, with those that are chosen already in force.
    pub(super) fn try_out(
        &self,
        draft: &Draft,
        (candidate, chosen): (Candidate, &Config),
        around: &Around,
    ) -> Result<Tried, AnalysisError> {
        let all = chosen.clone().with(&candidate.config());
        let scenario = scenario_with(Some(&all), self.recorded, self.dimensions, self.settings);
        let after = self.sides_of(&around.servers, &scenario)?;
        let replayed = (around.servers.as_slice(), around.before.as_slice());
        let comparison = self.comparison((&candidate.config(), &draft.clients), &scenario, replayed, &after);
        let schema = &candidate.flow_schema.name;
        let caught = || after.iter().flat_map(|side| &side.groups).filter(|group| group.flow_schema == *schema);
        let lists = after.iter().filter_map(|side| side.schema_lists.get(schema));
        Ok(Tried {
            comparison,
            peak_low_bytes: most(&after, |side| side.peak_low_bytes.high),
            peak_high_bytes: most(&after, |side| side.known_peak_high_bytes.high),
            caught_lists: lists.map(|lists| lists.mid).fold(0.0, f64::max),
            caught_requests: caught().map(|group| group.request_count).sum(),
            caught_rejected: caught().map(|group| group.rejected.all.mid).fold(0.0, |sum, count| sum + count),
            caught_wait_p99_secs: caught().map(|group| group.wait_p99_secs.mid).fold(0.0, f64::max),
            slow: self.slow(&around.before, &after),
            sides: after,
            candidate,
        })
    }

    /// The comparison on the apiserver with most LISTs that a change catches.
    pub(super) fn comparison(
        &self,
        (config, meant): (&Config, &[String]),
        scenario: &Scenario,
        (servers, before): (&[RecordedServer], &[Side]),
        after: &[Side],
    ) -> Comparison {
        let catches: Vec<Catch> = servers
            .iter()
            .map(|server| {
                let catch = catch(config, scenario, server, self.recorded, self.settings);
                Catch { meant: meant.to_vec(), ..catch }
            })
            .collect();
        let busiest = (0..catches.len()).max_by_key(|at| catches[*at].list_count).unwrap_or_default();
        let compared = |at: usize| compare(&before[at], &after[at], &catches[at], TOLERATED_SECS);
        let mut comparison = compared(busiest);
        for at in (0..catches.len()).filter(|at| *at != busiest) {
            let is_new =
                |hurt: &crate::simulation::Hurt| !comparison.hurt.iter().any(|known| known.client == hurt.client);
            let others: Vec<_> = compared(at).hurt.into_iter().filter(is_new).collect();
            if others.iter().any(|hurt| !hurt.is_meant) && comparison.effect == Effect::Helps {
                comparison.effect = Effect::HelpsButHurts;
            }
            comparison.hurt.extend(others);
        }
        if let (Some(name), true) = (&servers[busiest].apiserver, servers.len() > 1) {
            comparison.sentence = format!("{} (on {name}, which has most of its LISTs)", comparison.sentence);
        }
        comparison
    }

    /// Clients of which no storm was found, and that wait longer than they may, and longer than under any seed before.
    pub(super) fn slow(&self, before: &[Side], after: &[Side]) -> Vec<SlowClient> {
        let storming: BTreeSet<&str> = self
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
            .filter_map(|finding| finding.culprit.client())
            .collect();
        let longest = |sides: &[Side], client: u32| {
            let groups = sides.iter().flat_map(|side| &side.groups).filter(|group| group.client_place == client);
            groups.fold(Spread::default(), |longest, group| longest.or_more(group.wait_max_secs))
        };
        let max_wait = self.limits.max_wait_secs;
        let clients: BTreeMap<u32, &str> = after
            .iter()
            .flat_map(|side| &side.groups)
            .map(|group| (group.client_place, group.client.as_str()))
            .collect();
        let slow =
            clients.into_iter().filter(|(_, client)| !storming.contains(client)).filter_map(|(place, client)| {
                let (was, is) = (longest(before, place), longest(after, place));
                (is.mid > max_wait && is.mid > was.high + 0.1).then(|| SlowClient {
                    client: client.to_owned(),
                    wait_max_before_secs: was.mid,
                    wait_max_secs: is.mid,
                })
            });
        slow.collect()
    }
}

/// The most of what each apiserver comes to.
pub(super) fn most(sides: &[Side], of: fn(&Side) -> f64) -> f64 {
    sides.iter().map(of).fold(0.0, f64::max)
}

#[expect(clippy::cast_precision_loss, reason = "counts, and sizes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}
