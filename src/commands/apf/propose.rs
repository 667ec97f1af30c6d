//! `apf propose`: candidates against the logs' storms, each tried on the logged requests before it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::dimensions::Dimensions;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::report::{format, write_as, write_text};
use super::super::settings::Settings;
use super::super::storms::{self, found};
use super::super::{Advice, Interrupt};
use super::recorded::{Law, Recorded, RecordedServer, record};
use super::replays::{check, client_names, logged_side, scenario_with};
use super::tries::{Around, Tried, most};
use super::{origin_words, version_words};
use crate::apf::lint::{LintFinding, LintInput, LintSeverity, lint};
use crate::apf::{Config, validate};
use crate::audit::Stage;
use crate::candidates::{
    Candidate, Declined, Draft, Requests, Situation, candidate_evidence, comments, draft, flow_schema_yaml,
    kustomization_yaml, priority_level_yaml, reachable,
};
use crate::cli::{FormatName, ProposeArgs, ReportFormat};
use crate::console::Console;
use crate::findings::{Finding, Presence};
use crate::memory::Held;
use crate::report::{
    ManifestFile, Proposal, ProposeReport, SCHEMA_VERSION, ServerFacts, Together, TriedSize, limit_words,
};
use crate::requests::Tally;
use crate::simulation::{Side, doubt};
use crate::tables::TypedRow;
use crate::units;

/// A limit for more LISTs than this is none.
const MOST_LISTS: u32 = 200;
/// A candidate that rejects more than this part of what it catches costs its client dearly.
const DEAR_SHARE: f64 = 0.1;

pub(super) fn run(args: &ProposeArgs, console: Console) -> Result<()> {
    let format = format(&args.output)?.of_report();
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let reading = Reading::of(&args.inputs, &args.logs, console)?;
    let database = &reading.database;
    let (dimensions, recorded, rows) = reading.run(async {
        let law = Law::of(&args.replay);
        let (dimensions, recorded) = record(database, &settings, &storms::wanted(), &[Presence::QUERY], law).await?;
        let rows = storms::rows(database, &dimensions, None).await?;
        Ok((dimensions, recorded, rows))
    })?;
    let (tally, opened) = (reading.tally(), &reading.opened);
    if tally.events() > 0 {
        check(&recorded)?;
        let findings = found(&rows, &tally, opened.logs.window.from);
        let proposing = Proposing {
            terms: Terms {
                memory_budget: args.memory_budget,
                max_wait_secs: args.max_wait.as_secs_f64(),
                includes_system: args.include_system,
                seeds: args.replay.seeds,
                memory_base: args.replay.memory_base,
            },
            settings: &settings,
            dimensions: &dimensions,
            recorded: &recorded,
            findings: &findings,
            tally: &tally,
            interrupt: reading.interrupt(),
        };
        let proposed = proposing.report()?;
        if let Some(folder) = &args.out {
            write(folder, &proposed, args.force, console)?;
        }
        show(&proposed, args, format, console)?;
    }
    report(opened, &tally, args.logs.strict, console)
}

/// Writes the report; the manifests alone where `format` is none of a report.
fn show(proposed: &ProposeReport, args: &ProposeArgs, format: Option<ReportFormat>, console: Console) -> Result<()> {
    if let Some(format) = format {
        return write_as(proposed, |zone| proposed.page(zone), format, &args.output, console);
    }
    let manifests = proposed.proposals.iter().flat_map(|proposal| &proposal.manifests);
    let texts: Vec<&str> = manifests.map(|manifest| manifest.text.trim_end()).collect();
    if texts.is_empty() {
        console.note("there is no candidate, and so no manifest: --format table says why");
        return Ok(());
    }
    write_text(&texts.join("\n---\n"), args.output.output.as_deref(), console)
}

