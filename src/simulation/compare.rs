//! What a candidate would change, in one sentence: it helps, it helps but hurts someone, it does nothing and why, or it
//! burdens the server.

use std::collections::BTreeMap;

use serde::Serialize;

use super::side::{GroupSide, LevelSide, Side, Spread};
use crate::units;

/// What a candidate catches of the traffic.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Catch {
    /// The FlowSchemas that it has, or whose priority level it changes.
    pub flow_schemas: Vec<String>,
    /// Their priority levels.
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
    /// The server holds less, or others are served better, and nobody but those who are meant waits longer.
    Helps,
    /// The same, but someone pays for it who isn't meant.
    HelpsButHurts,
    /// Next to nothing changes.
    DoesNothing,
    /// Nothing is better, and someone is worse off.
    OnlyHurts,
    /// The server holds more.
    Burdens,
}

/// Who is worse off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hurt {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// Whether it is one of those that the candidate is for.
    pub is_meant: bool,
    /// Its requests.
    pub request_count: u64,
    /// Requests that are rejected more than before.
    pub more_rejected: f64,
    /// How long half of its requests that have to wait at most, in seconds, in the FlowSchema where that is longest: before.
    pub wait_p50_before_secs: f64,
    /// The same after.
    pub wait_p50_after_secs: f64,
    /// How long 99 of 100 of them wait at most: before.
    pub wait_p99_before_secs: f64,
    /// The same after.
    pub wait_p99_after_secs: f64,
}

/// Who is better off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relieved {
    /// The client.
    pub client: String,
    /// Requests that are rejected less than before.
    pub fewer_rejected: f64,
    /// As [`Hurt::wait_p99_before_secs`].
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
    /// Who is better off, besides those who are meant.
    pub relieved: Vec<Relieved>,
}

/// Less than this part of what it was is less.
const LESS: f64 = 0.9;
/// Where nobody says who is meant, a client is that has at least this part of the LISTs that a candidate catches.
const MEANT_SHARE: f64 = 0.2;
/// So many are named in a sentence.
const NAMED: usize = 3;

/// Compares a candidate with the current configuration. Who waits longer by more than `tolerated_secs` is worse off, and
/// so is who is rejected more, beyond what other seeds give without any change.
pub fn compare(current: &Side, candidate: &Side, catch: &Catch, tolerated_secs: f64) -> Comparison {
    let hurt = hurt(current, candidate, catch, tolerated_secs);
    let relieved = relieved(current, candidate, catch, tolerated_secs);
    let is_better = is_less(current, candidate) || holds_back(current, candidate, catch) || !relieved.is_empty();
    let effect = match (is_better, hurt.iter().any(|hurt| !hurt.is_meant)) {
        _ if has_grown(current, candidate) => Effect::Burdens,
        (true, false) => Effect::Helps,
        (true, true) => Effect::HelpsButHurts,
        (false, _) if hurt.is_empty() => Effect::DoesNothing,
        (false, _) => Effect::OnlyHurts,
    };
    let sentence = sentence(effect, (current, candidate), catch, &hurt, &relieved);
    Comparison { effect, sentence, hurt, relieved }
}

fn sentence(
    effect: Effect,
    (current, candidate): (&Side, &Side),
    catch: &Catch,
    hurt: &[Hurt],
    relieved: &[Relieved],
) -> String {
    let (held, harmed): (Vec<&Hurt>, Vec<&Hurt>) = hurt.iter().partition(|hurt| hurt.is_meant);
    let numbers = numbers(current, candidate, catch);
    let mut sentence = match effect {
        Effect::Helps => format!("helps: {numbers}"),
        Effect::HelpsButHurts => format!("helps but hurts {}: {numbers}", names(&harmed)),
        Effect::DoesNothing => {
            format!("does nothing, because {}; {numbers}", why_nothing(current, candidate, catch))
        }
        Effect::OnlyHurts => format!("hurts {} and helps nobody: {numbers}", names(&hurt.iter().collect::<Vec<_>>())),
        Effect::Burdens => format!("burdens the server: {numbers}"),
    };
    let mut add = |words: String| sentence = format!("{sentence}; {words}");
    if catch.request_count == 0 && effect != Effect::DoesNothing {
        add("it catches none of the requests: all of this comes from its shares".to_owned());
    }
    if matches!(effect, Effect::Helps | Effect::HelpsButHurts)
        && current.known_peak_high_bytes.mid < LESS * candidate.known_peak_high_bytes.mid
    {
        add("but LISTs hold more at the peak in most replays, as others get on faster".to_owned());
    }
    if matches!(effect, Effect::Burdens | Effect::OnlyHurts)
        && let Some(words) = borrowing_words(candidate, catch)
    {
        add(words);
    }
    if !held.is_empty() {
        add(format!("it holds back {}", words(&held)));
    }
    if !harmed.is_empty() {
        add(format!("not meant, but hurt: {}", words(&harmed)));
    }
    if !relieved.is_empty() {
        add(format!("better off: {}", relieved_words(relieved)));
    }
    sentence
}

