//! Reasons, notes and measurements of an incident in words, each in one place.

use super::{IncidentNote, IncidentReport, MemoryFacts};
use crate::findings::{Doubt, IncidentThresholds, Moment, PolicyVolume, ReturnWave, Support, Victim};
use crate::report::counted;
use crate::report::findings::severity_reason;
use crate::report::size_words::estimate_words;
use crate::units::{self, Zone};

/// What speaks for a culprit, in a clause.
pub(super) fn support_words(support: &Support) -> String {
    match support {
        Support::WasCutOff { own, all } if own == all => match all {
            1 => "the one LIST that was cut off was its own".to_owned(),
            all => format!("all {} LISTs that were cut off were its own", units::count(*all)),
        },
        Support::WasCutOff { own, all } => {
            format!("{} of the {} LISTs that were cut off were its own", units::count(*own), units::count(*all))
        }
        Support::MemoryGrewWithItsLists => {
            "measured memory grew most while clients of its type had LISTs in flight".to_owned()
        }
        Support::MemoryFollowsEstimate { correlation } => {
            format!("measured memory follows the estimate (r = {correlation:.2})")
        }
        Support::HadMostInFlight { share } => {
            format!("it had most of what was in flight ({})", units::share(*share))
        }
        Support::HeldEnough => "its LISTs held enough to matter".to_owned(),
        Support::NearMemoryLimit { memory_limit, share } => {
            format!("LISTs held {} of the memory limit of {}", units::share(*share), units::bytes(*memory_limit))
        }
        Support::IdentityCertain => "the client is identified with certainty".to_owned(),
    }
}

/// What speaks against a verdict, in a clause.
pub(super) fn doubt_words(doubt: &Doubt, run_up_secs: u32) -> String {
    match doubt {
        Doubt::MemoryDidNotGrowWithItsLists => "measured memory didn't grow with its LISTs".to_owned(),
        Doubt::OthersHadMoreInFlight => "other clients together had more in flight".to_owned(),
        Doubt::RequestReceivedNotLogged => {
            "LISTs being served at that moment left no line, because the audit policy omits RequestReceived".to_owned()
        }
        Doubt::SizeUnknown => "how much its LISTs held is unknown; give sizes with --metrics or --resource".to_owned(),
        Doubt::NoListInFlight => format!("no LIST is logged in the {} before", length_words(run_up_secs)),
        Doubt::SomeSizesUnknown => {
            "the size of some LISTs is unknown; give sizes with --metrics or --resource".to_owned()
        }
        Doubt::HeldTooLittle { high_bytes } => format!(
            "its logged LISTs held at most {}, too little to fill a server by themselves",
            units::bytes(*high_bytes)
        ),
        Doubt::RoughEstimate => "the estimate is rough; --metrics, --resource and --kube-version narrow it".to_owned(),
        Doubt::IdentityInferred { evidence } => {
            format!("the client is identified only by {}", evidence.split(';').next().unwrap_or(evidence))
        }
    }
}

/// A length of time after "the" or "the last": `minute`, or as [`span_words`] has it.
pub(super) fn length_words(secs: u32) -> String {
    if secs == 60 { "minute".to_owned() } else { span_words(secs) }
}

/// A number of seconds, in minutes where those are whole.
pub(super) fn span_words(secs: u32) -> String {
    match (secs / 60, secs % 60) {
        (minutes @ 1.., 0) => format!("{minutes} min"),
        _ => format!("{secs} s"),
    }
}

