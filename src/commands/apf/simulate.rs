//! `apf simulate`: the logged requests under the current configuration and under candidates.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::super::dimensions::Dimensions;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::report::{check_format, write};
use super::super::settings::Settings;
use super::super::{Advice, Interrupt};
use super::recorded::{Law, Recorded, RecordedServer, record};
use super::replays::{Change, catch, changes, check, client_names, logged_side, scenario_with, sides, single};
use super::{origin_words, version_words};
use crate::apf::{Config, LevelKind, NEWEST_KNOWN, PriorityLevel, limits};
use crate::cli::{SimulateArgs, Sweep};
use crate::console::Console;
use crate::report::{
    ApiserverReplay, CandidateReplay, MomentAbove, SCHEMA_VERSION, ServerFacts, SimulateReport, SweepRow, Swept,
    capacity_words,
};
use crate::simulation::{CapacityBasis, Catch, Comparison, Memory, Scenario, Service, Side, compare, doubt, side};
use crate::units;

pub(super) fn run(args: &SimulateArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let changes = changes(&args.candidate)?;
    let swept = args.sweep.map(|sweep| single(&changes, "--sweep").map(|change| (sweep, change))).transpose()?;
    let reading = Reading::of(&args.inputs, &args.logs, console)?;
    let (dimensions, recorded) = reading.run(record(&reading.database, &settings, "", &[], Law::of(&args.replay)))?;
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
        write(&simulated, |zone| simulated.page(args.top, zone), &args.output, console)?;
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
        let mut sides = sides(server, &scenarios, (replay.seeds, memory), &clients, self.interrupt)?.into_iter();
        let current_side = sides.next().unwrap_or_else(|| side(&[], current, &clients));
        let (logged, above_ns) = logged_side(server, current, memory, &clients);
        let candidates = candidates.iter().zip(sides).map(|((change, scenario), side)| {
            let catch = self.catch(&change.config, scenario, server);
            let Comparison { effect, sentence, hurt, relieved } =
                compare(&current_side, &side, &catch, self.args.tolerate.as_secs_f64());
            CandidateReplay { name: change.name.clone(), effect, sentence, catch, hurt, relieved, side }
        });
        let candidates = candidates.collect();
        Ok(ApiserverReplay {
            apiserver: server.apiserver.clone(),
            doubt: doubt(&logged, &current_side),
            moments_above: moments(&above_ns, server.began_micros),
            request_count: server.traffic.requests.len() as u64,
            list_count: server.traffic.requests.iter().filter(|request| request.list.is_some()).count() as u64,
            first_at: units::second(server.began_micros),
            span_secs: server.span_secs,
            capacity: capacity_words(&server.capacity),
            capacity_low: finite(server.capacity.low),
            capacity_likely: finite(server.capacity.likely),
            capacity_high: finite(server.capacity.high),
            logged,
            current: current_side,
            candidates,
        })
    }

    /// What a change catches, and whom it is for.
    fn catch(&self, change: &Config, scenario: &Scenario, server: &RecordedServer) -> Catch {
        let catch = catch(change, scenario, server, self.recorded, self.settings);
        Catch { meant: self.args.meant.clone(), ..catch }
    }

    /// What is given of the server's memory.
    fn memory(&self) -> Memory {
        Memory { base: self.args.replay.memory_base.unwrap_or_default(), limit: self.args.memory_limit }
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
        let alone = |scenario: &Scenario| -> Result<Side> {
            let mut sides = sides(server, &[scenario], (replay.seeds, memory), &clients, self.interrupt)?;
            Ok(sides.pop().unwrap_or_else(|| side(&[], scenario, &clients)))
        };
        let current_side = alone(current)?;
        let mut seen = BTreeSet::new();
        for shares in sweep.first..=sweep.last {
            let change = with_shares(&change.config, shares);
            let nominal = nominal(&change, self.recorded, self.settings.flows.server_concurrency);
            // Several numbers of shares come to the same seats.
            if !seen.insert(nominal.clone()) {
                continue;
            }
            let scenario = scenario_with(Some(&change), self.recorded, self.dimensions, self.settings);
            let catch = self.catch(&change, &scenario, server);
            let side = alone(&scenario)?;
            let comparison = compare(&current_side, &side, &catch, self.args.tolerate.as_secs_f64());
            rows.push(sweep_row(shares, nominal.iter().sum(), &side, &comparison, &catch.flow_schemas));
        }
        let chosen = chosen(&rows, self.args.memory_limit);
        Ok(Swept { apiserver: server.apiserver.clone(), rows, chosen })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let recorded = self.recorded;
        let unknown: u64 = recorded.servers.iter().map(|server| server.unknown_service_count).sum();
        if unknown > 0 {
            notes.push(format!(
                "{} requests were rejected in the log or have no end in it: they are taken to need as long as others like \
                 them",
                units::count(unknown)
            ));
        }
        let restarts: usize = recorded.servers.iter().map(|server| server.traffic.restarts_ns.len()).sum();
        if restarts > 0 {
            let starts = if restarts == 1 { "a start".to_owned() } else { format!("{restarts} starts") };
            notes.push(format!(
                "the log shows {starts} of an apiserver: what runs then is cut off in each replay, even where the candidate \
                 would have kept the server alive; LISTs that were cut off may be missing from the log"
            ));
        }
        if recorded.implausible > 0 {
            notes.push(format!(
                "requests left out, as their time is years from all others': {}",
                units::count(recorded.implausible)
            ));
        }
        notes.extend(self.assumptions());
        notes
    }

    /// What is taken for given.
    fn assumptions(&self) -> Vec<String> {
        let (settings, recorded) = (self.settings, self.recorded);
        let mut notes = vec![
            "within 10 s, when a server divides its seats anew is in no log: each seed draws it, as it draws the capacity \
             from what is possible"
                .to_owned(),
        ];
        if recorded.servers.iter().all(|server| server.capacity.basis == CapacityBasis::Unlimited) {
            notes.push("LISTs take as long as in the log, though fewer at once would take less".to_owned());
        }
        if !self.args.replay.closed_loop {
            notes.push(
                "requests come when they came in the log, whatever becomes of earlier ones, and nobody tries again what is \
                 rejected; --closed-loop replays clients that do"
                    .to_owned(),
            );
        } else {
            notes.push(
                "every client is taken to try again as client-go does, up to 10 times, which others may not; waits are over all \
                 tries, and pages of one list come when they came in the log"
                    .to_owned(),
            );
        }
        let unsure = recorded.flows.rows.iter().filter(|row| row.low_seats != row.high_seats).count();
        if unsure > 0 {
            notes.push(format!(
                "{} of {} kinds of requests take seats that the log leaves open: every other seed takes the most, the others \
                 the least; see --metrics and --resource",
                units::count(unsure as u64),
                units::count(recorded.flows.rows.len() as u64)
            ));
        }
        if settings.flows.config.is_none() {
            notes.push(
                "the current configuration is that of a fresh cluster: give the server's own with --config".to_owned(),
            );
        }
        if self.dimensions.server.version.is_none() {
            let newest = version_words(Some(NEWEST_KNOWN)).unwrap_or_default();
            notes.push(format!("the server's version is not known; it is replayed as {newest}, see --kube-version"));
        }
        if recorded.left_out > 0 {
            notes.push(format!(
                "{} logged requests are not replayed: they were refused before API Priority and Fairness, pass by it, or in a \
                 closed loop try others again",
                units::count(recorded.left_out)
            ));
        }
        notes.push(
            "waits under half a second, and the limits of priority levels, are in no log; a logged 429 that waited \
             less than it might is taken for queue-full where its level queues, and a request is given 60 s (--request-timeout)"
                .to_owned(),
        );
        if self.args.replay.memory_base.is_none() {
            notes.push(
                "memory is what LISTs hold on top of all else that the server holds: see --memory-base".to_owned(),
            );
        }
        notes.push(
            "a watch holds its seats until it has begun; as its wait is in no log, none is taken to need longer for that than \
             the quickest quarter; each apiserver is replayed by itself, from idle levels on"
                .to_owned(),
        );
        notes
    }
}

