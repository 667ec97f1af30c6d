//! `apf simulate`: the logged requests under the current configuration and under candidates.

mod report;

use std::collections::BTreeSet;

pub use report::{ApiserverReplay, CandidateReplay, MomentAbove, SimulateReport, SweepRow, Swept};

use super::replay::{
    Change, RecordedServer, RecordedTraffic, ReplayNote, ReplayOptions, client_names, match_candidate, scenario_with,
    summarize_log, summarize_replays,
};
use super::{AnalysisError, SCHEMA_VERSION, ServerFacts, Session};
use crate::apf::{Config, LevelKind, NEWEST_KNOWN, PriorityLevel, compute_limits};
use crate::dimensions::Dimensions;
use crate::simulation::{
    CandidateMatch, Comparison, GroupSummary, ListCapacityBasis, ReplaySummary, Scenario, ServerMemory, Service,
    check_baseline, compare, summarize_replay,
};
use crate::units;

/// What to replay, and what counts as harm.
#[derive(Clone, Debug)]
pub struct SimulateOptions {
    /// The candidates, each by itself.
    pub candidates: Vec<Change>,
    /// What an apiserver's memory is limited to, in bytes.
    pub memory_limit: Option<u64>,
    /// Values of `nominalConcurrencyShares` to try for the first candidate.
    pub sweep: Option<Sweep>,
    /// Clients that the candidates are meant to throttle; empty for those that have a good part of the LISTs that they match.
    pub target_clients: Vec<String>,
    /// Added wait above which a client counts as regressed, in seconds.
    pub tolerated_wait_secs: f64,
    /// How requests are replayed.
    pub replay: ReplayOptions,
}

impl Default for SimulateOptions {
    fn default() -> Self {
        Self {
            candidates: Vec::new(),
            memory_limit: None,
            sweep: None,
            target_clients: Vec::new(),
            tolerated_wait_secs: 1.0,
            replay: ReplayOptions::default(),
        }
    }
}

/// Values of `nominalConcurrencyShares` to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The first.
    pub first: i32,
    /// The last.
    pub last: i32,
}

/// Replays the logged requests under the current configuration and under each candidate.
///
/// # Errors
/// When the logs can't be read, have no event, or nothing in them reached API Priority and Fairness; when a candidate
/// leads nowhere, or a target client isn't in the logs.
pub async fn simulate(session: &Session, options: &SimulateOptions) -> Result<SimulateReport, AnalysisError> {
    let (dimensions, recorded) = RecordedTraffic::read(session, &[], &[], options.replay.mode).await?;
    session.tally_of_events()?;
    recorded.check()?;
    for change in &options.candidates {
        change.check(&recorded.flows.config)?;
    }
    let is_known = |name: &&String| recorded.clients.iter().any(|(_, client)| client == *name);
    if let Some(name) = options.target_clients.iter().find(|name| !is_known(name)) {
        return Err(AnalysisError::UnknownTargetClient(name.clone()));
    }
    Replayed { options, session, dimensions: &dimensions, recorded: &recorded }.report()
}

/// All that replays rest on.
struct Replayed<'r> {
    options: &'r SimulateOptions,
    session: &'r Session,
    dimensions: &'r Dimensions,
    recorded: &'r RecordedTraffic,
}

