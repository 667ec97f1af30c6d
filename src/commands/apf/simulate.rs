//! `apf simulate`: the logged requests under the current configuration and under candidates.

use anyhow::{Result, bail};

use super::super::dimensions::Dimensions;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::settings::Settings;
use super::super::{Advice, Interrupt, show_report};
use super::recorded::{Recorded, RecordedServer, ReplayMode, record};
use super::replays::{
    Change, changes, check, client_names, match_candidate, scenario_with, single, summarize_log, summarize_replays,
};
use super::{origin_words, version_words};
use crate::apf::{Config, LevelKind, NEWEST_KNOWN, PriorityLevel, limits};
use crate::cli::{SimulateArgs, Sweep};
use crate::console::Console;
use crate::report::{
    ApiserverReplay, CandidateReplay, MomentAbove, ReplayNote, SCHEMA_VERSION, ServerFacts, SimulateReport, SweepRow,
    Swept,
};
use crate::simulation::{
    CandidateMatch, Comparison, GroupSummary, ListCapacityBasis, ReplaySummary, Scenario, ServerMemory, Service,
    check_baseline, compare, summarize_replay,
};
use crate::units;

pub(super) fn run(args: &SimulateArgs, console: Console) -> Result<()> {
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let changes = changes(&args.candidate)?;
    let swept = args.sweep.map(|sweep| single(&changes, "--sweep").map(|change| (sweep, change))).transpose()?;
    let reading = Reading::of(&args.inputs, &args.logs, console)?;
    let (dimensions, recorded) =
        reading.run(record(&reading.database, &settings, "", &[], ReplayMode::from_args(&args.replay)))?;
    let (tally, opened) = (reading.tally(), &reading.opened);
    if tally.events() > 0 {
        check(&recorded)?;
        for change in &changes {
            change.check(&recorded.flows.config)?;
        }
        let is_known = |name: &&String| recorded.clients.iter().any(|(_, client)| client == *name);
        if let Some(name) = args.meant.iter().find(|name| !is_known(name)) {
            return Err(Advice {
                message: format!("--meant {name}: no client of these logs is called that"),
                hint: "stormglass clients lists the clients of logs",
            }
            .into());
        }
        let interrupt = reading.interrupt();
        let replayed =
            Replayed { args, settings: &settings, dimensions: &dimensions, recorded: &recorded, interrupt: &interrupt };
        let simulated = replayed.report(&changes, swept)?;
        show_report(&simulated, |report| report.blocks(args.top), args.format, console)?;
    }
    report(opened, &tally, args.logs.strict, console)
}

/// All that replays rest on.
struct Replayed<'r> {
    args: &'r SimulateArgs,
    settings: &'r Settings,
    dimensions: &'r Dimensions,
    recorded: &'r Recorded,
    interrupt: &'r Interrupt,
}

