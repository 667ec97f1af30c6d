//! Reasons, notes and measurements of an incident in words, each in one place.

use super::{IncidentNote, IncidentReport, MemoryFacts};
use crate::findings::{
    Doubt, IncidentThresholds, MemoryFall, MemoryGrowth, Moment, PolicyVolume, ReturnWave, Support, Victim,
};
use crate::report::counted;
use crate::report::findings::severity_reason;
use crate::report::size_words::estimate_words;
use crate::units::{self, Zone};

/// What speaks for a culprit, in a clause.
pub(super) fn support_words(support: &Support) -> String {
    match support {
        Support::WasCutOff { own, all } if own == all => match all {
            1 => "the one LIST that was cut off was theirs".to_owned(),
            all => format!("all {} LISTs that were cut off were theirs", units::count(*all)),
        },
        Support::WasCutOff { own, all } => {
            format!("{} of the {} LISTs that were cut off were theirs", units::count(*own), units::count(*all))
        }
        Support::MemoryGrewWithItsLists => {
            "measured memory grew most while clients of that type had LISTs in flight".to_owned()
        }
        Support::MemoryFollowsEstimate { correlation } => {
            format!("measured memory follows the estimate (r = {correlation:.2})")
        }
        Support::HadMostInFlight { share } => {
            format!("the clients named had most of what was in flight ({})", units::share(*share))
        }
        Support::HeldEnough => "what was held is enough to matter even by the low end of the estimate".to_owned(),
        Support::NearMemoryLimit { memory_limit, share } => {
            format!(
                "LISTs held at least {} of the memory limit of {}",
                units::share(*share),
                units::bytes(*memory_limit)
            )
        }
        Support::IdentityCertain => "the client is identified with certainty".to_owned(),
    }
}

/// What speaks against a verdict, in a clause.
pub(super) fn doubt_words(doubt: &Doubt, run_up_secs: u32) -> String {
    match doubt {
        Doubt::EndsNotLogged => {
            "the audit policy leaves out ResponseComplete, so nothing is known of what was in flight".to_owned()
        }
        Doubt::MemoryDoesNotFollowEstimate { correlation } => {
            format!(
                "measured memory doesn't rise and fall with what LISTs are estimated to have held (r = {correlation:.2})"
            )
        }
        Doubt::MemoryRoseFarLess { rise_bytes, low_bytes } => format!(
            "measured memory rose by {}, but LISTs are estimated to have held {} at least",
            units::bytes(*rise_bytes),
            units::bytes(*low_bytes)
        ),
        Doubt::MemoryDidNotGrowWithItsLists => {
            "measured memory didn't grow with the LISTs of that type of client".to_owned()
        }
        Doubt::OthersHadMoreInFlight => "other clients together may have had more in flight".to_owned(),
        Doubt::RequestReceivedNotLogged => {
            "LISTs being served at that moment left no line, because the audit policy omits RequestReceived".to_owned()
        }
        Doubt::SizeUnknown => {
            "how much these LISTs held is unknown; give sizes with --metrics or --resource".to_owned()
        }
        Doubt::NoListInFlight => format!("no LIST is logged in the {} before", length_words(run_up_secs)),
        Doubt::SomeSizesUnknown => {
            "the size of some LISTs is unknown; give sizes with --metrics or --resource".to_owned()
        }
        Doubt::HeldTooLittle { high_bytes } => format!(
            "the logged LISTs held at most {}, too little to fill a server by themselves",
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

/// A span of time as prose has it, from microseconds: rounded to the second.
pub(super) fn whole_span(micros: i64) -> String {
    units::span((micros + 500_000).div_euclid(1_000_000) * 1_000_000)
}

/// Names with commas and an `and`; of many, the first few.
pub(super) fn listed<S: AsRef<str>>(names: &[S]) -> String {
    const NAMED: usize = 5;
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= NAMED => format!("{} and {last}", first.join(", ")),
        _ => format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED),
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
        format!(" The server died again {} after it was back.", whole_span(died_at - back_at))
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
pub(super) fn growth_words(memory: &MemoryFacts, is_end: bool, thresholds: &IncidentThresholds) -> String {
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
    let near = if is_end { "In the last" } else { "Within" };
    let of_moment = if is_end { "before the moment" } else { "in the span shown" };
    format!(
        "Measured memory rose to {} {of_moment}; it {fits}. {near} {} it grew by {} in all; {attributed}. Memory that grows while \
         a client has LISTs in flight does not prove that the client is the cause. {}",
        units::bytes(growth.peak_bytes),
        span_words(thresholds.run_up_secs),
        units::bytes(growth.growth_bytes),
        bound_words(growth, thresholds)
    )
}

/// What measured memory says of how much LISTs held.
fn bound_words(growth: &MemoryGrowth, thresholds: &IncidentThresholds) -> String {
    let rise =
        format!("It rose by {} over a base of {}", units::bytes(growth.rise_bytes), units::bytes(growth.base_bytes));
    match growth.at_most_bytes {
        Some(most) => format!(
            "{rise}: with what may have been free in the base ({} of it), LISTs and their garbage held at most {}.",
            units::share(thresholds.free_share),
            units::bytes(most)
        ),
        None => {
            format!("{rise}, as far as the samples show; none is near enough to the peak to bound what LISTs held.")
        }
    }
}

/// That measured memory fell to what a new process has.
pub(super) fn fall_words(fall: &MemoryFall) -> String {
    format!(
        "measured memory fell from {} to {} between {} and {}",
        units::bytes(fall.from_bytes),
        units::bytes(fall.to_bytes),
        units::second(fall.from_at),
        units::second(fall.to_at)
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
        let reason = finding.map(|finding| severity_reason(&finding.severity_reason));
        let reasons: Vec<String> = reason.into_iter().chain(moment.memory_fall.as_ref().map(fall_words)).collect();
        zone.in_sentence(&reasons.join("; "))
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
    fn names_are_listed_until_they_are_too_many() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
        assert_eq!([10_400_000, 10_600_000].map(whole_span), ["10 s", "11 s"]);
    }

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
