//! The catalogue of clients: rules read from YAML, checked, and matched against an identity or a user agent.
//!
//! A rule is about an identity, a user agent, or both; the comments of the built-in catalogue say what each key means.
//! All that is wrong with a file is told at once, each problem with its place.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, de};
use serde_saphyr::{Location, Spanned};

use super::ClientType;

/// The catalogue that comes with the program.
const BUILT_IN: &str = include_str!("catalogue.yaml");

/// The rules, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    rules: Vec<Rule>,
}

impl Catalogue {
    /// The catalogue that comes with the program.
    pub fn embedded() -> Self {
        match Self::read(BUILT_IN, Origin::BuiltIn) {
            Ok(catalogue) => catalogue,
            Err(error) => unreachable!("the built-in catalogue is checked by a test: {error}"),
        }
    }

    /// Reads a catalogue of the user's; an empty text is one without rules.
    ///
    /// # Errors
    ///
    /// When the text is not YAML, or a rule is not sound.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Self::read(text, Origin::Added)
    }

    /// This catalogue with another one's rules before its own.
    #[must_use]
    pub fn extended_by(self, other: Self) -> Self {
        let mut rules = other.rules;
        rules.extend(self.rules);
        Self { rules }
    }

    /// The rules, in the order in which they are asked.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    fn read(text: &str, origin: Origin) -> Result<Self, CatalogueError> {
        let raw: Option<Vec<Spanned<RawRule>>> = serde_saphyr::from_str(text).map_err(|error| {
            let message = error.without_snippet().to_string();
            // The place is told on its own.
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            CatalogueError { problems: vec![Problem::at(error.location().unwrap_or(Location::UNKNOWN), message)] }
        })?;
        let mut problems = Vec::new();
        let mut rules = Vec::new();
        let mut seen = BTreeMap::new();
        for raw in raw.unwrap_or_default() {
            let place = raw.referenced;
            let rule = RuleReader { place, problems: &mut problems }.rule(raw.value, origin);
            if let Some(rule) = rule {
                if let Some(earlier) = seen.insert(rule.conditions(), rule.line) {
                    let message = format!("never reached: the rule of line {earlier} has the same conditions");
                    problems.push(Problem::at(place, message));
                }
                rules.push(rule);
            }
        }
        if problems.is_empty() { Ok(Self { rules }) } else { Err(CatalogueError { problems }) }
    }
}

/// What is known of one client, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The client; `None` where it goes by its service account, user or binary.
    pub client: Option<String>,
    /// Its type.
    pub client_type: ClientType,
    /// User names, as patterns; any will do.
    pub users: Vec<String>,
    /// Service accounts as `namespace:name`, as patterns; any will do.
    pub accounts: Vec<String>,
    /// Groups, by name; all are needed.
    pub groups: Vec<String>,
    /// User agents, as patterns; any will do.
    pub agents: Vec<String>,
    /// Whether the user agent alone is never believed.
    pub needs_identity: bool,
    /// Whether the identity alone is not enough.
    pub needs_agent: bool,
    /// Whether the user agent names a tool or library, not who uses it.
    pub names_tool_only: bool,
    /// Whether it is a custom of naming only, asked last.
    pub is_weak: bool,
    /// How many instances to expect.
    pub runs: Runs,
    /// A remedy of the client's own against LIST storms; `None` when none is known.
    pub advice: Option<String>,
    /// How this is known.
    pub source: String,
    /// Where the rule begins, from 1.
    pub line: u64,
    /// Which catalogue it is from.
    pub origin: Origin,
}

impl Rule {
    /// Whether the rule is about an identity at all.
    pub const fn has_identity(&self) -> bool {
        !self.users.is_empty() || !self.accounts.is_empty() || !self.groups.is_empty()
    }

    /// Whether the rule's agents include this one.
    pub fn fits_agent(&self, agent: &str) -> bool {
        self.agents.iter().any(|pattern| matches(pattern, agent))
    }

    /// Whether the rule's users include this one.
    pub fn fits_user(&self, user: &str) -> bool {
        self.users.iter().any(|pattern| matches(pattern, user))
    }

    /// Whether the rule's service accounts include this one, given as `namespace:name`.
    pub fn fits_account(&self, account: &str) -> bool {
        self.accounts.iter().any(|pattern| matches(pattern, account))
    }

