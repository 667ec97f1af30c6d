//! What a candidate would change, in one sentence: it helps, it helps but hurts someone, or it does nothing, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use super::side::{GroupSide, LevelSide, Side};

/// What a candidate's FlowSchemas catch of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Catch {
    /// The FlowSchemas of the candidate.
    pub flow_schemas: Vec<String>,
    /// Its priority levels.
    pub priority_levels: Vec<String>,
    /// Requests that they catch.
    pub request_count: u64,
    /// LISTs among them.
    pub list_count: u64,
    /// LISTs that they catch, by client.
    pub lists_by_client: BTreeMap<String, u64>,
    /// The clients that it is for; where nobody says, those that have a good part of the LISTs that it catches.
    pub meant: Vec<String>,
    /// Why they catch none, or where they send them, as far as lint can tell.
    pub reasons: Vec<String>,
}

/// How a candidate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The server holds less, and nobody but those who are meant waits longer.
    Helps,
    /// The server holds less, but someone pays for it who isn't meant.
    HelpsButHurts,
    /// Next to nothing changes.
    DoesNothing,
    /// Nothing is better, and someone is worse off.
    OnlyHurts,
}

/// Who is worse off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hurt {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// Whether a good part of the LISTs that the candidate catches is its own, so that it is meant.
    pub is_meant: bool,
    /// Its requests.
    pub request_count: u64,
    /// Requests that are rejected more than before.
    pub more_rejected: f64,
    /// How long 99 of 100 of its requests wait at most, in seconds, in the FlowSchema where that is longest: before.
    pub wait_p99_before_secs: f64,
    /// The same after.
    pub wait_p99_after_secs: f64,
}

/// A candidate beside the current configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// How it does.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// Who is worse off, those who aren't meant first.
    pub hurt: Vec<Hurt>,
    /// Who has fewer requests rejected: client, and by how many.
    pub relieved: Vec<(String, f64)>,
}

/// Less than this part of what it was is less.
const LESS: f64 = 0.9;
/// Where nobody says who is meant, a client is that has at least this part of the LISTs that a candidate catches.
const MEANT_SHARE: f64 = 0.2;

/// Compares a candidate with the current configuration. Who waits longer by more than `tolerated_secs` is worse off, and
/// so is who is rejected more. `bytes` writes a size.
pub fn compare(
    current: &Side,
    candidate: &Side,
    catch: &Catch,
    tolerated_secs: f64,
    bytes: fn(u64) -> String,
) -> Comparison {
    let hurt = hurt(current, candidate, catch, tolerated_secs);
    let is_less = is_less(current, candidate) || holds_back(current, candidate, catch);
    let hurts_others = hurt.iter().any(|hurt| !hurt.is_meant);
    let effect = match (is_less, hurts_others) {
        (true, false) => Effect::Helps,
        (true, true) => Effect::HelpsButHurts,
        (false, true) => Effect::OnlyHurts,
        (false, false) if hurt.is_empty() => Effect::DoesNothing,
        (false, false) => Effect::OnlyHurts,
    };
    let relieved = relieved(current, candidate);
    let numbers = numbers(current, candidate, catch, bytes);
    let sentence = match effect {
        Effect::Helps | Effect::HelpsButHurts => {
            let (held, harmed): (Vec<&Hurt>, Vec<&Hurt>) = hurt.iter().partition(|hurt| hurt.is_meant);
            let mut sentence = match harmed.as_slice() {
                [] => format!("helps: {numbers}"),
                _ => format!("helps but hurts {}: {numbers}", names(&harmed)),
            };
            if !held.is_empty() {
                sentence = format!("{sentence}; it holds back {}", words(&held));
            }
            if !harmed.is_empty() {
                sentence = format!("{sentence}; not meant, but hurt: {}", words(&harmed));
            }
            sentence
        }
        Effect::DoesNothing => format!("does nothing, because {}; {numbers}", why_nothing(current, candidate, catch)),
        Effect::OnlyHurts => {
            let all: Vec<&Hurt> = hurt.iter().collect();
            format!("hurts {} and helps nobody: {numbers}; {}", names(&all), words(&all))
        }
    };
    Comparison { effect, sentence, hurt, relieved }
}

