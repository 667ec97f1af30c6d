//! What the rules check: the objects of the change that are not the server's own, and what follows from the
//! configuration before and after it.

use super::super::{
    Config, Distribution, FlowSchema, LevelLimits, Matcher, NEWEST_KNOWN, OLDEST_KNOWN, PriorityLevel,
    compute_idle_limits, compute_limits, default_config, distribution_config,
};
use super::{LintInput, Object, Traffic};
use crate::kubernetes::Version;

/// Everything that rules check.
pub(super) struct Context<'i> {
    /// The input.
    pub(super) input: &'i LintInput<'i>,
    /// The server's own objects in its version.
    pub(super) own: Config,
    /// FlowSchemas of the change, without unchanged ones of the server itself.
    pub(super) schemas: Vec<&'i FlowSchema>,
    /// Priority levels of the change, without unchanged ones of the server itself.
    pub(super) levels: Vec<&'i PriorityLevel>,
    /// The FlowSchemas before the change, in order.
    pub(super) before: Matcher<'i>,
    /// The FlowSchemas after the change, in order.
    pub(super) after: Matcher<'i>,
    /// The traffic that API Priority and Fairness handles, with its FlowSchema after the change; empty without logs.
    pub(super) routes: Vec<Route<'i>>,
    limits_before: Vec<LevelLimits>,
    limits_after: Vec<LevelLimits>,
    idle_after: Vec<u32>,
}

/// Traffic, and the FlowSchema it matches after the change.
#[derive(Clone, Copy)]
pub(super) struct Route<'i> {
    /// The traffic.
    pub(super) traffic: &'i Traffic,
    /// The FlowSchema it matches.
    pub(super) flow_schema: &'i FlowSchema,
}

impl<'i> Context<'i> {
    /// Computes what follows from the input.
    pub(super) fn new(input: &'i LintInput<'i>) -> Self {
        let LintInput { change, before, after, .. } = *input;
        let own = default_config(input.version.unwrap_or(NEWEST_KNOWN));
        let shipped = shipped(input.version);
        let is_own_schema = |schema: &&FlowSchema| {
            let mut same_name = shipped.iter().filter_map(|own| own.flow_schema(&schema.name));
            same_name.any(|own| is_same_schema(own, schema))
        };
        let is_own_level = |level: &&PriorityLevel| {
            let mut same_name = shipped.iter().filter_map(|own| own.priority_level(&level.name));
            same_name.any(|own| own.kind == level.kind)
        };
        let limits_of =
            |config: &Config| compute_limits(&config.priority_levels, input.server_concurrency, &input.features);
        let limits_after = limits_of(after);
        let matcher = Matcher::new(after);
        Self {
            input,
            schemas: change.flow_schemas.iter().filter(|schema| !is_own_schema(schema)).collect(),
            levels: change.priority_levels.iter().filter(|level| !is_own_level(level)).collect(),
            own,
            before: Matcher::new(before),
            routes: routes(input.traffic.unwrap_or_default(), &matcher),
            after: matcher,
            limits_before: limits_of(before),
            idle_after: compute_idle_limits(&limits_after).map(|idle| idle.seats).unwrap_or_default(),
            limits_after,
        }
    }

    /// The limits of a level before the change.
    pub(super) fn before_limits(&self, level: &str) -> Option<LevelLimits> {
        let index = self.input.before.priority_levels.iter().position(|one| one.name == level)?;
        self.limits_before.get(index).cloned()
    }

    /// The limits of a level after the change.
    pub(super) fn after_limits(&self, level: &str) -> Option<LevelLimits> {
        let index = self.input.after.priority_levels.iter().position(|one| one.name == level)?;
        self.limits_after.get(index).cloned()
    }

    /// The seats of a level after the change while there is no demand; `None` if it can't be computed.
    pub(super) fn idle_limit(&self, level: &str) -> Option<u32> {
        let index = self.input.after.priority_levels.iter().position(|one| one.name == level)?;
        self.idle_after.get(index).copied()
    }

    /// All objects of the change, without unchanged ones of the server itself.
    pub(super) fn objects(&self) -> impl Iterator<Item = Object<'i>> {
        let schemas = self.schemas.iter().map(|schema| Object::Schema(schema));
        schemas.chain(self.levels.iter().map(|level| Object::Level(level)))
    }

    /// The levels of the change whose names are not the server's own.
    pub(super) fn custom_levels(&self) -> impl Iterator<Item = &'i PriorityLevel> {
        self.levels.iter().copied().filter(|level| self.own.priority_level(&level.name).is_none())
    }

    /// The FlowSchemas after the change that use a level.
    pub(super) fn users_of(&self, level: &str) -> Vec<&'i FlowSchema> {
        let users = self.input.after.flow_schemas.iter().filter(|schema| schema.priority_level == level);
        users.collect()
    }

    /// Whether the change may contain a priority level of that name that could not be read: it exists, or will once the
    /// text is fixed.
    pub(super) fn may_have_unread_level(&self, name: &str) -> bool {
        self.unread("PriorityLevelConfiguration").any(|unread| unread.is_empty() || unread == name)
    }

    /// Whether the change contains a FlowSchema that could not be read, or something that may be one.
    pub(super) fn has_unread_schema(&self) -> bool {
        self.unread("FlowSchema").any(|unread| self.input.change.flow_schema(unread).is_none())
    }

    /// The names of objects of a kind that have problems; empty if the text does not tell the name or the kind.
    fn unread(&self, kind: &str) -> impl Iterator<Item = &'i str> {
        let of_kind = move |object: &'i str| match object.split_once(' ') {
            Some((of, name)) => (of == kind).then_some(name),
            None => (object.is_empty() || object == kind).then_some(""),
        };
        self.input.problems.iter().filter_map(move |problem| of_kind(&problem.object))
    }

    /// Whether a level is meant to block its requests, judging by its name or the names of all its FlowSchemas.
    pub(super) fn is_meant_to_isolate(&self, level: &PriorityLevel) -> bool {
        let users = self.users_of(&level.name);
        let do_all_say_so = !users.is_empty() && users.iter().all(|schema| suggests_isolation(&schema.name));
        suggests_isolation(&level.name) || do_all_say_so
    }

    /// A precedence that is free after the change: the next one below another (tried before it) or above it.
    pub(super) fn free_precedence(&self, beside: i32, is_before: bool) -> Option<i32> {
        let is_free = |precedence: &i32| {
            !self.input.after.flow_schemas.iter().any(|schema| schema.matching_precedence == *precedence)
        };
        if is_before { (2..beside).rev().find(is_free) } else { (beside + 1..10_000).find(is_free) }
    }
}