impl Replayed<'_> {
    fn report(&self) -> Result<SimulateReport, AnalysisError> {
        let (changes, settings) = (&self.options.candidates, self.session.settings());
        let scenario = |change: Option<&Config>| scenario_with(change, self.recorded, self.dimensions, settings);
        let current = scenario(None);
        let candidates: Vec<(&Change, Scenario)> =
            changes.iter().map(|change| (change, scenario(Some(&change.config)))).collect();
        let servers = self.recorded.servers.iter();
        let apiservers: Vec<ApiserverReplay> = servers
            .map(|server| self.apiserver(server, &current, &candidates))
            .collect::<Result<_, AnalysisError>>()?;
        Ok(SimulateReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts::new(self.dimensions, settings, self.recorded.flows.origin),
            seeds: self.options.replay.seeds,
            memory_limit_bytes: self.options.memory_limit,
            memory_base_bytes: self.options.replay.memory_base,
            apiservers,
            sweep: self.sweep(&current)?,
            notes: self.notes(),
        })
    }

    fn apiserver(
        &self,
        server: &RecordedServer,
        current: &Scenario,
        candidates: &[(&Change, Scenario)],
    ) -> Result<ApiserverReplay, AnalysisError> {
        let clients = client_names(self.recorded);
        let (replay, memory) = (&self.options.replay, self.memory());
        let scenarios: Vec<&Scenario> =
            std::iter::once(current).chain(candidates.iter().map(|(_, scenario)| scenario)).collect();
        let summaries =
            summarize_replays(server, &scenarios, (replay.seeds, memory), &clients, self.session.interrupt())?;
        let mut summaries = summaries.into_iter();
        let (logged, above_ns) = summarize_log(server, current, memory, &clients);
        let current = summaries.next().unwrap_or_else(|| summarize_replay(&[], current, &clients));
        let candidates = candidates.iter().zip(summaries).map(|((change, scenario), replay)| {
            let matched = self.match_candidate(&change.config, scenario, server);
            let comparison = compare(&current, &replay, &matched, self.options.tolerated_wait_secs);
            CandidateReplay { name: change.name.clone(), matched, comparison, replay }
        });
        let candidates = candidates.collect();
        Ok(ApiserverReplay {
            apiserver: server.apiserver.clone(),
            mismatch: check_baseline(&logged, &current),
            moments_above: find_moments(&above_ns, server.began_micros),
            request_count: server.traffic.requests.len() as u64,
            list_count: server.traffic.requests.iter().filter(|request| request.list.is_some()).count() as u64,
            first_at: units::second(server.began_micros),
            span_secs: server.span_secs,
            capacity: server.capacity,
            logged,
            current,
            candidates,
        })
    }

    /// The requests that a change matches, and the clients that it is meant to throttle.
    fn match_candidate(&self, change: &Config, scenario: &Scenario, server: &RecordedServer) -> CandidateMatch {
        let matched = match_candidate(change, scenario, server, self.recorded, self.session.settings());
        CandidateMatch { target_clients: self.options.target_clients.clone(), ..matched }
    }

    /// What is given of the server's memory.
    fn memory(&self) -> ServerMemory {
        ServerMemory { base: self.options.replay.memory_base.unwrap_or_default(), limit: self.options.memory_limit }
    }

    /// Replays a candidate with other shares, on the apiserver with the most LISTs.
    fn sweep(&self, current: &Scenario) -> Result<Option<Swept>, AnalysisError> {
        let Some((sweep, change)) = self.options.sweep.zip(self.options.candidates.first()) else { return Ok(None) };
        let lists = |server: &&RecordedServer| {
            server.traffic.requests.iter().filter(|request| matches!(request.service, Service::Shared(_))).count()
        };
        let mut rows = Vec::new();
        let Some(server) = self.recorded.servers.iter().max_by_key(lists) else {
            return Ok(Some(Swept { apiserver: None, rows, chosen: None }));
        };
        let is_limited = |level: &PriorityLevel| !level.is_exempt();
        if !change.config.priority_levels.iter().any(is_limited) {
            return Err(AnalysisError::NothingToSweep(change.name.clone()));
        }
        let clients = client_names(self.recorded);
        let (replay, memory) = (&self.options.replay, self.memory());
        let alone = |scenario: &Scenario| -> Result<ReplaySummary, AnalysisError> {
            let mut summaries =
                summarize_replays(server, &[scenario], (replay.seeds, memory), &clients, self.session.interrupt())?;
            Ok(summaries.pop().unwrap_or_else(|| summarize_replay(&[], scenario, &clients)))
        };
        let current = alone(current)?;
        let mut seen = BTreeSet::new();
        for shares in sweep.first..=sweep.last {
            let change = with_shares(&change.config, shares);
            let nominal = nominal_seats(&change, self.recorded, self.session.settings().apf.server_concurrency);
            // Several numbers of shares come to the same seats.
            if !seen.insert(nominal.clone()) {
                continue;
            }
            let scenario = scenario_with(Some(&change), self.recorded, self.dimensions, self.session.settings());
            let matched = self.match_candidate(&change, &scenario, server);
            let summary = alone(&scenario)?;
            let comparison = compare(&current, &summary, &matched, self.options.tolerated_wait_secs);
            rows.push(summarize_sweep(shares, nominal.iter().sum(), &summary, &comparison, &matched.flow_schemas));
        }
        let chosen = choose_shares(&rows, self.options.memory_limit);
        Ok(Some(Swept { apiserver: server.apiserver.clone(), rows, chosen }))
    }

    fn notes(&self) -> Vec<ReplayNote> {
        let mut notes = Vec::new();
        let recorded = self.recorded;
        let request_count: u64 = recorded.servers.iter().map(|server| server.unknown_service_count).sum();
        if request_count > 0 {
            notes.push(ReplayNote::AssumedDurations { request_count });
        }
        let count: usize = recorded.servers.iter().map(|server| server.traffic.restarts_ns.len()).sum();
        if count > 0 {
            notes.push(ReplayNote::Restarts { count });
        }
        if recorded.implausible > 0 {
            notes.push(ReplayNote::ImplausibleTimes { request_count: recorded.implausible });
        }
        notes.extend(self.assumptions());
        notes
    }

    /// What is assumed where the log doesn't say.
    fn assumptions(&self) -> Vec<ReplayNote> {
        let (settings, recorded) = (self.session.settings(), self.recorded);
        let mut notes = vec![ReplayNote::DrawnFromSeed];
        if recorded.servers.iter().all(|server| server.capacity.basis == ListCapacityBasis::Unlimited) {
            notes.push(ReplayNote::FixedDurations);
        }
        notes.push(if self.options.replay.mode.is_closed_loop { ReplayNote::ClosedLoop } else { ReplayNote::OpenLoop });
        let uncertain = recorded.flows.rows.iter().filter(|row| row.low_seats != row.high_seats).count();
        if uncertain > 0 {
            notes.push(ReplayNote::UncertainSeats { uncertain, all: recorded.flows.rows.len() });
        }
        if settings.apf.config.is_none() {
            notes.push(ReplayNote::DefaultConfiguration);
        }
        if self.dimensions.version.is_none() {
            notes.push(ReplayNote::VersionUnknown { assumed: NEWEST_KNOWN });
        }
        if recorded.left_out > 0 {
            notes.push(ReplayNote::NotReplayed { request_count: recorded.left_out });
        }
        notes.push(ReplayNote::UnloggedWaits);
        if self.options.replay.memory_base.is_none() {
            notes.push(ReplayNote::ListMemoryOnly);
        }
        notes.push(ReplayNote::WatchesAndServers);
        notes
    }
}