/// What happened to a victim.
pub(super) fn victim_words(victim: &Victim) -> String {
    let longest = victim.longest_late_secs.map(|secs| units::number((secs * 10.0).round() / 10.0));
    let late = longest.map_or_else(|| "late".to_owned(), |longest| format!("late (up to {longest} s)"));
    let parts = [
        (victim.late, late.as_str()),
        (victim.rejected, "rejected (429)"),
        (victim.failed, "failed (5xx)"),
        (victim.cut_off, "cut off"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{} {what}", units::count(count))).collect::<Vec<_>>().join("; ")
}

/// How many clients came back when the server did, and which of them stand out.
pub(super) fn wave_words(wave: &ReturnWave, back_at: Option<i64>, thresholds: &IncidentThresholds) -> String {
    let first = wave.clients.iter().min_by(|one, other| one.first_secs.total_cmp(&other.first_secs));
    let first = first.map(|client| format!(" {} came first.", client.client)).unwrap_or_default();
    let most = wave.clients.first().map(|client| {
        format!(
            " {} sent most LISTs, {} from {}.",
            client.client,
            units::count(client.list_count),
            counted(client.instance_count, "instance")
        )
    });
    let heaviest = wave.clients.iter().filter_map(|client| Some((client, client.response_bytes()?)));
    let heaviest = heaviest.max_by_key(|(_, bytes)| bytes.middle()).filter(|(_, bytes)| bytes.middle() > 0);
    let heaviest = heaviest
        .map(|(client, bytes)| format!(" The LISTs of {} returned most, {}.", client.client, estimate_words(bytes)));
    let again = wave.died_again_at.zip(back_at).map(|(died_at, back_at)| {
        let after = units::span((died_at - back_at) / 1_000_000 * 1_000_000);
        format!(" The server died again {after} after it was back.")
    });
    format!(
        "Within {} of the server's first sign of life, {} of {} sent {}.{first}{}{}{}",
        span_words(thresholds.wave_secs),
        counted(wave.instances, "instance"),
        counted(wave.clients.len() as u64, "client"),
        counted(wave.lists, "LIST"),
        most.unwrap_or_default(),
        heaviest.unwrap_or_default(),
        again.unwrap_or_default(),
    )
}

/// How measured memory compares with the estimate.
pub(super) fn growth_words(memory: &MemoryFacts, thresholds: &IncidentThresholds) -> String {
    /// More types of client are in the JSON.
    const NAMED: usize = 3;
    /// Less would be written as 0 %.
    const LEAST_SHARE: f64 = 0.005;
    let growth = &memory.growth;
    if growth.sample_count < 2 {
        return "There are too few samples of measured memory before the moment to compare with the estimate."
            .to_owned();
    }
    let samples = growth.sample_count;
    let fits = match growth.correlation {
        None => "has too few samples, or is too flat, to compare with the estimate".to_owned(),
        Some(r) if r >= thresholds.agreeing_correlation => {
            format!("follows the estimate well (r = {r:.2} over {samples} samples)")
        }
        Some(r) if r >= thresholds.loose_correlation => {
            format!("follows the estimate loosely (r = {r:.2} over {samples} samples)")
        }
        Some(r) => format!("doesn't follow the estimate (r = {r:.2} over {samples} samples)"),
    };
    let shares: Vec<String> = growth
        .by_client_type
        .iter()
        .filter(|(_, share)| *share >= LEAST_SHARE)
        .take(NAMED)
        .map(|(name, share)| format!("{name} {}", units::share(*share)))
        .collect();
    let attributed = if shares.is_empty() {
        "no LIST of known size was in flight at that time".to_owned()
    } else {
        format!("attributed to the clients with LISTs in flight at that time, by what they held: {}", shares.join(", "))
    };
    format!(
        "Measured memory rose to {} before the moment; it {fits}. In the last {} it grew by {} in all; {attributed}. Memory that grows \
         while a client has LISTs in flight does not prove that the client is the cause.",
        units::bytes(growth.peak_bytes),
        length_words(thresholds.run_up_secs),
        units::bytes(growth.growth_bytes)
    )
}

/// Where the measured memory is from.
pub(super) fn source_words(memory: &MemoryFacts) -> String {
    match &memory.series {
        Some(name) => format!("{}, series {name} of {}", memory.file, memory.series_count),
        None => memory.file.clone(),
    }
}

/// What the volume of an audit policy is based on.
pub(super) fn volume_words(volume: &PolicyVolume) -> String {
    let is_logged = |is_logged: bool| if is_logged { "is logged" } else { "is not logged" };
    format!(
        "Based on the requests of this log, with two lines for each LIST, three for each watch and one for anything else, each as long \
         as the mean line of this log ({} bytes). RequestReceived {} now, ResponseStarted {}. What this log's own policy drops is not \
         counted, but probes are, so the figures are rather too high.",
        units::count(volume.line_bytes),
        is_logged(volume.logs_request_received),
        is_logged(volume.logs_response_started)
    )
}

impl IncidentReport {
    /// What shows that an apiserver ended; empty for moments without an end.
    pub(super) fn moment_reason(&self, moment: &Moment, zone: &Zone) -> String {
        let finding = moment.finding.and_then(|index| self.findings.get(index));
        finding.map(|finding| zone.in_sentence(&severity_reason(&finding.severity_reason))).unwrap_or_default()
    }

    /// What else there is to know.
    pub(super) fn note_words(&self, zone: &Zone) -> Vec<String> {
        let words = |note: &IncidentNote| {
            match note {
            IncidentNote::ReadAroundTime => {
                "range: sizes, clients and the server's version come only from the part of the log around --at; the whole log may give \
                 narrower estimates"
                    .to_owned()
            }
            IncidentNote::NearestEnd => {
                let end = self.nearest_end.as_ref().map(|end| zone.second(end.at)).unwrap_or_default();
                format!("no apiserver ended near the time asked for; the nearest end in these logs is at {end}")
            }
            IncidentNote::OtherMoments => {
                let times: Vec<String> = self.other_moments.iter().map(|other| zone.second(other.at)).collect();
                format!("other moments in these logs, for --at: {}", times.join(", "))
            }
        }
        };
        self.notes.iter().map(words).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_in_minutes_where_those_are_whole() {
        assert_eq!([60, 120].map(length_words), ["minute", "2 min"]);
        assert_eq!([45, 60, 90, 120].map(span_words), ["45 s", "1 min", "90 s", "2 min"]);
    }

    #[test]
    fn a_victim_is_told_by_what_happened_to_it() {
        let victim = Victim {
            client_type: "kubelet".to_owned(),
            client: "kubelet".to_owned(),
            requests: 1_300,
            harmed: 1_203,
            late: 1_200,
            rejected: 0,
            failed: 0,
            cut_off: 3,
            longest_late_secs: Some(12.345),
            usual_share: None,
        };
        assert_eq!(victim_words(&victim), "1,200 late (up to 12.3 s); 3 cut off");
    }
}
