//! `apf propose`: candidates against the logs' storms, each tried on the logged requests before it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::super::dimensions::Dimensions;
use super::super::logs::{open, report};
use super::super::settings::Settings;
use super::super::storms::{self, found};
use super::super::{Advice, Interrupted, show_blocks};
use super::recorded::{Law, Recorded, RecordedServer, record};
use super::replays::{catch, check, client_names, scenario_with, sides};
use super::{origin_words, version_words};
use crate::apf::Config;
use crate::apf::lint::{LintFinding, LintInput, LintSeverity, lint};
use crate::candidates::{
    Candidate, Draft, Pace, Requests, Situation, candidate_evidence, draft, flow_schema_yaml, kustomization_yaml,
    priority_level_yaml, reachable,
};
use crate::cli::{ProposeArgs, ProposeFormat};
use crate::console::Console;
use crate::findings::{Finding, Presence, Severity};
use crate::memory::Held;
use crate::report::{
    ManifestFile, Proposal, ProposeReport, SCHEMA_VERSION, ServerFacts, SlowClient, Together, TriedSize, json,
    limit_words,
};
use crate::simulation::{Comparison, Effect, Memory, Scenario, Service, Side, compare};
use crate::tables::{Database, QuerySet, TypedRow};
use crate::units;

/// What is replayed around a storm, in microseconds.
const BEFORE_MICROS: i64 = 30_000_000;
const AFTER_MICROS: i64 = 60_000_000;
/// As many sizes of a level are tried.
const TRIED: usize = 12;
/// A limit for more LISTs than this is none.
const MOST_LISTS: u32 = 200;

pub(super) fn run(args: &ProposeArgs, console: Console) -> Result<()> {
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let opened = open(&args.inputs, &args.logs, console)?;
    let database = Database::new(&opened.logs, QuerySet::load(None)?, usize::MAX)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let measure = async {
        let law = Law::of(&args.replay);
        let (dimensions, recorded) = record(&database, &settings, &storms::wanted(), &[Presence::QUERY], law).await?;
        let rows = storms::rows(&database, &dimensions, None).await?;
        anyhow::Ok((dimensions, recorded, rows))
    };
    let (dimensions, recorded, rows) = runtime.block_on(async {
        let _shown = console.progress(opened.logs.progress.clone());
        tokio::select! {
            measured = measure => measured,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })?;
    let tally = opened.logs.tally().unwrap_or_default();
    if tally.events() > 0 {
        check(&recorded)?;
        let findings = found(&rows, &tally, opened.logs.window.from);
        let proposing =
            Proposing { args, settings: &settings, dimensions: &dimensions, recorded: &recorded, findings: &findings };
        let proposed = proposing.report()?;
        if let Some(folder) = &args.out {
            write(folder, &proposed, args.force)?;
        }
        show(&proposed, args, console)?;
    }
    report(&opened, &tally, args.logs.strict, console)
}

fn show(proposed: &ProposeReport, args: &ProposeArgs, console: Console) -> Result<()> {
    match args.format {
        ProposeFormat::Json => console.line(&json(proposed)?)?,
        ProposeFormat::Table => show_blocks(proposed.blocks(args.out.as_deref()), console)?,
        ProposeFormat::Yaml => {
            let manifests = proposed.proposals.iter().flat_map(|proposal| &proposal.manifests);
            let texts: Vec<&str> = manifests.map(|manifest| manifest.text.trim_end()).collect();
            if texts.is_empty() {
                console.note("there is no candidate, and so no manifest: --format table says why");
            } else {
                console.line(&texts.join("\n---\n"))?;
            }
        }
    }
    Ok(())
}

/// Writes the manifests, one file each, and a kustomization of them.
fn write(folder: &Path, proposed: &ProposeReport, force: bool) -> Result<()> {
    let manifests: Vec<&ManifestFile> = proposed.proposals.iter().flat_map(|proposal| &proposal.manifests).collect();
    if manifests.is_empty() {
        return Ok(());
    }
    let doing = || format!("can't write to {}", folder.display());
    fs::create_dir_all(folder).with_context(doing)?;
    let names: Vec<String> = manifests.iter().map(|manifest| manifest.file.clone()).collect();
    let evidence = ["Candidates against the storms of a log; each file says what for.".to_owned()];
    let kustomization = kustomization_yaml(&names, &evidence);
    let files = manifests.iter().map(|manifest| (manifest.file.as_str(), manifest.text.as_str()));
    let files: Vec<(&str, &str)> = files.chain([("kustomization.yaml", kustomization.as_str())]).collect();
    if let Some((name, _)) = files.iter().find(|(name, _)| !force && folder.join(name).exists()) {
        return Err(Advice {
            message: format!("{} is there already", folder.join(name).display()),
            hint: "name another folder, or write over it with --force",
        }
        .into());
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).with_context(doing)?;
    }
    Ok(())
}