/// Whether the server holds less, is above its limit for less time, or runs fewer LISTs at once.
fn is_less(current: &Side, candidate: &Side) -> bool {
    let is_less = |of: &dyn Fn(&Side) -> f64| of(candidate) < LESS * of(current);
    is_less(&|side| side.peak_low_bytes.mid)
        || is_less(&|side| side.known_peak_high_bytes.mid)
        || is_less(&|side| side.possibly_above_secs.mid)
        || is_less(&|side| side.most_lists.mid)
}

/// Whether fewer LISTs of those who are meant run at once.
fn holds_back(current: &Side, candidate: &Side, catch: &Catch) -> bool {
    let lists = |side: &Side| {
        let meant = side.groups.iter().filter(|group| is_meant(catch, &group.client));
        meant.map(|group| group.most_lists.mid).fold(0.0, f64::max)
    };
    catch.list_count > 0 && lists(candidate) < LESS * lists(current)
}

/// Whether a candidate is for that client.
fn is_meant(catch: &Catch, client: &str) -> bool {
    if !catch.meant.is_empty() {
        return catch.meant.iter().any(|meant| meant == client);
    }
    let caught: u64 = catch.lists_by_client.values().sum();
    ratio(catch.lists_by_client.get(client).copied().unwrap_or_default(), caught.max(1)) >= MEANT_SHARE
}

/// The numbers that tell, after and before.
fn numbers(current: &Side, candidate: &Side, catch: &Catch, bytes: fn(u64) -> String) -> String {
    let held = |side: &Side| {
        let high = bytes(rounded(side.known_peak_high_bytes.mid));
        let more = if side.unbounded_lists > 0 { " or more" } else { "" };
        format!("{} to {high}{more}", bytes(rounded(side.peak_low_bytes.mid)))
    };
    let mut numbers = format!("at most {} at once instead of {}", lists(candidate), whole(current.most_lists.mid));
    let levels = candidate.levels.iter().filter(|level| catch.priority_levels.contains(&level.priority_level));
    let caught = levels.map(|level| level.most_lists.mid).fold(0.0, f64::max);
    if caught > 0.0 && caught < candidate.most_lists.mid {
        numbers = format!("{numbers}, {} of those that it catches", whole(caught));
    }
    if current.known_peak_high_bytes.mid > 0.0 {
        numbers = format!("{numbers}; memory at the peak {} instead of {}", held(candidate), held(current));
    }
    numbers
}

fn lists(side: &Side) -> String {
    match whole(side.most_lists.mid).as_str() {
        "1" => "1 LIST".to_owned(),
        count => format!("{count} LISTs"),
    }
}

fn why_nothing(current: &Side, candidate: &Side, catch: &Catch) -> String {
    if catch.flow_schemas.is_empty() {
        return "it has no FlowSchema that the server would ask".to_owned();
    }
    if catch.request_count == 0 || catch.list_count == 0 {
        let what = if catch.request_count == 0 { "none of the requests" } else { "no LIST" };
        let reasons = if catch.reasons.is_empty() { String::new() } else { format!(": {}", catch.reasons.join("; ")) };
        return format!("{} catches {what}{reasons}", catch.flow_schemas.join(", "));
    }
    let levels = candidate.levels.iter().filter(|level| catch.priority_levels.contains(&level.priority_level));
    let borrowing = levels.clone().find(|level| level.most_limit.mid > f64::from(level.nominal_seats));
    if let Some(level) = borrowing.filter(|level| level.max_seats > level.nominal_seats) {
        return format!(
            "{} borrows: {} seats are its own, but it had up to {}, and {} LISTs ran in it at once; only \
             borrowingLimitPercent: 0 makes its own seats a limit",
            level.priority_level,
            level.nominal_seats,
            whole(level.most_limit.mid),
            whole(level.most_lists.mid)
        );
    }
    if let Some(level) = levels.clone().find(|level| level.most_waiting.mid <= 0.0) {
        return format!(
            "nothing ever waits in {}: {} is enough for all that comes",
            level.priority_level,
            limit(level)
        );
    }
    if current.most_lists.mid <= 1.0 {
        return "LISTs never ran beside each other in the log".to_owned();
    }
    "what it holds back is not what makes the server's peak".to_owned()
}