    /// What the rule asks for: two rules that ask for the same are one too many.
    fn conditions(&self) -> [Vec<String>; 4] {
        let sorted = |patterns: &[String]| {
            let mut patterns = patterns.to_vec();
            patterns.sort();
            patterns
        };
        [sorted(&self.users), sorted(&self.accounts), sorted(&self.groups), sorted(&self.agents)]
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.client.as_deref().unwrap_or(self.client_type.name());
        write!(f, "{name} ({} line {})", self.origin.name(), self.line)
    }
}

/// Which catalogue a rule is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The one that comes with the program.
    BuiltIn,
    /// One of the user's.
    Added,
}

impl Origin {
    /// The origin's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Added => "added",
        }
    }
}

/// How many instances of a client to expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runs {
    /// One on each node.
    Daemonset,
    /// A few replicas.
    Deployment,
    /// One on each control plane node.
    ControlPlane,
    /// As many as there are people.
    Person,
    /// Nothing is known.
    #[default]
    Any,
}

impl Runs {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Daemonset, Self::Deployment, Self::ControlPlane, Self::Person, Self::Any];

    /// The name in the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Daemonset => "daemonset",
            Self::Deployment => "deployment",
            Self::ControlPlane => "control-plane",
            Self::Person => "person",
            Self::Any => "any",
        }
    }
}

/// Why a catalogue can't be used: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client catalogue is not sound:{}", listed(.problems))]
pub struct CatalogueError {
    problems: Vec<Problem>,
}

