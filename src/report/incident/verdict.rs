//! The verdict in three sentences or so: what happened, which client did it, how sure that is; and what to do first.

use super::IncidentReport;
use super::reasons::{doubt_words, fall_words, length_words, listed, span_words, support_words, whole_span};
use crate::findings::{
    Bytes, Certainty, Doubt, Finding, IncidentStep, IncidentSuspect, Kind, MomentKind, RequestEnds, RunningAs,
    ShareBasis,
};
use crate::report::findings::{first_remedy, first_step, visibility};
use crate::report::pressure::held_in_words;
use crate::report::size_words::held_estimate_and_hint;
use crate::report::{capitalized, counted};
use crate::units::{self, Zone};

impl IncidentReport {
    /// What happened, which client did it, how sure that is.
    pub(super) fn verdict_words(&self, zone: &Zone) -> Vec<String> {
        let mut sentences: Vec<String> = visibility::request_ends(&self.visibility).into_iter().collect();
        sentences.extend(visibility::lists(&self.visibility).map(|lists| format!("{lists}.")));
        sentences.extend([self.what_happened(zone), self.who_did_it(), self.how_sure()]);
        sentences
    }

    /// What to do first; `None` where nothing is to be done.
    pub(super) fn first_step_words(&self) -> Option<String> {
        match self.incident.first_step.as_ref()? {
            IncidentStep::StopClient { running_as, finding, others, .. } => {
                let also = match others.as_slice() {
                    [] => String::new(),
                    others => format!(", and likewise {}", listed(others)),
                };
                let stop = format!("{}{also}", stop_words(running_as));
                let remedy = self.findings.get(*finding).and_then(first_remedy);
                Some(remedy.map_or_else(|| stop.clone(), |remedy| format!("{stop}; to fix it: {remedy}")))
            }
            IncidentStep::FixClient { client, finding } => {
                self.findings.get(*finding).and_then(|found| first_step(found, client))
            }
            IncidentStep::LogRequestReceived => Some(
                "log the stage RequestReceived of LISTs, so that LISTs in flight when an apiserver is killed leave a line (the audit \
                 policy is below)"
                    .to_owned(),
            ),
        }
    }

    fn what_happened(&self, zone: &Zone) -> String {
        let moment = &self.moment;
        let server = match &moment.apiserver {
            Some(name) => format!("Apiserver {name}"),
            None => "The apiserver".to_owned(),
        };
        let at = zone.second(moment.at);
        match moment.kind {
            MomentKind::Death => {
                let back = moment.away_micros().map(|away| format!(" and was back {} later", whole_span(away)));
                format!(
                    "{server} died at {at} without shutting down{}; audit logs don't show what killed it{}{}.",
                    back.unwrap_or_default(),
                    moment
                        .memory_fall
                        .as_ref()
                        .map(|fall| zone.in_sentence(&format!(", but {}", fall_words(fall))))
                        .unwrap_or_default(),
                    self.other_deaths(zone)
                )
            }
            MomentKind::PossibleDeath => {
                let reason = self.moment_reason(moment, zone);
                format!("{server} may have died at {at}; a missing piece of its log would look the same ({reason}).")
            }
            MomentKind::Peak if self.visibility.request_ends == RequestEnds::NotLogged => {
                format!("What LISTs held is unknown, and no end of an apiserver can be seen; the log ends at {at}.")
            }
            MomentKind::Peak => {
                let unseen = visibility::server_ends(&self.visibility);
                let died = unseen.unwrap_or_else(|| "No apiserver died in these logs.".to_owned());
                match self.moment.final_peak {
                    Some(_) => format!("{died} LISTs held most at {at}."),
                    None => format!("{died} No LIST in flight is logged either; the log ends at {at}."),
                }
            }
            MomentKind::Asked => {
                if let Some(unseen) = visibility::server_ends(&self.visibility) {
                    return format!("{unseen} The time asked for is {at}.");
                }
                let near = span_words(self.incident.thresholds.asked_near_secs);
                format!("No apiserver died within {near} of {at}, the time asked for.")
            }
        }
    }

    /// That the logs hold other deaths, and when the first few were.
    fn other_deaths(&self, zone: &Zone) -> String {
        const NAMED: usize = 3;
        let deaths = self.other_moments.iter().filter(|other| other.kind == MomentKind::Death);
        let mut others: Vec<i64> = deaths.map(|other| other.at).filter(|at| *at != self.moment.at).collect();
        others.sort_unstable();
        let named: Vec<String> = others.iter().take(NAMED).map(|at| zone.second(*at)).collect();
        match (named.as_slice(), others.len().saturating_sub(NAMED)) {
            ([], _) => String::new(),
            ([one], _) => format!(". These logs hold another such end, at {one}"),
            (named, 0) => format!(". These logs hold other such ends, at {}", named.join(" and ")),
            (named, more) => format!(". These logs hold other such ends, at {} and {more} more", named.join(", ")),
        }
    }