fn limit(level: &LevelSide) -> String {
    format!("its limit of {} seats", whole(level.most_limit.mid))
}

/// A client's part in one side: rejections, and the longest of the waits of 99 in 100 requests; each in the middle and at
/// most over the seeds.
#[derive(Clone, Copy, Default)]
struct Part {
    requests: u64,
    rejected: f64,
    most_rejected: f64,
    wait_p99: f64,
    most_wait_p99: f64,
}

fn parts(side: &Side) -> BTreeMap<(&str, &str), Part> {
    let mut parts: BTreeMap<(&str, &str), Part> = BTreeMap::new();
    for GroupSide { client_type, client, request_count, rejected, wait_p99_secs, .. } in &side.groups {
        let part = parts.entry((client_type, client)).or_default();
        part.requests += request_count;
        part.rejected += rejected.all.mid;
        part.most_rejected += rejected.all.high;
        part.wait_p99 = part.wait_p99.max(wait_p99_secs.mid);
        part.most_wait_p99 = part.most_wait_p99.max(wait_p99_secs.high);
    }
    parts
}

fn hurt(current: &Side, candidate: &Side, catch: &Catch, tolerated_secs: f64) -> Vec<Hurt> {
    let before = parts(current);
    let hurt = parts(candidate).into_iter().filter_map(|((client_type, client), after)| {
        let before = before.get(&(client_type, client)).copied().unwrap_or_default();
        let more_rejected = after.rejected - before.rejected;
        // What other seeds give without any change is nobody's doing.
        let is_rejected = more_rejected >= 1.0 && after.rejected > before.most_rejected;
        let waits = after.wait_p99 > before.wait_p99 + tolerated_secs && after.wait_p99 > before.most_wait_p99;
        let is_hurt = is_rejected || waits;
        is_hurt.then(|| Hurt {
            client_type: client_type.to_owned(),
            client: client.to_owned(),
            is_meant: is_meant(catch, client),
            request_count: after.requests,
            more_rejected: more_rejected.max(0.0),
            wait_p99_before_secs: before.wait_p99,
            wait_p99_after_secs: after.wait_p99,
        })
    });
    let mut hurt: Vec<Hurt> = hurt.collect();
    hurt.sort_by(|a, b| {
        a.is_meant.cmp(&b.is_meant).then(b.more_rejected.total_cmp(&a.more_rejected)).then(a.client.cmp(&b.client))
    });
    hurt
}

fn relieved(current: &Side, candidate: &Side) -> Vec<(String, f64)> {
    let after = parts(candidate);
    let relieved = parts(current).into_iter().filter_map(|((client_type, client), before)| {
        let now = after.get(&(client_type, client)).copied().unwrap_or_default();
        (before.rejected - now.rejected >= 1.0 && now.most_rejected < before.rejected)
            .then(|| (client.to_owned(), before.rejected - now.rejected))
    });
    let mut relieved: Vec<_> = relieved.collect();
    relieved.sort_by(|a, b| b.1.total_cmp(&a.1));
    relieved
}