/// Writes the manifests, one file each, and a kustomization of them.
fn write(folder: &Path, proposed: &ProposeReport, force: bool, console: Console) -> Result<()> {
    let manifests: Vec<&ManifestFile> = proposed.proposals.iter().flat_map(|proposal| &proposal.manifests).collect();
    if manifests.is_empty() {
        console.note(&format!("there is no candidate, and nothing is written to {}", folder.display()));
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
    console.note(&format!("the manifests are written to {}", folder.display()));
    Ok(())
}

/// What candidates have to keep to, and how they are tried.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Terms {
    /// What LISTs may hold at once, in bytes.
    pub(in crate::commands) memory_budget: u64,
    /// How long clients without a storm may wait because of a candidate, in seconds.
    pub(in crate::commands) max_wait_secs: f64,
    /// Whether nodes and kube-system may be limited.
    pub(in crate::commands) includes_system: bool,
    /// How often each is replayed.
    pub(in crate::commands) seeds: u64,
    /// What the server holds without LISTs, in bytes, where that is known.
    pub(in crate::commands) memory_base: Option<u64>,
}

/// All that proposals rest on.
pub(in crate::commands) struct Proposing<'p> {
    pub(in crate::commands) terms: Terms,
    pub(in crate::commands) settings: &'p Settings,
    pub(in crate::commands) dimensions: &'p Dimensions,
    pub(in crate::commands) recorded: &'p Recorded,
    pub(in crate::commands) findings: &'p [Finding],
    pub(in crate::commands) tally: &'p Tally,
    pub(in crate::commands) interrupt: Interrupt,
}

fn tried_size(tried: &Tried, best: &Tried) -> TriedSize {
    let plan = tried.candidate.plan;
    TriedSize {
        plan: Some(plan),
        peak_low_bytes: tried.peak_low_bytes,
        peak_high_bytes: tried.peak_high_bytes,
        caught_rejected: Some(tried.caught_rejected),
        caught_wait_p99_secs: Some(tried.caught_wait_p99_secs),
        slow: tried.slow.len(),
        hurt: tried.comparison.hurt.iter().filter(|hurt| !hurt.is_meant).map(|hurt| hurt.client.clone()).collect(),
        is_chosen: plan == best.candidate.plan,
    }
}