impl Replayed<'_> {
    fn report(&self, changes: &[Change], swept: Option<(Sweep, &Change)>) -> Result<SimulateReport> {
        let scenario = |change: Option<&Config>| scenario_with(change, self.recorded, self.dimensions, self.settings);
        let current = scenario(None);
        let candidates: Vec<(&Change, Scenario)> =
            changes.iter().map(|change| (change, scenario(Some(&change.config)))).collect();
        let servers = self.recorded.servers.iter();
        let apiservers: Vec<ApiserverReplay> =
            servers.map(|server| self.apiserver(server, &current, &candidates)).collect::<Result<_>>()?;
        Ok(SimulateReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts {
                version: version_words(self.dimensions.server.version),
                server_concurrency: self.settings.flows.server_concurrency,
                configuration: origin_words(self.recorded.flows.origin).to_owned(),
            },
            seeds: self.args.replay.seeds,
            memory_limit_bytes: self.args.memory_limit,
            memory_base_bytes: self.args.replay.memory_base,
            apiservers,
            sweep: swept.map(|(sweep, change)| self.sweep(sweep, change, &current)).transpose()?,
            notes: self.notes(),
        })
    }

    fn apiserver(
        &self,
        server: &RecordedServer,
        current: &Scenario,
        candidates: &[(&Change, Scenario)],
    ) -> Result<ApiserverReplay> {
        let clients = client_names(self.recorded);
        let (replay, memory) = (&self.args.replay, self.memory());
        let scenarios: Vec<&Scenario> =
            std::iter::once(current).chain(candidates.iter().map(|(_, scenario)| scenario)).collect();
        let summaries = summarize_replays(server, &scenarios, (replay.seeds, memory), &clients, self.interrupt)?;
        let mut summaries = summaries.into_iter();
        let (logged, above_ns) = summarize_log(server, current, memory, &clients);
        let current = summaries.next().unwrap_or_else(|| summarize_replay(&[], current, &clients));
        let candidates = candidates.iter().zip(summaries).map(|((change, scenario), replay)| {
            let matched = self.match_candidate(&change.config, scenario, server);
            let comparison = compare(&current, &replay, &matched, self.args.tolerate.as_secs_f64());
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
        let matched = match_candidate(change, scenario, server, self.recorded, self.settings);
        CandidateMatch { target_clients: self.args.meant.clone(), ..matched }
    }

    /// What is given of the server's memory.
    fn memory(&self) -> ServerMemory {
        ServerMemory { base: self.args.replay.memory_base.unwrap_or_default(), limit: self.args.memory_limit }
    }

    /// Replays a candidate with other shares, on the apiserver with the most LISTs.
    fn sweep(&self, sweep: Sweep, change: &Change, current: &Scenario) -> Result<Swept> {
        let lists = |server: &&RecordedServer| {
            server.traffic.requests.iter().filter(|request| matches!(request.service, Service::Shared(_))).count()
        };
        let mut rows = Vec::new();
        let Some(server) = self.recorded.servers.iter().max_by_key(lists) else {
            return Ok(Swept { apiserver: None, rows, chosen: None });
        };
        let is_limited = |level: &PriorityLevel| !level.is_exempt();
        if !change.config.priority_levels.iter().any(is_limited) {
            bail!("--sweep needs a priority level to try shares of, and {} has none that is limited", change.name);
        }
        let clients = client_names(self.recorded);
        let (replay, memory) = (&self.args.replay, self.memory());
        let alone = |scenario: &Scenario| -> Result<ReplaySummary> {
            let mut summaries =
                summarize_replays(server, &[scenario], (replay.seeds, memory), &clients, self.interrupt)?;
            Ok(summaries.pop().unwrap_or_else(|| summarize_replay(&[], scenario, &clients)))
        };
        let current = alone(current)?;
        let mut seen = BTreeSet::new();
        for shares in sweep.first..=sweep.last {
            let change = with_shares(&change.config, shares);
            let nominal = nominal_seats(&change, self.recorded, self.settings.flows.server_concurrency);
            // Several numbers of shares come to the same seats.
            if !seen.insert(nominal.clone()) {
                continue;
            }
            let scenario = scenario_with(Some(&change), self.recorded, self.dimensions, self.settings);
            let matched = self.match_candidate(&change, &scenario, server);
            let summary = alone(&scenario)?;
            let comparison = compare(&current, &summary, &matched, self.args.tolerate.as_secs_f64());
            rows.push(summarize_sweep(shares, nominal.iter().sum(), &summary, &comparison, &matched.flow_schemas));
        }
        let chosen = choose_shares(&rows, self.args.memory_limit);
        Ok(Swept { apiserver: server.apiserver.clone(), rows, chosen })
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
        let (settings, recorded) = (self.settings, self.recorded);
        let mut notes = vec![ReplayNote::DrawnFromSeed];
        if recorded.servers.iter().all(|server| server.capacity.basis == ListCapacityBasis::Unlimited) {
            notes.push(ReplayNote::FixedDurations);
        }
        notes.push(if self.args.replay.closed_loop { ReplayNote::ClosedLoop } else { ReplayNote::OpenLoop });
        let uncertain = recorded.flows.rows.iter().filter(|row| row.low_seats != row.high_seats).count();
        if uncertain > 0 {
            notes.push(ReplayNote::UncertainSeats { uncertain, all: recorded.flows.rows.len() });
        }
        if settings.flows.config.is_none() {
            notes.push(ReplayNote::DefaultConfiguration);
        }
        if self.dimensions.server.version.is_none() {
            notes.push(ReplayNote::VersionUnknown { assumed: version_words(Some(NEWEST_KNOWN)).unwrap_or_default() });
        }
        if recorded.left_out > 0 {
            notes.push(ReplayNote::NotReplayed { request_count: recorded.left_out });
        }
        notes.push(ReplayNote::UnloggedWaits);
        if self.args.replay.memory_base.is_none() {
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
fn nominal_seats(change: &Config, recorded: &Recorded, server_concurrency: u32) -> Vec<u32> {
    let after = recorded.flows.config.clone().with(change);
    let limits = limits(&after.priority_levels, server_concurrency, &recorded.flows.features);
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