/// All that proposals rest on.
struct Proposing<'p> {
    args: &'p ProposeArgs,
    settings: &'p Settings,
    dimensions: &'p Dimensions,
    recorded: &'p Recorded,
    findings: &'p [Finding],
}

/// A candidate with what its replay came to.
struct Tried {
    candidate: Candidate,
    comparison: Comparison,
    /// The highest lower bound of what LISTs hold, over all seeds, in bytes.
    peak_low_bytes: f64,
    /// The highest upper bound.
    peak_high_bytes: f64,
    caught_rejected: f64,
    caught_wait_p99_secs: f64,
    slow: Vec<SlowClient>,
    sides: Vec<Side>,
}

impl Tried {
    /// The middle of the range of what LISTs hold at the peak.
    fn middle_bytes(&self) -> f64 {
        f64::midpoint(self.peak_low_bytes, self.peak_high_bytes)
    }
}

fn tried_size(tried: &Tried, best: &Tried) -> TriedSize {
    let plan = tried.candidate.plan;
    TriedSize {
        plan,
        peak_low_bytes: tried.peak_low_bytes,
        peak_high_bytes: tried.peak_high_bytes,
        caught_rejected: tried.caught_rejected,
        caught_wait_p99_secs: tried.caught_wait_p99_secs,
        hurt: tried.comparison.hurt.iter().filter(|hurt| !hurt.is_meant).map(|hurt| hurt.client.clone()).collect(),
        is_chosen: plan == best.candidate.plan,
    }
}