    fn who_did_it(&self) -> String {
        let culprits = self.incident.culprits();
        let Some(first) = culprits.first() else {
            return self.no_culprit();
        };
        let names: Vec<String> =
            culprits.iter().map(|culprit| format!("{} (type {})", culprit.client, culprit.client_type)).collect();
        let lead = match (self.moment.is_end(), culprits.len()) {
            (true, 1) => "The likely culprit is",
            (true, _) => "The likely culprits are",
            (false, _) => "Most of the load came from",
        };
        let main = first.main_finding.and_then(|index| self.findings.get(index));
        // Of several culprits, the sentence that follows is about the first.
        let name = if culprits.len() > 1 { Some(first.client.as_str()) } else { None };
        let deed = main.and_then(|finding| deed_words(finding, name));
        let deed = deed.map(|deed| format!(" {deed}.")).unwrap_or_default();
        format!("{lead} {}.{deed} {}.", listed(&names), self.share_words(&culprits))
    }

    /// What part of the LISTs in flight was the culprits'.
    fn share_words(&self, culprits: &[&IncidentSuspect]) -> String {
        let (subject, whose) = if culprits.len() > 1 { ("They", "theirs") } else { ("It", "its own") };
        let deletes: u64 = culprits.iter().map(|culprit| culprit.deletes).sum();
        let deletes = match deletes {
            0 => String::new(),
            count => format!("; {} of collections (deletecollection) had not ended", counted(count, "deletion")),
        };
        let part = self.near_words(culprits);
        let own: u64 = culprits.iter().map(|culprit| culprit.inflight).sum();
        if own == 0 {
            let lists = units::count(culprits.iter().map(|culprit| culprit.recent_lists).sum());
            return format!(
                "{subject} had no LIST in flight at the last logged peak, but sent {lists} in the last minute{part}{deletes}"
            );
        }
        let all: u64 = self.incident.suspects.iter().map(|other| other.inflight).sum();
        let resource = culprits.first().and_then(|culprit| culprit.resources.first());
        let resource = resource.map(|resource| format!(", mostly of {resource}")).unwrap_or_default();
        let count = match own {
            own if own == all => format!("all {} LISTs in flight", units::count(all)),
            own => format!("{} of the {} LISTs in flight", units::count(own), units::count(all)),
        };
        let held = match held_together(culprits) {
            None => "their size is unknown".to_owned(),
            Some(bytes) => format!("with their garbage they held {}", held_estimate_and_hint(bytes)),
        };
        format!("At the last logged peak, {count} were {whose}{resource}; {held}{part}{deletes}")
    }

    /// The culprits' share of what was in flight near the moment.
    fn near_words(&self, culprits: &[&IncidentSuspect]) -> String {
        let share: f64 = culprits.iter().map(|culprit| culprit.share).sum();
        if share <= 0.0 {
            return String::new();
        }
        let run_up = span_words(self.incident.thresholds.run_up_secs);
        let when =
            if self.moment.is_end() { format!("in the {run_up} before") } else { format!("within {run_up} of it") };
        let of = match self.incident.share_basis {
            ShareBasis::Bytes => format!("what LISTs held {when}"),
            ShareBasis::ListSeconds => format!("the time that LISTs were in flight {when} (their sizes are unknown)"),
        };
        let account = if culprits.len() > 1 { "they account" } else { "it accounts" };
        format!("; {account} for {} of {of}", units::share(share.min(1.0)))
    }

    fn no_culprit(&self) -> String {
        let held = self.held_words();
        let storming = self.incident.storming();
        let open = self.open_words();
        if !storming.is_empty() {
            format!("{}. {}.{open}", self.storming_words(&storming), capitalized(&held))
        } else if self.moment.is_end() && open.is_empty() {
            format!(
                "No client stormed then, as far as the log shows: {held}. The LISTs in the log don't explain this end."
            )
        } else {
            format!("No client stormed then: {held}.{open}")
        }
    }

    /// Whose LISTs and deletions of collections the end cut off, or were going on at the moment.
    fn open_words(&self) -> String {
        let most = self.incident.suspects.iter().max_by_key(|suspect| suspect.cut_off_lists.max(suspect.deletes));
        let Some(most) = most.filter(|suspect| suspect.cut_off_lists + suspect.deletes > 0) else {
            return String::new();
        };
        let resource = most.resources.first().map(|resource| format!(" of {resource}")).unwrap_or_default();
        let what = if most.deletes > 0 {
            format!("{} of collections (deletecollection)", counted(most.deletes, "deletion"))
        } else {
            counted(most.cut_off_lists, "LIST")
        };
        format!(" Most of what was in flight and never ended was {}'s: {what}{resource}.", most.client)
    }

    /// What all LISTs held in the run-up.
    fn held_words(&self) -> String {
        let run_up = length_words(self.incident.thresholds.run_up_secs);
        match self.moment.final_peak {
            None => format!("no LIST was in flight in the {run_up} before"),
            Some(peak) if peak.estimated_bytes.is_none() => {
                let (lists, were) = (counted(peak.inflight, "LIST"), if peak.inflight == 1 { "was" } else { "were" });
                format!("{lists} of unknown size {were} in flight at once in the {run_up} before")
            }
            Some(peak) => {
                let held = held_in_words(&peak);
                format!("the LISTs in flight in the {run_up} before held {held} at their peak")
            }
        }
    }