/// What is to be less.
const MEASURES: [fn(&Side) -> Spread; 4] = [
    |side| side.peak_low_bytes,
    |side| side.known_peak_high_bytes,
    |side| side.possibly_above_secs,
    |side| side.most_lists,
];

/// Whether the server holds less, is above its limit for less time, or runs fewer LISTs at once.
fn is_less(current: &Side, candidate: &Side) -> bool {
    MEASURES.iter().any(|of| of(candidate).mid < LESS * of(current).mid)
}

/// Whether the server holds more, or is above its limit for longer, under all seeds; where no size is known, whether it runs
/// more LISTs at once.
fn has_grown(current: &Side, candidate: &Side) -> bool {
    if is_less(current, candidate) {
        return false;
    }
    let has_grown = |of: &fn(&Side) -> Spread| {
        let (before, after) = (of(current), of(candidate));
        before.mid < LESS * after.mid && after.low > before.high
    };
    if current.known_peak_high_bytes.mid > 0.0 {
        MEASURES[..3].iter().any(has_grown)
    } else {
        MEASURES[3..].iter().any(has_grown)
    }
}

/// Whether fewer LISTs of those who are meant run at once, because they have to wait or are rejected.
fn holds_back(current: &Side, candidate: &Side, catch: &Catch) -> bool {
    let lists = |side: &Side| {
        let meant = side.groups.iter().filter(|group| is_meant(catch, &group.client));
        meant.map(|group| group.most_lists.mid).sum::<f64>()
    };
    catch.list_count > 0 && acts(candidate, catch) && lists(candidate) < LESS * lists(current)
}