impl Proposing<'_> {
    fn report(&self) -> Result<ProposeReport> {
        let requests = self.requests();
        let situation = Situation {
            config: &self.recorded.flows.config,
            features: &self.recorded.flows.features,
            server_concurrency: self.settings.flows.server_concurrency,
            requests: &requests,
            findings: self.findings,
            includes_system: self.args.include_system,
        };
        let (drafts, mut declined) = draft(&situation);
        let current = scenario_with(None, self.recorded, self.dimensions, self.settings);
        let (mut proposals, mut chosen) = (Vec::new(), Config::default());
        for draft in &drafts {
            match self.proposal(draft, &situation, &current, &chosen) {
                Ok((proposal, candidate)) => {
                    chosen = chosen.with(&candidate.config());
                    proposals.push(proposal);
                }
                Err(reason) => declined.extend(draft.findings.iter().map(|place| {
                    let finding = &self.findings[*place];
                    crate::candidates::Declined {
                        finding: *place,
                        storm: format!("{} of {}", finding.kind.name(), finding.client),
                        reason: reason.clone(),
                        remedies: finding.remedies.clone(),
                    }
                })),
            }
        }
        let broken = proposals
            .iter()
            .flat_map(|proposal| &proposal.lint)
            .find(|finding| finding.severity == LintSeverity::Error);
        if let Some(finding) = broken {
            bail!("a candidate doesn't pass its own lint, which is a defect: {}: {}", finding.object, finding.message);
        }
        let together = (!proposals.is_empty()).then(|| self.together(&chosen, &drafts, &current));
        Ok(ProposeReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts {
                version: version_words(self.dimensions.server.version),
                server_concurrency: self.settings.flows.server_concurrency,
                configuration: origin_words(self.recorded.flows.origin).to_owned(),
            },
            memory_budget_bytes: self.args.memory_budget,
            max_wait_secs: self.args.max_wait.as_secs_f64(),
            seeds: self.args.replay.seeds,
            proposals,
            declined,
            together,
            notes: self.notes(),
        })
    }

    /// The log's requests by client, and what they are to API Priority and Fairness.
    fn requests(&self) -> Vec<Requests<'_>> {
        let recorded = self.recorded;
        let mut counts: BTreeMap<(u32, u32), (u64, Option<Held>, bool)> = BTreeMap::new();
        for server in &recorded.servers {
            for request in &server.traffic.requests {
                let (count, held, is_list) = counts.entry((request.kind, request.client)).or_default();
                *count += 1;
                if let Some(list) = request.list {
                    *is_list = true;
                    let one = server.traffic.lists[list as usize];
                    *held = match (*held, one) {
                        (Some(one), Some(other)) => {
                            Some(Held { each: one.each.or_more(other.each), slack: one.slack.or_more(other.slack) })
                        }
                        (one, other) => one.or(other),
                    };
                }
            }
        }
        let (config, limits) = (&recorded.flows.config, &recorded.flows.limits);
        let classifier = recorded.flows.classifier(config, limits, &self.dimensions.known_sizes);
        let requests = counts.into_iter().filter_map(|((kind, client), (count, held, is_list))| {
            let (digest, row) = (&recorded.flows.digests[kind as usize].1, &recorded.flows.rows[kind as usize]);
            let (client_type, name) = recorded.clients.get(client as usize)?;
            Some(Requests {
                digest,
                flow_schema: &row.flow_schema,
                client_type: client_type.name(),
                client: name,
                count,
                is_list: is_list && !digest.has_name,
                seats: classifier.seats(digest, ""),
                held,
            })
        });
        requests.collect()
    }

    /// The size of a draft that does best, with its manifests.
    fn proposal(
        &self,
        draft: &Draft,
        situation: &Situation<'_>,
        current: &Scenario,
        chosen: &Config,
    ) -> Result<(Proposal, Candidate), String> {
        if let Some(held) = draft.held.filter(|held| held.each.low > self.args.memory_budget) {
            return Err(format!(
                "one of its LISTs alone holds at least {}, more than the budget of {}: no limit can help against that",
                units::bytes(held.each.low),
                units::bytes(self.args.memory_budget)
            ));
        }
        let (from, to) = self.window(draft);
        let servers: Vec<RecordedServer> =
            self.recorded.servers.iter().map(|server| server.between(from, to)).collect();
        let work_secs = self.work_secs(draft, &servers);
        let capacity = servers.first().map_or(f64::INFINITY, |server| server.capacity.likely);
        let pace = |at_once: u32| Pace {
            list_secs: work_secs.map(|secs| secs * (f64::from(at_once) / capacity).max(1.0)),
            max_wait_secs: self.args.max_wait.as_secs_f64(),
        };
        let all = reachable(draft, situation, MOST_LISTS, pace);
        let before = self.sides_of(&servers, current);
        let tried: Vec<Tried> = self
            .worth_trying(draft, all)
            .into_iter()
            .map(|candidate| self.try_out(draft, (candidate, chosen), &servers, &before))
            .collect();
        let Some(best) = self.best(&tried) else {
            return Err("no size of a priority level lets even one of its LISTs run".to_owned());
        };
        if matches!(best.comparison.effect, Effect::DoesNothing | Effect::OnlyHurts) {
            return Err(format!("the best of {} sizes of a limit {}", tried.len(), best.comparison.sentence));
        }
        let mut proposal = self.describe(draft, situation, best, (from, to), &before);
        proposal.tried = tried.iter().map(|tried| tried_size(tried, best)).collect();
        Ok((proposal, best.candidate.clone()))
    }

    /// The smallest that harms least, of those that keep within the budget by the upper bound; if none does, by the middle of
    /// the range; and if none does that, the one that holds least.
    fn best<'t>(&self, tried: &'t [Tried]) -> Option<&'t Tried> {
        let max_wait = self.args.max_wait.as_secs_f64();
        let harm = |tried: &Tried| {
            let unmeant = tried.comparison.hurt.iter().filter(|hurt| !hurt.is_meant).count();
            let waits = tried.caught_wait_p99_secs > max_wait;
            (tried.slow.len(), unmeant, tried.caught_rejected.round(), waits, tried.candidate.plan.nominal_seats)
        };
        let order = |a: &&Tried, b: &&Tried| harm(a).partial_cmp(&harm(b)).unwrap_or(std::cmp::Ordering::Equal);
        let within = |of: fn(&Tried) -> f64| tried.iter().filter(move |tried| of(tried) <= self.budget());
        let least = || tried.iter().min_by(|a, b| a.peak_high_bytes.total_cmp(&b.peak_high_bytes));
        within(|tried| tried.peak_high_bytes)
            .min_by(order)
            .or_else(|| within(Tried::middle_bytes).min_by(order))
            .or_else(least)
    }

    /// What LISTs may hold, with what the server holds besides, in bytes.
    fn budget(&self) -> f64 {
        let memory = self.memory();
        #[expect(clippy::cast_precision_loss, reason = "sizes of which three digits are known")]
        let budget = (self.args.memory_budget + memory.base) as f64;
        budget
    }

    fn memory(&self) -> Memory {
        let base = self.args.replay.memory_base.unwrap_or_default();
        Memory { base, limit: Some(self.args.memory_budget.saturating_add(base)) }
    }

    /// From before a draft's storms until after them.
    fn window(&self, draft: &Draft) -> (i64, i64) {
        let findings = draft.findings.iter().map(|place| &self.findings[*place]);
        let from = findings.clone().map(|finding| finding.started_at).min().unwrap_or_default();
        let to = findings.map(|finding| finding.ended_at).max().unwrap_or_default();
        (from - BEFORE_MICROS, to + AFTER_MICROS)
    }

    /// The work of a draft's LISTs, in seconds that one takes alone: the median; `None` where none ran.
    fn work_secs(&self, draft: &Draft, servers: &[RecordedServer]) -> Option<f64> {
        let clients: Vec<bool> =
            self.recorded.clients.iter().map(|(_, client)| draft.clients.contains(client)).collect();
        let mut works = Vec::new();
        for server in servers {
            let all = server.lists.works(server.capacity.likely);
            works.extend(server.traffic.requests.iter().filter(|request| clients[request.client as usize]).filter_map(
                |request| match request.service {
                    Service::Shared(work) => all.get(work as usize).copied(),
                    Service::Fixed(_) => None,
                },
            ));
        }
        works.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a LIST")]
        works.get(works.len() / 2).map(|work| *work as f64 / 1e9)
    }

    /// Those that may keep within the budget by what one LIST holds, and the smallest in any case; a choice of them if they
    /// are many.
    fn worth_trying(&self, draft: &Draft, all: Vec<Candidate>) -> Vec<Candidate> {
        let each = draft.held.map_or(0, |held| held.each.high.unwrap_or(held.each.low));
        let fits = |candidate: &Candidate| {
            u64::from(candidate.plan.lists_at_once.1).saturating_mul(each) <= self.args.memory_budget
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

    fn sides_of(&self, servers: &[RecordedServer], scenario: &Scenario) -> Vec<Side> {
        let clients = client_names(self.recorded);
        let sides = servers
            .iter()
            .flat_map(|server| sides(server, &[scenario], (self.args.replay.seeds, self.memory()), &clients));
        sides.collect()
    }

    /// Replays a candidate, with those that are chosen already in force.
    fn try_out(
        &self,
        draft: &Draft,
        (candidate, chosen): (Candidate, &Config),
        servers: &[RecordedServer],
        before: &[Side],
    ) -> Tried {
        let config = candidate.config();
        let all = chosen.clone().with(&config);
        let scenario = scenario_with(Some(&all), self.recorded, self.dimensions, self.settings);
        let after = self.sides_of(servers, &scenario);
        let comparison = self.worst_comparison((&config, &draft.clients), &scenario, before, &after);
        let caught = || {
            after.iter().flat_map(|side| &side.groups).filter(|group| group.flow_schema == candidate.flow_schema.name)
        };
        Tried {
            comparison,
            peak_low_bytes: after.iter().map(|side| side.peak_low_bytes.high).fold(0.0, f64::max),
            peak_high_bytes: after.iter().map(|side| side.known_peak_high_bytes.high).fold(0.0, f64::max),
            caught_rejected: caught().map(|group| group.rejected.all.mid).sum(),
            caught_wait_p99_secs: caught().map(|group| group.wait_p99_secs.mid).fold(0.0, f64::max),
            slow: self.slow(before, &after),
            sides: after,
            candidate,
        }
    }

    /// The comparison on the apiserver whose LISTs hold most.
    fn worst_comparison(
        &self,
        (config, meant): (&Config, &[String]),
        scenario: &Scenario,
        before: &[Side],
        after: &[Side],
    ) -> Comparison {
        let mut catch = catch(config, scenario, self.recorded, self.settings);
        catch.meant = meant.to_vec();
        let held = |sides: &(&Side, &Side)| sides.0.known_peak_high_bytes.mid;
        let pairs = before.iter().zip(after);
        let worst = pairs.max_by(|a, b| held(a).total_cmp(&held(b)));
        let (before, after) = worst.unwrap_or((&before[0], &after[0]));
        compare(before, after, &catch, self.args.max_wait.as_secs_f64(), units::bytes)
    }

    /// Clients of which no storm was found, and that wait longer than they may, and longer than before.
    fn slow(&self, before: &[Side], after: &[Side]) -> Vec<SlowClient> {
        let storming: BTreeSet<&str> = self
            .findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
            .map(|finding| finding.client.as_str())
            .collect();
        let longest = |sides: &[Side], client: u32| {
            let groups = sides.iter().flat_map(|side| &side.groups).filter(|group| group.client_place == client);
            groups.map(|group| group.wait_max_secs.mid).fold(0.0, f64::max)
        };
        let max_wait = self.args.max_wait.as_secs_f64();
        let clients: BTreeMap<u32, &str> = after
            .iter()
            .flat_map(|side| &side.groups)
            .map(|group| (group.client_place, group.client.as_str()))
            .collect();
        let slow =
            clients.into_iter().filter(|(_, client)| !storming.contains(client)).filter_map(|(place, client)| {
                let (was, is) = (longest(before, place), longest(after, place));
                (is > max_wait && is > was + 0.1).then(|| SlowClient {
                    client: client.to_owned(),
                    wait_max_before_secs: was,
                    wait_max_secs: is,
                })
            });
        slow.collect()
    }

    fn describe(
        &self,
        draft: &Draft,
        situation: &Situation<'_>,
        best: &Tried,
        (from, to): (i64, i64),
        before: &[Side],
    ) -> Proposal {
        let candidate = &best.candidate;
        let keeps = best.peak_high_bytes <= self.budget();
        let mut verified = vec![format!(
            "replayed {} times from {} to {}, it {}",
            self.args.replay.seeds,
            units::second(from),
            units::second(to),
            best.comparison.sentence
        )];
        verified.push(limit_words((best.peak_low_bytes, best.peak_high_bytes), self.budget()));
        let unbounded = best.sides.iter().map(|side| side.unbounded_lists).sum::<u64>();
        if unbounded > 0 {
            verified.push(format!(
                "{} LISTs of resources of unknown size are not in that: see --metrics and --resource",
                units::count(unbounded)
            ));
        }
        let confidence = self.confidence(draft, keeps, unbounded);
        verified.push(format!("confidence: {confidence}"));
        let evidence = candidate_evidence(draft, candidate, situation, &verified);
        let manifests = vec![
            ManifestFile {
                file: format!("{}.prioritylevelconfiguration.yaml", draft.name),
                text: priority_level_yaml(&candidate.priority_level, &evidence),
            },
            ManifestFile {
                file: format!("{}.flowschema.yaml", draft.name),
                text: flow_schema_yaml(&candidate.flow_schema, &evidence),
            },
        ];
        let lists = |sides: &[Side]| sides.iter().map(|side| side.most_lists.mid).fold(0.0, f64::max);
        Proposal {
            name: draft.name.clone(),
            clients: draft.clients.clone(),
            storms: draft.findings.iter().map(|place| self.findings[*place].summary.clone()).collect(),
            plan: candidate.plan,
            matching_precedence: draft.matching_precedence,
            caught: draft.caught.clone(),
            effect: best.comparison.effect,
            sentence: best.comparison.sentence.clone(),
            hurt: best.comparison.hurt.clone(),
            keeps_within_budget: keeps,
            peak_low_bytes: best.peak_low_bytes,
            peak_high_bytes: best.peak_high_bytes,
            tried: Vec::new(),
            lists_at_once_before: lists(before),
            lists_at_once: lists(&best.sides),
            slow: best.slow.clone(),
            confidence,
            remedies: self.remedies(draft),
            lint: self.lint(&candidate.config()),
            evidence,
            manifests,
        }
    }

    fn remedies(&self, draft: &Draft) -> Vec<String> {
        let mut remedies: Vec<String> = Vec::new();
        for remedy in draft.findings.iter().flat_map(|place| &self.findings[*place].remedies) {
            if !remedies.contains(remedy) {
                remedies.push(remedy.clone());
            }
        }
        remedies
    }

    /// How far a candidate can be trusted, and why not further.
    fn confidence(&self, draft: &Draft, keeps: bool, unbounded: u64) -> String {
        let mut doubts = Vec::new();
        let sure = |place: &usize| self.findings[*place].client_confidence == Some("high");
        if !draft.findings.iter().all(sure) {
            doubts.push("who the client is rests on one sign only");
        }
        if draft.held.is_none_or(|held| held.each.high.is_none()) {
            doubts.push("what its LISTs hold isn't bounded");
        } else if unbounded > 0 {
            doubts.push("some LISTs are of unknown size");
        }
        if draft.list_seats.0 != draft.list_seats.1 {
            doubts.push("the seats of its LISTs are a range");
        }
        if !keeps {
            doubts.push("it may not keep within the budget");
        }
        if draft.caught.iter().any(|caught| !caught.is_meant) {
            doubts.push("it catches others too");
        }
        match doubts.len() {
            0 => "high".to_owned(),
            1 | 2 => format!("medium: {}", doubts.join("; ")),
            _ => format!("low: {}", doubts.join("; ")),
        }
    }

    /// What lint says of a candidate that is more than worth knowing.
    fn lint(&self, change: &Config) -> Vec<LintFinding> {
        let flows = &self.recorded.flows;
        let findings = lint(&LintInput {
            change,
            problems: &[],
            before: &flows.config,
            after: &flows.config.clone().with(change),
            version: self.dimensions.server.version,
            features: flows.features,
            server_concurrency: self.settings.flows.server_concurrency,
            traffic: None,
            demand: &[],
        });
        findings.into_iter().filter(|finding| finding.severity >= LintSeverity::Warning).collect()
    }

    /// All candidates at once, over all of the log.
    fn together(&self, chosen: &Config, drafts: &[Draft], current: &Scenario) -> Together {
        let meant: Vec<String> = drafts.iter().flat_map(|draft| draft.clients.iter().cloned()).collect();
        let scenario = scenario_with(Some(chosen), self.recorded, self.dimensions, self.settings);
        let before = self.sides_of(&self.recorded.servers, current);
        let after = self.sides_of(&self.recorded.servers, &scenario);
        let comparison = self.worst_comparison((chosen, &meant), &scenario, &before, &after);
        let peak = |sides: &[Side]| sides.iter().map(|side| side.known_peak_high_bytes.high).fold(0.0, f64::max);
        Together {
            effect: comparison.effect,
            sentence: comparison.sentence,
            hurt: comparison.hurt,
            keeps_within_budget: peak(&after) <= self.budget(),
            peak_high_bytes: peak(&after),
            slow: self.slow(&before, &after),
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "a candidate is replayed around its own storms, with those above it in force; what else went on then is in its \
             numbers"
                .to_owned(),
            "try it on a server first with kubectl apply --dry-run=server, and look at it with stormglass apf simulate, \
             which says what a replay can't know"
                .to_owned(),
        ];
        if self.settings.flows.config.is_none() {
            notes.push(
                "the current configuration is that of a fresh cluster: give the server's own with --config, as precedences \
                 and shares depend on it"
                    .to_owned(),
            );
        }
        if self.dimensions.server.version.is_some_and(|version| version < SERVES_V1) {
            notes.push(
                "flowcontrol.apiserver.k8s.io/v1 is served since 1.29, so this server can't take the manifests"
                    .to_owned(),
            );
        }
        notes
    }
}

/// Since when the API version of the manifests is served.
const SERVES_V1: (u32, u32) = (1, 29);