/// When LISTs of the log may have held more than the limit.
fn find_moments(above_ns: &[(u64, u64)], began_micros: i64) -> Vec<MomentAbove> {
    let micros = |nanos: u64| i64::try_from(nanos / 1_000).unwrap_or(i64::MAX);
    let moment = |(from, to): &(u64, u64)| MomentAbove {
        from: units::instant(began_micros.saturating_add(micros(*from))),
        to: units::instant(began_micros.saturating_add(micros(*to))),
    };
    above_ns.iter().map(moment).collect()
}

/// The change with other shares for its limited levels.
fn with_shares(change: &Config, shares: i32) -> Config {
    let mut change = change.clone();
    for level in &mut change.priority_levels {
        if let LevelKind::Limited { nominal_concurrency_shares, .. } = &mut level.kind {
            *nominal_concurrency_shares = shares;
        }
    }
    change
}

/// The seats of a change's limited levels.
fn nominal_seats(change: &Config, recorded: &RecordedTraffic, server_concurrency: u32) -> Vec<u32> {
    let after = recorded.flows.config.clone().with(change);
    let limits = compute_limits(&after.priority_levels, server_concurrency, &recorded.flows.features);
    let levels = after.priority_levels.iter().zip(limits);
    let of_change = levels.filter(|(level, _)| !level.is_exempt() && change.priority_level(&level.name).is_some());
    of_change.map(|(_, limits)| limits.nominal).collect()
}

fn summarize_sweep(
    shares: i32,
    seats: u32,
    summary: &ReplaySummary,
    comparison: &Comparison,
    flow_schemas: &[String],
) -> SweepRow {
    let matched: Vec<&GroupSummary> =
        summary.groups.iter().filter(|group| flow_schemas.contains(&group.flow_schema)).collect();
    let most = |of: &dyn Fn(&GroupSummary) -> f64| matched.iter().map(|group| of(group)).fold(0.0, f64::max);
    let others = comparison.regressed.iter().filter(|client| !client.is_target);
    SweepRow {
        nominal_concurrency_shares: shares,
        nominal_seats: seats,
        most_lists: summary.most_lists,
        peak_low_bytes: summary.peak_low_bytes,
        known_peak_high_bytes: summary.known_peak_high_bytes,
        possibly_above_secs: summary.possibly_above_secs,
        unbounded_lists: summary.unbounded_lists,
        caught_rejected: matched.iter().map(|group| group.rejected.all.mid).fold(0.0, |sum, count| sum + count),
        caught_wait_p99_secs: most(&|group| group.wait_p99_secs.mid),
        caught_drain_secs: most(&|group| group.drain_secs.mid),
        regressed: others.map(|client| client.client.clone()).collect(),
    }
}

/// Of the shares that keep what LISTs hold below the limit, those that harm least. Where LISTs are of unknown size, nothing
/// keeps them for sure.
fn choose_shares(rows: &[SweepRow], memory_limit: Option<u64>) -> Option<i32> {
    memory_limit?;
    let keeps = rows.iter().filter(|row| row.possibly_above_secs.high <= 0.0 && row.unbounded_lists == 0);
    let harm = |row: &&SweepRow| (row.regressed.len(), row.caught_rejected, row.caught_wait_p99_secs);
    keeps
        .min_by(|a, b| harm(a).partial_cmp(&harm(b)).unwrap_or(std::cmp::Ordering::Equal))
        .map(|row| row.nominal_concurrency_shares)
}