/// Whether anything that a candidate catches waits or is rejected.
fn acts(candidate: &Side, catch: &Catch) -> bool {
    let mut caught = candidate.groups.iter().filter(|group| catch.flow_schemas.contains(&group.flow_schema));
    caught.any(|group| group.rejected.all.high > 0.0 || group.wait_max_secs.high > 0.0)
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
fn numbers(current: &Side, candidate: &Side, catch: &Catch) -> String {
    let held = |side: &Side| {
        let high = bytes(side.known_peak_high_bytes.mid);
        let more = if side.unbounded_lists > 0 { " or more" } else { "" };
        format!("{} to {high}{more}", bytes(side.peak_low_bytes.mid))
    };
    let mut numbers = format!("{} at once instead of {}", lists(candidate.most_lists), spread(current.most_lists));
    let caught = catch.flow_schemas.iter().filter_map(|schema| candidate.schema_lists.get(schema));
    let caught = caught.copied().fold(Spread::default(), |most, lists| if lists.mid > most.mid { lists } else { most });
    if caught.mid > 0.0 && caught.mid < candidate.most_lists.mid {
        numbers = format!("{numbers}, {} of them such as it catches", spread(caught));
    }
    if current.known_peak_high_bytes.mid > 0.0 {
        numbers = format!("{numbers}; memory at the peak {} instead of {}", held(candidate), held(current));
    }
    numbers
}

fn why_nothing(current: &Side, candidate: &Side, catch: &Catch) -> String {
    if catch.flow_schemas.is_empty() {
        return "no FlowSchema is in it, and none goes to its priority levels".to_owned();
    }
    if catch.request_count == 0 || catch.list_count == 0 {
        let what = if catch.request_count == 0 { "none of the requests" } else { "no LIST" };
        let reasons = if catch.reasons.is_empty() { String::new() } else { format!(": {}", catch.reasons.join("; ")) };
        return format!("{} catches {what}{reasons}", catch.flow_schemas.join(", "));
    }
    let levels = || candidate.levels.iter().filter(|level| catch.priority_levels.contains(&level.priority_level));
    if let Some(level) = levels().find(|level| level.is_exempt) {
        return format!("{} is exempt: nothing limits what goes there", level.priority_level);
    }
    if let Some(words) = borrowing_words(candidate, catch) {
        return words;
    }
    if let Some(level) = levels().next().filter(|_| !acts(candidate, catch)) {
        return format!(
            "nothing ever waits in {}: {} is enough for all that comes",
            level.priority_level,
            limit(level)
        );
    }
    if current.most_lists.mid <= 1.0 {
        return "LISTs don't run beside each other in the replay as it is".to_owned();
    }
    "what it holds back is not what makes the server's peak".to_owned()
}

/// That a priority level takes what is others'; `None` if none does.
fn borrowing_words(candidate: &Side, catch: &Catch) -> Option<String> {
    let levels = candidate.levels.iter().filter(|level| catch.priority_levels.contains(&level.priority_level));
    let borrows = |level: &&LevelSide| {
        !level.is_exempt
            && level.max_seats > level.nominal_seats
            && level.most_limit.mid > f64::from(level.nominal_seats)
    };
    let level = levels.into_iter().find(borrows)?;
    Some(format!(
        "{} borrows: {} seats are its own, but it had up to {}, and {} ran in it at once; only borrowingLimitPercent: 0 \
         makes its own seats a limit",
        level.priority_level,
        level.nominal_seats,
        whole(level.most_limit.high),
        lists(level.most_lists)
    ))
}

/// So many LISTs.
fn lists(count: Spread) -> String {
    let noun = if spread(count) == "1" { "LIST" } else { "LISTs" };
    format!("{} {noun}", spread(count))
}

fn limit(level: &LevelSide) -> String {
    format!("its limit of {} seats", whole(level.most_limit.mid))
}

/// A client's part in one side: rejections, and the longest of the waits of 99 in 100 requests.
#[derive(Clone, Copy, Default)]
struct Part {
    requests: u64,
    rejected: Spread,
    wait_p50: Spread,
    wait_p99: Spread,
}

fn parts(side: &Side) -> BTreeMap<(&str, &str), Part> {
    let mut parts: BTreeMap<(&str, &str), Part> = BTreeMap::new();
    for GroupSide { client_type, client, request_count, rejected, wait_p50_secs, wait_p99_secs, .. } in &side.groups {
        let part = parts.entry((client_type, client)).or_default();
        part.requests += request_count;
        part.rejected = part.rejected.plus(rejected.all);
        part.wait_p50 = part.wait_p50.or_more(*wait_p50_secs);
        part.wait_p99 = part.wait_p99.or_more(*wait_p99_secs);
    }
    parts
}

fn hurt(current: &Side, candidate: &Side, catch: &Catch, tolerated_secs: f64) -> Vec<Hurt> {
    let before = parts(current);
    let hurt = parts(candidate).into_iter().filter_map(|((client_type, client), after)| {
        let before = before.get(&(client_type, client)).copied().unwrap_or_default();
        let more_rejected = after.rejected.mid - before.rejected.mid;
        // What other seeds give without any change is nobody's doing.
        let is_rejected = more_rejected >= 1.0 && after.rejected.mid > before.rejected.high;
        let waits =
            after.wait_p99.mid > before.wait_p99.mid + tolerated_secs && after.wait_p99.mid > before.wait_p99.high;
        (is_rejected || waits).then(|| Hurt {
            client_type: client_type.to_owned(),
            client: client.to_owned(),
            is_meant: is_meant(catch, client),
            request_count: after.requests,
            more_rejected: more_rejected.max(0.0),
            wait_p50_before_secs: before.wait_p50.mid,
            wait_p50_after_secs: after.wait_p50.mid,
            wait_p99_before_secs: before.wait_p99.mid,
            wait_p99_after_secs: after.wait_p99.mid,
        })
    });
    let mut hurt: Vec<Hurt> = hurt.collect();
    hurt.sort_by(|a, b| {
        a.is_meant.cmp(&b.is_meant).then(b.more_rejected.total_cmp(&a.more_rejected)).then(a.client.cmp(&b.client))
    });
    hurt
}

fn relieved(current: &Side, candidate: &Side, catch: &Catch, tolerated_secs: f64) -> Vec<Relieved> {
    let after = parts(candidate);
    let others = parts(current).into_iter().filter(|((_, client), _)| !is_meant(catch, client));
    let relieved = others.filter_map(|((client_type, client), before)| {
        let now = after.get(&(client_type, client)).copied().unwrap_or_default();
        let fewer_rejected = before.rejected.mid - now.rejected.mid;
        let is_rejected = fewer_rejected >= 1.0 && now.rejected.mid < before.rejected.low;
        let waits = now.wait_p99.mid + tolerated_secs < before.wait_p99.mid && now.wait_p99.mid < before.wait_p99.low;
        (is_rejected || waits).then(|| Relieved {
            client: client.to_owned(),
            fewer_rejected: fewer_rejected.max(0.0),
            wait_p99_before_secs: before.wait_p99.mid,
            wait_p99_after_secs: now.wait_p99.mid,
        })
    });
    let mut relieved: Vec<_> = relieved.collect();
    relieved.sort_by(|a, b| b.fewer_rejected.total_cmp(&a.fewer_rejected).then(a.client.cmp(&b.client)));
    relieved
}

fn names(hurt: &[&Hurt]) -> String {
    let names: Vec<&str> = hurt.iter().map(|hurt| hurt.client.as_str()).collect();
    listed(&names, |name| (*name).to_owned())
}

fn words(hurt: &[&Hurt]) -> String {
    listed(hurt, |hurt| {
        let rejected = (hurt.more_rejected >= 1.0).then(|| {
            let (more, all) = (rounded(hurt.more_rejected), hurt.request_count);
            format!("{} more of its {} requests rejected", units::count(more), units::count(all))
        });
        let longer = |what: &str, before: f64, after: f64| (after >= before + 0.1).then(|| waits(what, before, after));
        let half = longer("half", hurt.wait_p50_before_secs, hurt.wait_p50_after_secs);
        let most = longer("99 of 100", hurt.wait_p99_before_secs, hurt.wait_p99_after_secs);
        let parts: Vec<String> = [rejected, half, most].into_iter().flatten().collect();
        format!("{} ({})", hurt.client, parts.join("; "))
    })
}

fn relieved_words(relieved: &[Relieved]) -> String {
    listed(relieved, |relieved| {
        let rejected = (relieved.fewer_rejected >= 1.0)
            .then(|| format!("{} fewer rejected", units::count(rounded(relieved.fewer_rejected))));
        let (before, after) = (relieved.wait_p99_before_secs, relieved.wait_p99_after_secs);
        let waits = (after + 0.1 <= before).then(|| waits("99 of 100", before, after));
        let parts: Vec<String> = [rejected, waits].into_iter().flatten().collect();
        format!("{} ({})", relieved.client, parts.join("; "))
    })
}

fn waits(who: &str, before_secs: f64, after_secs: f64) -> String {
    format!("{who} wait up to {after_secs:.1} s, before {before_secs:.1} s")
}

/// The first of some things in words, and how many more there are.
fn listed<T>(things: &[T], word: impl Fn(&T) -> String) -> String {
    let words: Vec<String> = things.iter().take(NAMED).map(word).collect();
    match things.len().saturating_sub(NAMED) {
        0 => words.join(", "),
        more => format!("{} and {more} more", words.join(", ")),
    }
}

/// A count with its least and its most, where they differ: `6`, or `33 (19–46)`.
fn spread(spread: Spread) -> String {
    let (low, mid, high) = (whole(spread.low), whole(spread.mid), whole(spread.high));
    if low == high { mid } else { format!("{mid} ({low}–{high})") }
}

fn whole(value: f64) -> String {
    units::count(rounded(value))
}

fn bytes(value: f64) -> String {
    units::bytes(rounded(value))
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
            schema_lists: BTreeMap::from([("limit-pods".to_owned(), exactly(lists))]),
            cut_off: exactly(0.0),
            retried: exactly(0.0),
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
        compare(current, candidate, catch, 1.0)
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
            found.sentence.starts_with("helps: 6 LISTs at once instead of 40; memory at the peak 572 MiB to 1.1 GiB")
        );
        assert!(
            found
                .sentence
                .ends_with("storm (9 more of its 100 requests rejected; 99 of 100 wait up to 12.0 s, before 0.0 s)")
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
    fn others_who_are_served_better_count_as_help() {
        let (before, after) = (
            side(40.0, &[("storm", 0.0, 0.0), ("good", 20.0, 9.0)]),
            side(40.0, &[("storm", 5.0, 14.0), ("good", 0.0, 0.0)]),
        );
        let found = verdict(&before, &after, &catch(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Helps);
        assert!(
            found.sentence.ends_with("better off: good (20 fewer rejected; 99 of 100 wait up to 0.0 s, before 9.0 s)")
        );
    }

    #[test]
    fn more_memory_is_no_help_whoever_is_served_better() {
        let (before, after) = (side(40.0, &[("storm", 20.0, 9.0)]), side(60.0, &[("storm", 0.0, 0.0)]));
        let found = verdict(&before, &after, &catch(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Burdens);
        assert!(
            found.sentence.starts_with("burdens the server: 60 LISTs at once instead of 40; "),
            "{}",
            found.sentence
        );
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
            is_exempt: false,
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