fn names(hurt: &[&Hurt]) -> String {
    /// So many are named.
    const NAMED: usize = 3;
    let names: Vec<&str> = hurt.iter().take(NAMED).map(|hurt| hurt.client.as_str()).collect();
    match hurt.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn words(hurt: &[&Hurt]) -> String {
    const NAMED: usize = 3;
    let words = hurt.iter().take(NAMED).map(|hurt| {
        let wait = format!(
            "99 of 100 wait {} s or less (before {} s)",
            tenths(hurt.wait_p99_after_secs),
            tenths(hurt.wait_p99_before_secs)
        );
        match hurt.more_rejected {
            more if more >= 1.0 => {
                format!(
                    "{} ({} more of its {} requests rejected, {wait})",
                    hurt.client,
                    whole(more),
                    hurt.request_count
                )
            }
            _ => format!("{} ({wait})", hurt.client),
        }
    });
    let words: Vec<String> = words.collect();
    match hurt.len().saturating_sub(NAMED) {
        0 => words.join(", "),
        more => format!("{} and {more} more", words.join(", ")),
    }
}

fn whole(value: f64) -> String {
    format!("{:.0}", value.round())
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::super::side::{RejectedSide, Spread};
    use super::*;

    fn exactly(value: f64) -> Spread {
        Spread { low: value, mid: value, high: value }
    }

    fn side(lists: f64, groups: &[(&str, f64, f64)]) -> Side {
        let groups = groups.iter().map(|(client, rejected, wait_p99)| GroupSide {
            client_place: 0,
            client_type: "operator".into(),
            client: (*client).into(),
            flow_schema: "service-accounts".into(),
            priority_level: "workload-low".into(),
            request_count: 100,
            rejected: RejectedSide { all: exactly(*rejected), ..RejectedSide::default() },
            wait_p50_secs: exactly(0.0),
            wait_p99_secs: exactly(*wait_p99),
            wait_max_secs: exactly(*wait_p99),
            took_p50_secs: exactly(0.0),
            took_max_secs: exactly(0.0),
            most_lists: exactly(lists),
            drain_secs: exactly(0.0),
        });
        Side {
            peak_low_bytes: exactly(lists * 1e8),
            peak_high_bytes: Some(exactly(lists * 2e8)),
            known_peak_high_bytes: exactly(lists * 2e8),
            surely_above_secs: exactly(0.0),
            possibly_above_secs: exactly(0.0),
            most_lists: exactly(lists),
            unbounded_lists: 0,
            rejected: RejectedSide::default(),
            groups: groups.collect(),
            levels: Vec::new(),
        }
    }

    fn catch(lists: &[(&str, u64)]) -> Catch {
        Catch {
            flow_schemas: vec!["limit-pods".into()],
            request_count: lists.iter().map(|(_, count)| count).sum(),
            list_count: lists.iter().map(|(_, count)| count).sum(),
            lists_by_client: lists.iter().map(|(client, count)| ((*client).to_owned(), *count)).collect(),
            ..Catch::default()
        }
    }

    fn verdict(current: &Side, candidate: &Side, catch: &Catch) -> Comparison {
        compare(current, candidate, catch, 1.0, |bytes| format!("{} MB", bytes / 1_000_000))
    }

    #[test]
    fn it_helps_if_only_those_wait_who_are_meant() {
        let (before, after) = (
            side(40.0, &[("storm", 0.0, 0.0), ("good", 0.0, 0.0)]),
            side(6.0, &[("storm", 9.0, 12.0), ("good", 0.0, 0.0)]),
        );
        let found = verdict(&before, &after, &catch(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Helps);
        assert!(
            found
                .sentence
                .starts_with("helps: at most 6 LISTs at once instead of 40; memory at the peak 600 MB to 1200 MB")
        );
        assert!(
            found
                .sentence
                .ends_with("storm (9 more of its 100 requests rejected, 99 of 100 wait 12.0 s or less (before 0.0 s))")
        );
    }

    #[test]
    fn who_is_caught_with_few_lists_is_not_meant() {
        let (before, after) = (
            side(40.0, &[("storm", 0.0, 0.0), ("good", 0.0, 0.0)]),
            side(6.0, &[("storm", 0.0, 0.5), ("good", 0.0, 3.0)]),
        );
        let found = verdict(&before, &after, &catch(&[("storm", 50), ("good", 2)]));
        assert_eq!(found.effect, Effect::HelpsButHurts);
        assert!(found.sentence.starts_with("helps but hurts good: "), "{}", found.sentence);
    }

    #[test]
    fn nothing_has_its_reason() {
        let before = side(40.0, &[("storm", 0.0, 0.0)]);
        let found = verdict(&before, &before.clone(), &catch(&[]));
        assert_eq!(found.effect, Effect::DoesNothing);
        assert!(found.sentence.starts_with("does nothing, because limit-pods catches none of the requests; "));
        let mut borrowing = before.clone();
        borrowing.levels.push(LevelSide {
            priority_level: "low".into(),
            nominal_seats: 12,
            max_seats: 612,
            most_limit: exactly(169.0),
            most_executing: exactly(40.0),
            most_lists: exactly(40.0),
            most_waiting: exactly(10.0),
        });
        let caught = Catch { priority_levels: vec!["low".into()], ..catch(&[("storm", 50)]) };
        let found = verdict(&before, &borrowing, &caught);
        assert!(
            found.sentence.contains("low borrows: 12 seats are its own, but it had up to 169"),
            "{}",
            found.sentence
        );
    }
}