/// The built-in objects: of the version, or of any version if it is unknown, and those of distributions.
fn shipped(version: Option<Version>) -> Vec<Config> {
    let minors = OLDEST_KNOWN.minor..=NEWEST_KNOWN.minor;
    let known = || minors.map(|minor| Version::new(1, minor)).collect();
    let versions = version.map_or_else(known, |version| vec![version]);
    let by_version = versions.into_iter().map(default_config);
    by_version.chain(Distribution::ALL.map(distribution_config)).collect()
}

/// Whether two FlowSchemas have the same effect, wherever they were read from.
pub(super) fn is_same_schema(one: &FlowSchema, other: &FlowSchema) -> bool {
    let what =
        |schema: &FlowSchema| (schema.priority_level.clone(), schema.matching_precedence, schema.distinguisher_method);
    what(one) == what(other) && one.rules == other.rules
}

fn routes<'i>(traffic: &'i [Traffic], matcher: &Matcher<'i>) -> Vec<Route<'i>> {
    let limited = traffic.iter().filter(|traffic| !traffic.digest.bypasses_apf());
    let route = |traffic: &'i Traffic| {
        let found = matcher.classify(&traffic.digest.attributes())?;
        Some(Route { traffic, flow_schema: found.flow_schema })
    };
    limited.filter_map(route).collect()
}

/// Whether the verbs include one of `wanted`, or all.
pub(super) fn has_verb(verbs: &[String], wanted: &[&str]) -> bool {
    verbs.iter().any(|verb| verb == "*" || wanted.contains(&verb.as_str()))
}

/// Whether a FlowSchema may match a LIST or a watch.
pub(super) fn takes_lists(schema: &FlowSchema) -> bool {
    schema.rules.iter().flat_map(|rule| &rule.resource_rules).any(|rule| has_verb(&rule.verbs, &["list", "watch"]))
}

/// Whether a name suggests that the object limits something.
pub(super) fn suggests_limit(name: &str) -> bool {
    const WORDS: [&str; 15] = [
        "limit",
        "limited",
        "limiter",
        "limits",
        "restrict",
        "restricted",
        "restricts",
        "cap",
        "capped",
        "throttle",
        "throttled",
        "bad",
        "max",
        "slow",
        "noisy",
    ];
    suggests_isolation(name) || name.split(['-', '.']).any(|word| WORDS.contains(&word))
}

/// Whether a name suggests that the object blocks its requests.
pub(super) fn suggests_isolation(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "jail",
        "jailed",
        "ban",
        "banned",
        "block",
        "blocked",
        "blocklist",
        "deny",
        "denied",
        "denylist",
        "prison",
        "quarantine",
        "quarantined",
        "reject",
    ];
    name.split(['-', '.']).any(|word| WORDS.contains(&word))
}

/// Names in words: `a, b and c`; of many, the first.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        _ if names.len() > SHOWN + 1 => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number of requests in words.
pub(super) fn requests(count: u64) -> String {
    counted(count, "request")
}

/// A number of seats in words.
pub(super) fn seats(count: u32) -> String {
    counted(u64::from(count), "seat")
}

fn counted(count: u64, what: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{text} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_read_as_words() {
        assert_eq!(listed::<&str>(&[]), "");
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d, e and f");
        assert_eq!(listed(&["a", "b", "c", "d", "e", "f", "g"]), "a, b, c, d, e and 2 more");
        assert_eq!((requests(1), requests(1_234_567)), ("1 request".into(), "1,234,567 requests".into()));
        assert_eq!((seats(0), seats(999), seats(1000)), ("0 seats".into(), "999 seats".into(), "1,000 seats".into()));
    }

    #[test]
    fn a_name_speaks_of_limiting_by_whole_words() {
        for (name, expected) in [
            ("limit-pod-list", true),
            ("restrict-bad-client", true),
            ("ban-x", true),
            ("capacity", false),
            ("limitless", false),
        ] {
            assert_eq!(suggests_limit(name), expected, "{name}");
        }
    }
}