impl Proposing<'_> {
    pub(in crate::commands) fn report(&self) -> Result<ProposeReport> {
        let requests = self.requests();
        let situation = Situation {
            config: &self.recorded.flows.config,
            features: &self.recorded.flows.features,
            server_concurrency: self.settings.flows.server_concurrency,
            requests: &requests,
            findings: self.findings,
            includes_system: self.terms.includes_system,
        };
        let (drafts, mut declined) = draft(&situation);
        let (mut proposals, mut chosen, mut meant) = (Vec::new(), Config::default(), Vec::new());
        let (today, doubt) = if drafts.is_empty() { (Vec::new(), None) } else { self.today()? };
        for draft in &drafts {
            match self.proposal(draft, &situation, &chosen, doubt.is_some())? {
                Ok((proposal, candidate)) => {
                    chosen = chosen.with(&candidate.config());
                    meant.extend(draft.clients.iter().cloned());
                    proposals.push(proposal);
                }
                Err(reason) => declined.extend(
                    draft.findings.iter().map(|place| Declined::new(*place, &self.findings[*place], reason.clone())),
                ),
            }
        }
        let together = if proposals.is_empty() { None } else { Some(self.together(&chosen, &meant, &today)?) };
        if let Some(together) = &together {
            say_together(&mut proposals, together);
        }
        Ok(ProposeReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts {
                version: version_words(self.dimensions.server.version),
                server_concurrency: self.settings.flows.server_concurrency,
                configuration: origin_words(self.recorded.flows.origin).to_owned(),
            },
            memory_budget_bytes: self.terms.memory_budget,
            max_wait_secs: self.terms.max_wait_secs,
            seeds: self.terms.seeds,
            doubt,
            proposals,
            declined,
            together,
            notes: self.notes(),
        })
    }

    /// The log's requests by client, and what they are to API Priority and Fairness.
    fn requests(&self) -> Vec<Requests<'_>> {
        let recorded = self.recorded;
        let mut parts: BTreeMap<(u32, u32), Part> = BTreeMap::new();
        for server in &recorded.servers {
            let storms = self.storms_by_client(server);
            for request in &server.traffic.requests {
                let part = parts.entry((request.kind, request.client)).or_default();
                part.count += 1;
                for (place, span) in storms.get(&request.client).into_iter().flatten() {
                    if span.contains(&request.received_ns) {
                        *part.storms.entry(*place).or_default() += 1;
                    }
                }
                if let Some(list) = request.list {
                    part.take(server.traffic.lists[list as usize]);
                }
            }
        }
        let (config, limits) = (&recorded.flows.config, &recorded.flows.limits);
        let classifier = recorded.flows.classifier(config, limits, &self.dimensions.known_sizes);
        let requests = parts.into_iter().filter_map(|((kind, client), part)| {
            let (digest, row) = (&recorded.flows.digests[kind as usize].1, &recorded.flows.rows[kind as usize]);
            let (client_type, name) = recorded.clients.get(client as usize)?;
            Some(Requests {
                kind,
                storms: part.storms.into_iter().collect(),
                digest,
                flow_schema: &row.flow_schema,
                client_type: client_type.name(),
                client: name,
                count: part.count,
                is_list: part.is_list && !digest.has_name,
                seats: classifier.seats(digest, ""),
                held: part.held,
            })
        });
        requests.collect()
    }

    /// The storms of each client on an apiserver, and their spans in its time.
    fn storms_by_client(&self, server: &RecordedServer) -> BTreeMap<u32, Vec<(usize, std::ops::RangeInclusive<u64>)>> {
        let mut storms: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        let nanos = |at: i64| u64::try_from(at - server.began_micros).unwrap_or_default().saturating_mul(1_000);
        for (place, finding) in self.findings.iter().enumerate() {
            let is_of = |(client_type, client): &(crate::clients::ClientType, String)| {
                (client_type.name(), client) == (finding.client_type.as_str(), &finding.client)
            };
            if let Some(client) = (0..).zip(&self.recorded.clients).find_map(|(at, client)| is_of(client).then_some(at))
            {
                let span = nanos(finding.started_at)..=nanos(finding.ended_at);
                storms.entry(client).or_default().push((place, span));
            }
        }
        storms
    }

    /// The size of a draft that does best, with its manifests; or why there is none.
    fn proposal(
        &self,
        draft: &Draft,
        situation: &Situation<'_>,
        chosen: &Config,
        is_doubtful: bool,
    ) -> Result<Result<(Proposal, Candidate), String>> {
        if let Some(held) = draft.held.filter(|held| held.each.low > self.terms.memory_budget) {
            return Ok(Err(format!(
                "one of its LISTs alone holds at least {}, more than the budget of {}: no limit can help against that",
                units::bytes(held.each.low),
                units::bytes(self.terms.memory_budget)
            )));
        }
        let around = self.around(draft, chosen)?;
        let all = reachable(draft, situation, MOST_LISTS, self.list_secs(draft, &around.servers));
        let mut tried: Vec<Tried> = Vec::new();
        for candidate in self.worth_trying(draft, all) {
            // A size that holds nothing back is as good as all larger ones.
            if tried.last().is_some_and(|last| !last.holds_back()) {
                break;
            }
            if validate(&candidate.config()).is_empty() {
                tried.push(self.try_out(draft, (candidate, chosen), &around)?);
            }
        }
        let Some(best) = self.best(draft, &tried) else {
            return Ok(Err("no priority level that the server would take lets even one of its LISTs run".to_owned()));
        };
        if !best.helps() {
            let sizes = if tried.len() == 1 {
                "the only size".to_owned()
            } else {
                format!("the best of {} sizes", tried.len())
            };
            return Ok(Err(format!("{sizes} of a limit {}", best.comparison.sentence)));
        }
        let mut proposal = self.describe(draft, situation, best, &around, is_doubtful);
        proposal.tried = vec![as_it_is(&around.before)];
        proposal.tried.extend(tried.iter().map(|tried| tried_size(tried, best)));
        Ok(Ok((proposal, best.candidate.clone())))
    }

    /// What all of the log comes to as the server is, and where that isn't what the log shows.
    fn today(&self) -> Result<(Vec<Side>, Option<String>)> {
        let current = scenario_with(None, self.recorded, self.dimensions, self.settings);
        let sides = self.sides_of(&self.recorded.servers, &current)?;
        let clients = client_names(self.recorded);
        let doubts = self
            .recorded
            .servers
            .iter()
            .zip(&sides)
            .filter_map(|(server, now)| doubt(&logged_side(server, &current, self.memory(), &clients).0, now));
        let doubt = doubts.reduce(|one, other| format!("{one}; {other}"));
        Ok((sides, doubt))
    }

    fn describe(
        &self,
        draft: &Draft,
        situation: &Situation<'_>,
        best: &Tried,
        around: &Around,
        is_doubtful: bool,
    ) -> Proposal {
        let candidate = &best.candidate;
        let unbounded: u64 = best.sides.iter().map(|side| side.unbounded_lists).sum();
        let keeps = draft.held.map(|_| best.peak_high_bytes <= self.budget());
        let lint = self.lint(&candidate.config());
        let mut doubts = self.doubts(draft, best, &lint, around);
        if is_doubtful {
            doubts.push("the replay of the server as it is isn't what happened".to_owned());
        }
        let is_low = is_doubtful || best.rejected_share() > 0.5;
        let mut verified = vec![format!(
            "replayed around the storm, from {} to {}, with {} seeds, it {}",
            units::second(around.span.0),
            units::second(around.span.1),
            self.terms.seeds,
            best.comparison.sentence
        )];
        verified.push(format!(
            "of the requests that it catches then, {} of {} are rejected; of those that wait, 99 of 100 do for up to {:.1} s",
            units::count(rounded(best.caught_rejected)),
            units::count(best.caught_requests),
            best.caught_wait_p99_secs
        ));
        verified.push(limit_words((best.peak_low_bytes, best.peak_high_bytes), self.budget(), keeps, unbounded));
        let confidence = confidence(&doubts, is_low);
        verified.push(format!("confidence: {confidence}"));
        let unknowns: BTreeSet<&String> =
            draft.findings.iter().flat_map(|place| &self.findings[*place].unknowns).collect();
        verified.extend(unknowns.into_iter().map(|unknown| format!("the log can't tell: {unknown}")));
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
            unbounded_lists: unbounded,
            tried: Vec::new(),
            lists_at_once_before: most(&around.before, |side| side.most_lists.mid),
            lists_at_once: most(&best.sides, |side| side.most_lists.mid),
            caught_lists_at_once: best.caught_lists,
            slow: best.slow.clone(),
            confidence,
            remedies: self.remedies(draft),
            lint,
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

    /// Why a candidate can't be trusted further.
    fn doubts(&self, draft: &Draft, best: &Tried, lint: &[LintFinding], around: &Around) -> Vec<String> {
        let mut doubts = Vec::new();
        let mut doubt = |is_so: bool, words: &str| {
            if is_so {
                doubts.push(words.to_owned());
            }
        };
        doubt(lint.iter().any(|finding| finding.rule == VITAL_RULE), "it catches what a cluster lives by");
        doubt(best.peak_high_bytes > self.budget() && draft.held.is_some(), "it may not keep within the budget");
        doubt(draft.held.is_none(), "what its LISTs hold isn't known");
        doubt(draft.held.is_some() && draft.has_unbounded, "some of its LISTs are of unknown size");
        let unbounded: u64 = best.sides.iter().map(|side| side.unbounded_lists).sum();
        doubt(!draft.has_unbounded && unbounded > 0, "some LISTs of others are of unknown size");
        let before = most(&around.before, |side| side.known_peak_high_bytes.high);
        doubt(best.peak_high_bytes > 1.05 * before, "all LISTs together hold more with it, as others get on faster");
        doubt(draft.caught.iter().any(|caught| !caught.is_meant), "it catches others too");
        let share = best.rejected_share();
        doubt(share > 0.5, "most of what it catches is rejected");
        doubt(share > DEAR_SHARE && share <= 0.5, "more than a tenth of what it catches is rejected");
        let max_wait = self.terms.max_wait_secs;
        doubt(best.caught_wait_p99_secs > max_wait, "some of what it catches waits longer than --max-wait");
        doubt(draft.list_seats.0 != draft.list_seats.1, "the seats of its LISTs are a range");
        doubt(self.settings.flows.config.is_none(), "the server's configuration wasn't given");
        doubt(self.dimensions.server.version.is_none(), "the server's version isn't known");
        let has_restart = around.servers.iter().any(|server| !server.traffic.restarts_ns.is_empty());
        let sees_all = self.tally.stages[Stage::RequestReceived as usize] > 0;
        doubt(has_restart && !sees_all, "a server ended meanwhile, and LISTs that it was at left no line");
        doubts
    }

    /// What lint says of a candidate that is more than worth knowing.
    fn lint(&self, change: &Config) -> Vec<LintFinding> {
        let flows = &self.recorded.flows;
        let findings = lint(&LintInput {
            change,
            problems: &validate(change),
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
    fn together(&self, chosen: &Config, meant: &[String], before: &[Side]) -> Result<Together> {
        let scenario = scenario_with(Some(chosen), self.recorded, self.dimensions, self.settings);
        let after = self.sides_of(&self.recorded.servers, &scenario)?;
        let comparison = self.comparison((chosen, meant), &scenario, (&self.recorded.servers, before), &after);
        let (low, high) =
            (most(&after, |side| side.peak_low_bytes.high), most(&after, |side| side.known_peak_high_bytes.high));
        let keeps = high <= self.budget();
        Ok(Together {
            effect: comparison.effect,
            sentence: comparison.sentence,
            hurt: comparison.hurt,
            keeps_within_budget: keeps,
            limit: limit_words(
                (low, high),
                self.budget(),
                Some(keeps),
                after.iter().map(|side| side.unbounded_lists).sum(),
            ),
            peak_high_bytes: high,
            slow: self.slow(before, &after),
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = vec![
            "a candidate is replayed around its own storms, with those above it in force; what else went on then is in its \
             numbers, so that a limit on one client need not keep all within the budget"
                .to_owned(),
            "sizes are those that shares can give, up to a tenth of the server's seats; the one that harms least of those \
             within the budget is chosen, and the least of equals"
                .to_owned(),
            "try it on a server first with kubectl apply --dry-run=server, and look at it with stormglass apf simulate, \
             which says what a replay can't know"
                .to_owned(),
        ];
        if self.dimensions.server.version.is_some_and(|version| version < SERVES_V1) {
            notes.push(
                "flowcontrol.apiserver.k8s.io/v1 is served since 1.29: this server doesn't take the manifests as they are"
                    .to_owned(),
            );
        }
        notes
    }
}

/// What a client's requests of one kind come to.
#[derive(Default)]
struct Part {
    count: u64,
    storms: BTreeMap<usize, u64>,
    is_list: bool,
    held: Option<Held>,
}

impl Part {
    /// Takes one more LIST; the largest counts.
    fn take(&mut self, list: Option<Held>) {
        self.is_list = true;
        self.held = match (self.held, list) {
            (Some(one), Some(other)) => {
                Some(Held { each: one.each.or_more(other.each), slack: one.slack.or_more(other.slack) })
            }
            (one, other) => one.or(other),
        };
    }
}

/// What the storm comes to without the candidate, in the table of sizes.
fn as_it_is(before: &[Side]) -> TriedSize {
    TriedSize {
        plan: None,
        peak_low_bytes: most(before, |side| side.peak_low_bytes.high),
        peak_high_bytes: most(before, |side| side.known_peak_high_bytes.high),
        caught_rejected: None,
        caught_wait_p99_secs: None,
        slow: 0,
        hurt: Vec::new(),
        is_chosen: false,
    }
}

/// How far a candidate can be trusted, and why not further.
fn confidence(doubts: &[String], is_low: bool) -> String {
    let level = match doubts.len() {
        0 => return "high".to_owned(),
        1..=3 if !is_low => "medium",
        _ => "low",
    };
    format!("{level}: {}", doubts.join("; "))
}

/// Adds to each manifest what all candidates come to together.
fn say_together(proposals: &mut [Proposal], together: &Together) {
    let joint = format!("with all candidates of these logs in force, over all of the log, it {}", together.sentence);
    for proposal in proposals {
        for text in proposal.manifests.iter_mut().map(|manifest| &mut manifest.text) {
            *text = format!("{}{text}", comments(&[joint.clone(), together.limit.clone()]));
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

/// The rule of lint for what no candidate should catch.
const VITAL_RULE: &str = "catches-vital-traffic";

/// Since when the API version of the manifests is served.
const SERVES_V1: (u32, u32) = (1, 29);