    /// That clients stormed, none of which held enough to be a culprit.
    fn storming_words(&self, storming: &[&IncidentSuspect]) -> String {
        const NAMED: usize = 3;
        let named: Vec<String> = storming
            .iter()
            .take(NAMED)
            .map(|suspect| format!("{} ({})", suspect.client, units::share(suspect.share)))
            .collect();
        let more = match storming.len().saturating_sub(NAMED) {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let least = units::share(self.incident.thresholds.culprit_share);
        let clients = match storming.len() {
            1 => format!("One client stormed, but it had less than {least} of what was in flight"),
            count => format!("{count} clients stormed, but together they had less than {least} of what was in flight"),
        };
        format!("{clients}: {}{more}", named.join(", "))
    }

    fn how_sure(&self) -> String {
        /// The report lists all further down.
        const NAMED: usize = 2;
        let incident = &self.incident;
        let subject = match (incident.culprits().is_empty(), incident.storming().is_empty()) {
            (false, _) => "Confidence in this verdict",
            (true, false) => "Confidence that none of them is to blame",
            (true, true) => "Confidence that no client is to blame",
        };
        let supports = incident.supports.iter().take(NAMED).map(support_words).collect::<Vec<_>>().join("; ");
        let doubts = incident.doubts.iter().take(NAMED).map(|doubt| self.doubt(doubt)).collect::<Vec<_>>().join("; ");
        let name = incident.certainty.name();
        if supports.is_empty() && doubts.is_empty() {
            let why = match (incident.certainty, incident.storming().is_empty()) {
                (Certainty::High, _) => "nothing in the log speaks against it",
                (_, false) => "they stormed, and the log shows no other reason",
                (_, true) => "the log doesn't show enough to rule LISTs out",
            };
            return format!("{subject} is {name}: {why}.");
        }
        let reasons = [("Reasons for it", supports), ("Reasons against it", doubts)].into_iter();
        let reasons = reasons.filter(|(_, words)| !words.is_empty());
        let reasons: String = reasons.map(|(heading, words)| format!(" {heading}: {words}.")).collect();
        format!("{subject} is {name}.{reasons}")
    }

    pub(super) fn doubt(&self, doubt: &Doubt) -> String {
        doubt_words(doubt, self.incident.thresholds.run_up_secs)
    }
}

/// What several suspects held; `None` where the size of none is known, or that of some isn't bounded.
fn held_together(suspects: &[&IncidentSuspect]) -> Option<Bytes> {
    let known = suspects.iter().filter(|suspect| suspect.inflight > 0);
    let mut sum = Bytes { low: 0, high: Some(0) };
    for suspect in known {
        let bytes = suspect.estimated_bytes?;
        let high = bytes.high.filter(|_| suspect.unknown == 0);
        sum = Bytes { low: sum.low + bytes.low, high: sum.high.zip(high).map(|(one, other)| one + other) };
    }
    Some(sum)
}

fn stop_words(running_as: &RunningAs) -> String {
    let identity = match running_as {
        RunningAs::ServiceAccount { namespace, name } => format!("service account {namespace}/{name}"),
        RunningAs::User { name } => format!("user {name}"),
    };
    format!("stop or scale down what runs as {identity}, if it can be spared")
}

/// What a finding shows that a client did, with its `name` where that needs to be said; `None` where the finding is of many
/// clients.
fn deed_words(finding: &Finding, name: Option<&str>) -> Option<String> {
    let long = whole_span(finding.ended_at - finding.started_at);
    let of = name.map(|name| format!(" of {name}")).unwrap_or_default();
    let instances = match finding.instances {
        1 => format!("One instance{of}"),
        count => format!("{} instances{of}", units::count(count)),
    };
    match finding.kind {
        Kind::ListLoop => Some(format!("{instances} repeated the same LIST for {long}")),
        Kind::RetryLoop => Some(format!("{instances} retried failed LISTs without a pause for {long}")),
        Kind::RelistHerd => Some(format!("{instances} listed at the same time, within {long}")),
        Kind::PageStorm => Some(format!("{instances} read page after page for {long}")),
        Kind::UnpaginatedList => Some(format!("{instances} listed whole collections without paging for {long}")),
        Kind::RestartHerd => {
            Some(format!("{} came back together with all other clients after a restart", name.unwrap_or("It")))
        }
        Kind::DeletePileup => Some(format!("{instances} ran deletecollections for {long}")),
        Kind::ApiserverRestart
        | Kind::ListPileup
        | Kind::WatchChurn
        | Kind::DiscoveryLoop
        | Kind::Rejections
        | Kind::WatchPileup
        | Kind::GetFlood
        | Kind::WriteLoop
        | Kind::RefusalLoop => None,
    }
}