impl CatalogueError {
    /// The problems, from top to bottom; never empty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

/// One thing that is wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its line, from 1; 0 when the place is not known.
    pub line: u64,
    /// Its column in characters, from 1; 0 when the place is not known.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    fn at(place: Location, message: String) -> Self {
        Self { line: place.line(), column: place.column(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// Whether a pattern fits a whole text; `*` stands for any text, also none.
///
/// Only the last `*` that was met is ever widened: a shorter text for an earlier one can't help where a longer one for
/// the last doesn't. So the time is at most the product of the lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            last_star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, taken)) = last_star {
            last_star = Some((star, taken + 1));
            p = star + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// A rule as it is written: keys and values with their places, nothing checked.
struct RawRule(Vec<(Spanned<String>, Spanned<RawValue>)>);

impl<'de> Deserialize<'de> for RawRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<RawRule, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawRule(entries))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

enum RawValue {
    Text(String),
    Flag(bool),
    List(Vec<Spanned<String>>),
    Other,
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = RawValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a list of texts, true or false")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RawValue, E> {
                Ok(RawValue::Text(text.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<RawValue, E> {
                Ok(RawValue::Flag(flag))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<RawValue, E> {
                Ok(RawValue::Other)
            }

            fn visit_u64<E: de::Error>(self, _: u64) -> Result<RawValue, E> {
                Ok(RawValue::Other)
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<RawValue, E> {
                Ok(RawValue::Other)
            }

            fn visit_unit<E: de::Error>(self) -> Result<RawValue, E> {
                Ok(RawValue::Other)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<RawValue, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(RawValue::List(items))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Reads one rule and notes what is wrong with it.
struct RuleReader<'p> {
    place: Location,
    problems: &'p mut Vec<Problem>,
}

impl RuleReader<'_> {
    /// The rule; `None` when so much is wrong that it can't be compared with others.
    fn rule(&mut self, raw: RawRule, origin: Origin) -> Option<Rule> {
        let mut client_type = None;
        let mut rule = Rule {
            client: None,
            client_type: ClientType::Unknown,
            users: Vec::new(),
            accounts: Vec::new(),
            groups: Vec::new(),
            agents: Vec::new(),
            needs_identity: false,
            needs_agent: false,
            names_tool_only: false,
            is_weak: false,
            runs: Runs::Any,
            advice: None,
            source: String::new(),
            line: self.place.line(),
            origin,
        };
        for (key, value) in raw.0 {
            match key.value.as_str() {
                "client" => rule.client = self.text(&key, value),
                "type" => client_type = self.named("type", ClientType::ALL, ClientType::name, &key, value),
                "users" => rule.users = self.patterns(&key, value),
                "accounts" => rule.accounts = self.patterns(&key, value),
                "groups" => rule.groups = self.patterns(&key, value),
                "agents" => rule.agents = self.patterns(&key, value),
                "needs_identity" => rule.needs_identity = self.flag(&key, &value),
                "needs_agent" => rule.needs_agent = self.flag(&key, &value),
                "names_tool_only" => rule.names_tool_only = self.flag(&key, &value),
                "weak" => rule.is_weak = self.flag(&key, &value),
                "runs" => rule.runs = self.named("fan-out", Runs::ALL, Runs::name, &key, value).unwrap_or_default(),
                "advice" => rule.advice = self.text(&key, value),
                "source" => rule.source = self.text(&key, value).unwrap_or_default(),
                unknown => self.note(key.referenced, format!("no rule has a key named {unknown}")),
            }
        }
        self.check(&rule, client_type.is_some());
        rule.client_type = client_type?;
        Some(rule)
    }

    /// What can only be said of a rule as a whole.
    fn check(&mut self, rule: &Rule, has_type: bool) {
        let problems: [(bool, &str); 8] = [
            (!has_type, "the rule has no type that is known"),
            (rule.source.is_empty(), "the rule has no source: say how this is known"),
            (
                !rule.has_identity() && rule.agents.is_empty(),
                "the rule has no condition: it needs users, accounts, groups or agents",
            ),
            (rule.needs_identity && !rule.has_identity(), "needs_identity without users, accounts or groups"),
            (rule.needs_agent && rule.agents.is_empty(), "needs_agent without agents"),
            (
                rule.names_tool_only && (rule.has_identity() || rule.client.is_none()),
                "names_tool_only goes with client and agents, and with no users, accounts or groups",
            ),
            (
                rule.is_weak && (!rule.has_identity() || !rule.agents.is_empty()),
                "weak goes with users and accounts only",
            ),
            (
                rule.groups.iter().any(|group| group.contains('*')),
                "groups are compared as they are: * stands for nothing in them",
            ),
        ];
        for (_, message) in problems.into_iter().filter(|&(is_wrong, _)| is_wrong) {
            self.note(self.place, message.to_owned());
        }
    }

    fn note(&mut self, place: Location, message: String) {
        self.problems.push(Problem::at(place, message));
    }

    fn text(&mut self, key: &Spanned<String>, value: Spanned<RawValue>) -> Option<String> {
        match value.value {
            RawValue::Text(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.note(key.referenced, format!("{} needs a text", key.value));
                None
            }
        }
    }

    fn flag(&mut self, key: &Spanned<String>, value: &Spanned<RawValue>) -> bool {
        if let RawValue::Flag(flag) = value.value {
            return flag;
        }
        self.note(key.referenced, format!("{} needs true or false", key.value));
        false
    }

    /// One of a set of names.
    fn named<T: Copy, const N: usize>(
        &mut self,
        kind: &str,
        all: [T; N],
        name: fn(T) -> &'static str,
        key: &Spanned<String>,
        value: Spanned<RawValue>,
    ) -> Option<T> {
        let place = value.referenced;
        let text = self.text(key, value)?;
        let found = all.into_iter().find(|&one| name(one) == text);
        if found.is_none() {
            let names = all.map(name).join(", ");
            self.note(place, format!("no {kind} is named {text}; there are {names}"));
        }
        found
    }

    fn patterns(&mut self, key: &Spanned<String>, value: Spanned<RawValue>) -> Vec<String> {
        let RawValue::List(items) = value.value else {
            self.note(key.referenced, format!("{} needs a list", key.value));
            return Vec::new();
        };
        if items.is_empty() {
            self.note(key.referenced, format!("{} is empty", key.value));
        }
        let is_account = key.value == "accounts";
        for item in &items {
            let pattern = item.value.as_str();
            let problem = if pattern.trim().is_empty() {
                "an empty pattern fits nothing".to_owned()
            } else if pattern.bytes().all(|byte| byte == b'*' || is_account && byte == b':') {
                format!("the pattern {pattern} fits everything")
            } else if is_account && pattern.split(':').count() != 2 {
                format!("a service account is written namespace:name, not {pattern}")
            } else {
                continue;
            };
            self.note(item.referenced, problem);
        }
        items.into_iter().map(|item| item.value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(u64, String)> {
        let error = Catalogue::parse(text).unwrap_err();
        error.problems().iter().map(|problem| (problem.line, problem.message.clone())).collect()
    }

    #[test]
    fn the_built_in_catalogue_is_sound() {
        let problems = Catalogue::read(BUILT_IN, Origin::BuiltIn).map_err(|error| error.to_string());
        let catalogue = problems.unwrap();
        for client_type in ClientType::ALL {
            let count = catalogue.rules().iter().filter(|rule| rule.client_type == client_type).count();
            assert!(count > 0, "no rule gives {client_type}");
        }
        for rule in catalogue.rules() {
            let advice = rule.advice.as_deref().unwrap_or("None.");
            assert!(advice.ends_with('.') && advice.starts_with(char::is_uppercase), "{rule}: {advice}");
        }
    }

    /// Anybody may write `kubelet/v1.34.0` into a header; nobody may get a node's throttling, or its pardon, by that.
    #[test]
    fn what_has_a_fixed_identity_is_never_known_by_its_agent_alone() {
        let fixed = [
            ClientType::Kubelet,
            ClientType::KubeProxy,
            ClientType::Apiserver,
            ClientType::ControllerManager,
            ClientType::CloudController,
        ];
        for rule in Catalogue::embedded().rules() {
            assert!(rule.needs_identity || !fixed.contains(&rule.client_type), "{rule}");
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("kubelet/*", "kubelet/v1.34.0", true),
            ("kubelet/*", "kubelet", false),
            ("*:calico-node", "kube-system:calico-node", true),
            ("*:calico-node", "kube-system:calico-node-windows", false),
            ("*-operator-*", "acme-operator-controller-manager", true),
            ("*ab*ab", "abcabab", true),
            ("*/ovnkube*@*", "worker/ovnkube@a1b2", true),
            ("a*b*c", "a--b--", false),
            ("", "", true),
            ("*", "", true),
            ("é*", "été", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn every_problem_is_told_with_its_line() {
        let text = "\
- client: acme
  type: opreator
  acounts: [\"acme:*\"]
  source: us
- client: everybody
  type: sdk
  users: [\"*\", \"\"]
  accounts: [\"*:*\", acme]
  source: us
- type: cni
  agents: acme-net
  needs_identity: yes please
";
        let lines: Vec<_> = problems(text);
        let expected = [
            (2, "no type is named opreator"),
            (3, "no rule has a key named acounts"),
            (1, "no type that is known"),
            (1, "no condition"),
            (7, "the pattern * fits everything"),
            (7, "an empty pattern"),
            (8, "the pattern *:* fits everything"),
            (8, "written namespace:name, not acme"),
            (11, "agents needs a list"),
            (12, "needs_identity needs true or false"),
            (10, "no source"),
            (10, "no condition"),
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for ((line, message), (expected_line, part)) in lines.iter().zip(expected) {
            assert!(line == &expected_line && message.contains(part), "{line}: {message}, not {expected_line}: {part}");
        }
    }

    #[test]
    fn a_rule_that_repeats_another_is_never_reached() {
        let text = "\
- {client: a, type: cni, agents: [a/*, b/*], source: us}
- {client: b, type: dns, agents: [b/*, a/*], source: us}
";
        assert_eq!(problems(text), [(2, "never reached: the rule of line 1 has the same conditions".to_owned())]);
    }

    #[test]
    fn flags_must_fit_their_rule() {
        for (rule, part) in [
            ("{client: a, type: cni, agents: [a/*], needs_identity: true, source: us}", "needs_identity without"),
            ("{client: a, type: cni, users: [a], needs_agent: true, source: us}", "needs_agent without"),
            ("{type: sdk, agents: [a/*], names_tool_only: true, source: us}", "names_tool_only goes with"),
            ("{type: sdk, agents: [a/*], weak: true, source: us}", "weak goes with"),
            ("{client: a, type: cni, groups: [\"a:*\"], source: us}", "groups are compared"),
            ("{client: a, type: cni, users: [], source: us}", "users is empty"),
            ("{client: a, type: cni, users: [a], runs: often, source: us}", "no fan-out is named often"),
            ("{client: [a], type: cni, users: [a], source: us}", "client needs a text"),
        ] {
            let found = problems(&format!("- {rule}\n"));
            assert!(found.iter().any(|(line, message)| *line == 1 && message.contains(part)), "{rule}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_line() {
        let found = problems("- client: a\n  type: [cni\n- b\n");
        assert!(found.len() == 1 && found[0].0 >= 2 && !found[0].1.contains("line"), "{found:?}");
        assert_eq!(problems("client: a\n").len(), 1, "rules stand in a list");
        assert_eq!(Catalogue::parse("").unwrap().rules().len(), 0);
        assert_eq!(Catalogue::parse("# nothing yet\n").unwrap().rules().len(), 0);
    }

    #[test]
    fn the_error_reads_as_a_list() {
        let error = Catalogue::parse("- {client: a, type: cni, users: [a]}\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the client catalogue is not sound:\n  line 1, column 3: the rule has no source: say how this is known"
        );
    }
}