/// When LISTs of the log may have held more than the limit.
fn moments(above_ns: &[(u64, u64)], began_micros: i64) -> Vec<MomentAbove> {
    let micros = |nanos: u64| i64::try_from(nanos / 1_000).unwrap_or(i64::MAX);
    let moment = |(from, to): &(u64, u64)| MomentAbove {
        from: units::instant(began_micros.saturating_add(micros(*from))),
        to: units::instant(began_micros.saturating_add(micros(*to))),
    };
    above_ns.iter().map(moment).collect()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
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
fn nominal(change: &Config, recorded: &Recorded, server_concurrency: u32) -> Vec<u32> {
    let after = recorded.flows.config.clone().with(change);
    let limits = limits(&after.priority_levels, server_concurrency, &recorded.flows.features);
    let levels = after.priority_levels.iter().zip(limits);
    let of_change = levels.filter(|(level, _)| !level.is_exempt() && change.priority_level(&level.name).is_some());
    of_change.map(|(_, limits)| limits.nominal).collect()
}

fn sweep_row(shares: i32, seats: u32, side: &Side, comparison: &Comparison, schemas: &[String]) -> SweepRow {
    let caught: Vec<_> = side.groups.iter().filter(|group| schemas.contains(&group.flow_schema)).collect();
    let most =
        |of: &dyn Fn(&crate::simulation::GroupSide) -> f64| caught.iter().map(|group| of(group)).fold(0.0, f64::max);
    SweepRow {
        nominal_concurrency_shares: shares,
        nominal_seats: seats,
        most_lists: side.most_lists,
        peak_low_bytes: side.peak_low_bytes,
        known_peak_high_bytes: side.known_peak_high_bytes,
        possibly_above_secs: side.possibly_above_secs,
        unbounded_lists: side.unbounded_lists,
        caught_rejected: caught.iter().map(|group| group.rejected.all.mid).fold(0.0, |sum, count| sum + count),
        caught_wait_p99_secs: most(&|group| group.wait_p99_secs.mid),
        caught_drain_secs: most(&|group| group.drain_secs.mid),
        hurt: comparison.hurt.iter().filter(|hurt| !hurt.is_meant).map(|hurt| hurt.client.clone()).collect(),
    }
}

/// Of the shares that keep what LISTs hold below the limit, those that harm least. Where LISTs are of unknown size, nothing
/// keeps them for sure.
fn chosen(rows: &[SweepRow], memory_limit: Option<u64>) -> Option<i32> {
    memory_limit?;
    let keeps = rows.iter().filter(|row| row.possibly_above_secs.high <= 0.0 && row.unbounded_lists == 0);
    let harm = |row: &&SweepRow| (row.hurt.len(), row.caught_rejected, row.caught_wait_p99_secs);
    keeps
        .min_by(|a, b| harm(a).partial_cmp(&harm(b)).unwrap_or(std::cmp::Ordering::Equal))
        .map(|row| row.nominal_concurrency_shares)
}
