//! Which FlowSchema a request matches (`apiserver/pkg/util/flowcontrol/rule.go`, and `startRequest` of
//! `apf_controller.go`).
//!
//! FlowSchemas are tried in order of `matchingPrecedence`, and by name if that is equal; the first match gets the
//! request. A request that matches none goes to `catch-all`. A FlowSchema whose priority level does not exist is
//! skipped. User agent, address, object name, selectors and other query parameters play no part.
//!
//! Easy to get wrong: a LIST or watch across all namespaces has no namespace, so that only `clusterScope` lets it
//! match, whatever `namespaces` says; and a path without a star matches everything below it.

use super::config::{
    Config, DistinguisherMethod, FlowSchema, NonResourceRule, PriorityLevel, ResourceRule, Rule, Subject,
};
use crate::kubernetes::{ServiceAccount, resource_with_subresource};

/// A request as API Priority and Fairness sees it: after authentication and impersonation, before authorization.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    /// The user, or the impersonated one.
    pub user: &'a str,
    /// The groups of that user.
    pub groups: &'a [String],
    /// The Kubernetes verb, or the HTTP method in lower case if the request is not for a resource.
    pub verb: &'a str,
    /// What the request is for.
    pub target: Target<'a>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A resource.
    Resource {
        /// The API group; empty for the core group.
        api_group: &'a str,
        /// The resource, in the plural.
        resource: &'a str,
        /// The subresource; empty if there is none.
        subresource: &'a str,
        /// The namespace; empty for cluster scope, and across all namespaces.
        namespace: &'a str,
    },
    /// Any other path, without its query.
    Path(&'a str),
}

/// The FlowSchemas of a configuration in the order in which the server tries them.
#[derive(Clone, Debug)]
pub struct Matcher<'c> {
    schemas: Vec<(&'c FlowSchema, &'c PriorityLevel)>,
    dangling: Vec<&'c FlowSchema>,
}

/// The FlowSchema, priority level and flow of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification<'c> {
    /// The FlowSchema that gets the request.
    pub flow_schema: &'c FlowSchema,
    /// That schema's priority level.
    pub priority_level: &'c PriorityLevel,
    /// The flow distinguisher; `None` if the FlowSchema has no method, and if the priority level has only one queue,
    /// for which the server does not compute it. For the hash of the flow this equals an empty one.
    pub flow_distinguisher: Option<String>,
    /// Whether the FlowSchema matches; false if none does and `catch-all` gets the request.
    pub is_match: bool,
}

impl<'c> Matcher<'c> {
    /// Orders the FlowSchemas of a configuration. It should include the mandatory objects
    /// ([`live_config`](super::live_config)).
    pub fn new(config: &'c Config) -> Self {
        let mut schemas: Vec<&FlowSchema> = config.flow_schemas.iter().collect();
        schemas.sort_by(|a, b| (a.matching_precedence, &a.name).cmp(&(b.matching_precedence, &b.name)));
        let level = |schema: &FlowSchema| config.priority_level(&schema.priority_level);
        let (served, dangling) = schemas.into_iter().partition::<Vec<_>, _>(|schema| level(schema).is_some());
        let schemas = served.into_iter().filter_map(|schema| Some((schema, level(schema)?))).collect();
        Self { schemas, dangling }
    }

    /// The FlowSchemas that are tried, in order, each with its priority level.
    pub fn schemas(&self) -> &[(&'c FlowSchema, &'c PriorityLevel)] {
        &self.schemas
    }

    /// The FlowSchemas that are skipped because their priority level does not exist, in order.
    pub fn dangling(&self) -> &[&'c FlowSchema] {
        &self.dangling
    }

    /// Classifies a request; `None` if nothing matches and there is no `catch-all`, which every server has.
    pub fn classify(&self, request: &Attributes<'_>) -> Option<Classification<'c>> {
        let found = self.schemas.iter().find(|(schema, _)| matches_flow_schema(schema, request));
        let last_resort = || self.schemas.iter().find(|(schema, _)| schema.name == CATCH_ALL);
        let (flow_schema, priority_level) = found.or_else(last_resort).copied()?;
        let has_hands = priority_level.queuing().is_some_and(|queuing| queuing.queues > 1);
        let has_distinguisher = has_hands && flow_schema.distinguisher_method.is_some();
        Some(Classification {
            flow_schema,
            priority_level,
            flow_distinguisher: has_distinguisher.then(|| compute_flow_distinguisher(flow_schema, request).to_owned()),
            is_match: found.is_some(),
        })
    }
}

/// The FlowSchema of requests that match no other.
pub(super) const CATCH_ALL: &str = "catch-all";

/// Matches all values if it is the only entry of a list.
pub(super) const ALL: &str = "*";

/// Whether a FlowSchema matches a request, regardless of those before it.
pub fn matches_flow_schema(schema: &FlowSchema, request: &Attributes<'_>) -> bool {
    schema.rules.iter().any(|rule| find_nearest_miss(rule, request).is_none())
}

/// The value that determines a request's flow within the FlowSchema (`computeFlowDistinguisher`).
pub fn compute_flow_distinguisher<'a>(schema: &FlowSchema, request: &Attributes<'a>) -> &'a str {
    match (schema.distinguisher_method, request.target) {
        (Some(DistinguisherMethod::ByUser), _) => request.user,
        (Some(DistinguisherMethod::ByNamespace), Target::Resource { namespace, .. }) => namespace,
        _ => "",
    }
}

/// The first part of a rule that a request does not match; among several resource rules, that of the closest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    /// No subject is the user or one of its groups.
    Subject,
    /// The request is for a resource and the rule has only non-resource rules, or the other way round.
    Target,
    /// The verb.
    Verb,
    /// The API group.
    ApiGroup,
    /// The resource, with its subresource; or the path.
    Resource,
    /// The request's namespace is not among those of the rule.
    Namespace,
    /// The request has no namespace, and the rule lacks `clusterScope`.
    ClusterScope,
}

/// Why a rule does not match a request; `None` if it does.
pub fn find_nearest_miss(rule: &Rule, request: &Attributes<'_>) -> Option<Miss> {
    if !rule.subjects.iter().any(|subject| matches_subject(subject, request)) {
        return Some(Miss::Subject);
    }
    let misses: Vec<Option<Miss>> = match request.target {
        Target::Resource { .. } => rule.resource_rules.iter().map(|rule| resource_miss(rule, request)).collect(),
        Target::Path(path) => rule.non_resource_rules.iter().map(|rule| path_miss(rule, request.verb, path)).collect(),
    };
    if misses.contains(&None) {
        return None;
    }
    Some(misses.into_iter().flatten().max().unwrap_or(Miss::Target))
}

/// Whether a subject is the request's user or one of its groups.
pub fn matches_subject(subject: &Subject, request: &Attributes<'_>) -> bool {
    match subject {
        Subject::User(name) => name == ALL || name == request.user,
        Subject::Group(name) => name == ALL || request.groups.contains(name),
        Subject::ServiceAccount { namespace, name } => {
            let account = ServiceAccount::parse(request.user).filter(|account| account.namespace == namespace);
            account.is_some_and(|account| name == ALL || name == account.name)
        }
    }
}

/// Why a resource rule does not match a request; `None` if it does.
pub(super) fn resource_miss(rule: &ResourceRule, request: &Attributes<'_>) -> Option<Miss> {
    let Target::Resource { api_group, resource, subresource, namespace } = request.target else {
        return Some(Miss::Target);
    };
    let wanted = resource_with_subresource(resource, subresource);
    if !includes(&rule.verbs, request.verb) {
        Some(Miss::Verb)
    } else if !includes(&rule.api_groups, api_group) {
        Some(Miss::ApiGroup)
    } else if !includes(&rule.resources, &wanted) {
        Some(Miss::Resource)
    } else if namespace.is_empty() {
        (!rule.cluster_scope).then_some(Miss::ClusterScope)
    } else {
        (!includes(&rule.namespaces, namespace)).then_some(Miss::Namespace)
    }
}

/// Why a non-resource rule does not match a request; `None` if it does.
pub(super) fn path_miss(rule: &NonResourceRule, verb: &str, path: &str) -> Option<Miss> {
    if !includes(&rule.verbs, verb) {
        return Some(Miss::Verb);
    }
    (!rule.non_resource_urls.iter().any(|url| covers_path(url, path))).then_some(Miss::Resource)
}

/// Whether a list of names includes one: `*` stands for all names only if it is alone in the list.
pub(super) fn includes(list: &[String], name: &str) -> bool {
    matches!(list, [only] if only == ALL) || list.iter().any(|held| held == name)
}

/// Whether the URL of a rule covers a path: the same path, or one below it (`matchPolicyRuleNonResourceURL`).
pub(super) fn covers_path(url: &str, path: &str) -> bool {
    if url == ALL || url == path {
        return true;
    }
    let folder = url.strip_suffix('*').unwrap_or(url);
    path.strip_prefix(folder).is_some_and(|rest| folder.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;
    use crate::apf::{LevelKind, LimitResponse, ObjectLocation, Queuing};

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }

    fn schema(name: &str, precedence: i32, rules: Vec<Rule>) -> FlowSchema {
        FlowSchema {
            name: name.into(),
            priority_level: "level".into(),
            matching_precedence: precedence,
            distinguisher_method: Some(DistinguisherMethod::ByUser),
            rules,
            is_autoupdated: None,
            location: ObjectLocation::default(),
        }
    }

    fn level(name: &str, limit_response: LimitResponse) -> PriorityLevel {
        PriorityLevel {
            name: name.into(),
            kind: LevelKind::Limited {
                nominal_concurrency_shares: 30,
                lendable_percent: 0,
                borrowing_limit_percent: None,
                limit_response,
            },
            is_autoupdated: None,
            location: ObjectLocation::default(),
        }
    }

    const QUEUES: LimitResponse = LimitResponse::Queue(Queuing { queues: 64, hand_size: 8, queue_length_limit: 50 });

    fn everybody() -> Vec<Subject> {
        vec![Subject::Group("system:authenticated".into())]
    }

    fn resources(verbs: &[&str], groups: &[&str], resources: &[&str], namespaces: &[&str], cluster: bool) -> Rule {
        let rule = ResourceRule {
            verbs: texts(verbs),
            api_groups: texts(groups),
            resources: texts(resources),
            namespaces: texts(namespaces),
            cluster_scope: cluster,
        };
        Rule { subjects: everybody(), resource_rules: vec![rule], non_resource_rules: Vec::new() }
    }

    fn paths(verbs: &[&str], urls: &[&str]) -> Rule {
        let rule = NonResourceRule { verbs: texts(verbs), non_resource_urls: texts(urls) };
        Rule { subjects: everybody(), resource_rules: Vec::new(), non_resource_rules: vec![rule] }
    }

    static AUTHENTICATED: LazyLock<Vec<String>> = LazyLock::new(|| texts(&["system:authenticated"]));

    fn request<'a>(verb: &'a str, target: Target<'a>) -> Attributes<'a> {
        Attributes { user: "alice", groups: &AUTHENTICATED, verb, target }
    }

    fn pods(subresource: &'static str, namespace: &'static str) -> Target<'static> {
        Target::Resource { api_group: "", resource: "pods", subresource, namespace }
    }

    /// The trap that lets through just the LIST that kills a server.
    #[test]
    fn a_list_across_all_namespaces_needs_cluster_scope() {
        let across = request("list", pods("", ""));
        let within = request("list", pods("", "default"));
        let star_only = resources(&["list"], &[""], &["pods"], &["*"], false);
        assert_eq!(find_nearest_miss(&star_only, &across), Some(Miss::ClusterScope));
        assert_eq!(find_nearest_miss(&star_only, &within), None);
        let cluster_only = resources(&["list"], &[""], &["pods"], &[], true);
        assert_eq!(find_nearest_miss(&cluster_only, &across), None);
        assert_eq!(find_nearest_miss(&cluster_only, &within), Some(Miss::Namespace));
        let both = resources(&["list"], &[""], &["pods"], &["*"], true);
        assert_eq!((find_nearest_miss(&both, &across), find_nearest_miss(&both, &within)), (None, None));
    }

    #[test]
    fn a_resource_does_not_stand_for_its_subresources() {
        let bare = resources(&["*"], &["*"], &["pods"], &["*"], true);
        assert_eq!(find_nearest_miss(&bare, &request("get", pods("status", "default"))), Some(Miss::Resource));
        let all_of_pods = resources(&["*"], &["*"], &["pods/*"], &["*"], true);
        assert_eq!(find_nearest_miss(&all_of_pods, &request("get", pods("status", "default"))), Some(Miss::Resource));
        let all = resources(&["*"], &["*"], &["*"], &["*"], true);
        assert_eq!(find_nearest_miss(&all, &request("get", pods("status", "default"))), None);
    }

    #[test]
    fn a_star_counts_only_where_it_stands_alone() {
        let mixed = resources(&["get", "*"], &["*"], &["*"], &["*"], true);
        assert_eq!(find_nearest_miss(&mixed, &request("list", pods("", "default"))), Some(Miss::Verb));
    }

    #[test]
    fn a_path_matches_all_that_is_below_it() {
        for (url, path, expected) in [
            ("/healthz", "/healthz", true),
            ("/healthz", "/healthz/etcd", true),
            ("/healthz", "/healthzz", false),
            ("/healthz/*", "/healthz", false),
            ("/healthz/*", "/healthz/etcd", true),
            ("/apis/*", "/apis", false),
            ("/apis/*", "/apis/apps/v1", true),
            ("/apis*", "/apis/apps/v1", true),
            ("/apis*", "/apisx", false),
            ("/", "/", true),
            ("/", "/version", true),
            ("*", "/anything", true),
        ] {
            let rule = paths(&["get"], &[url]);
            let is_match = find_nearest_miss(&rule, &request("get", Target::Path(path))).is_none();
            assert_eq!(is_match, expected, "{url} {path}");
        }
    }

    #[test]
    fn resource_rules_are_not_asked_about_paths_nor_path_rules_about_resources() {
        let of_resources = resources(&["*"], &["*"], &["*"], &["*"], true);
        assert_eq!(find_nearest_miss(&of_resources, &request("get", Target::Path("/version"))), Some(Miss::Target));
        let of_paths = paths(&["*"], &["*"]);
        assert_eq!(find_nearest_miss(&of_paths, &request("get", pods("", "default"))), Some(Miss::Target));
    }

    #[test]
    fn subjects_are_compared_as_they_are() {
        let account = |name: &str| Subject::ServiceAccount { namespace: "kube-system".into(), name: name.into() };
        let calico = "system:serviceaccount:kube-system:calico-node";
        for (subject, user, expected) in [
            (Subject::User("alice".into()), "alice", true),
            (Subject::User("ali*".into()), "alice", false),
            (Subject::User("*".into()), "anybody", true),
            (Subject::Group("system:nodes".into()), "alice", false),
            (Subject::Group("system:authenticated".into()), "alice", true),
            (Subject::Group("*".into()), "alice", true),
            (account("*"), calico, true),
            (account("calico-node"), calico, true),
            (account("calico"), calico, false),
            (account("*"), "system:serviceaccount:kube-system-extra:calico-node", false),
            (account("*"), "alice", false),
        ] {
            let request = Attributes { user, ..request("get", Target::Path("/")) };
            assert_eq!(matches_subject(&subject, &request), expected, "{subject:?} {user}");
        }
        let nobody = Attributes { groups: &[], ..request("get", Target::Path("/")) };
        assert!(!matches_subject(&Subject::Group("*x".into()), &nobody));
    }

    fn config(schemas: Vec<FlowSchema>) -> Config {
        Config { flow_schemas: schemas, priority_levels: vec![level("level", QUEUES)] }
    }

    fn all() -> Vec<Rule> {
        vec![resources(&["*"], &["*"], &["*"], &["*"], true)]
    }

    fn winner(config: &Config, request: &Attributes<'_>) -> String {
        Matcher::new(config).classify(request).unwrap().flow_schema.name.clone()
    }

    #[test]
    fn the_lowest_precedence_wins_and_names_break_ties() {
        let request = request("list", pods("", "default"));
        let by_number = config(vec![schema("a", 900, all()), schema("b", 90, all())]);
        assert_eq!(winner(&by_number, &request), "b");
        let by_name = config(vec![schema("b", 900, all()), schema("a", 900, all()), schema("B", 900, all())]);
        assert_eq!(winner(&by_name, &request), "B", "names are compared by their bytes");
    }

    #[test]
    fn a_schema_without_its_level_is_not_asked() {
        let mut dangling = schema("first", 1, all());
        dangling.priority_level = "gone".into();
        let config = config(vec![dangling, schema("second", 2, all())]);
        assert_eq!(winner(&config, &request("list", pods("", "default"))), "second");
        assert_eq!(Matcher::new(&config).dangling().len(), 1);
    }

    #[test]
    fn what_nothing_matches_goes_to_catch_all() {
        let config = config(vec![schema("empty", 5, Vec::new()), schema(CATCH_ALL, 10_000, all())]);
        let nobody = Attributes { groups: &[], ..request("list", pods("", "default")) };
        let found = Matcher::new(&config).classify(&nobody).unwrap();
        assert_eq!((found.flow_schema.name.as_str(), found.is_match), (CATCH_ALL, false));
    }

    #[test]
    fn by_namespace_makes_one_flow_of_all_that_have_none() {
        let mut by_namespace = schema("s", 5, all());
        by_namespace.distinguisher_method = Some(DistinguisherMethod::ByNamespace);
        assert_eq!(compute_flow_distinguisher(&by_namespace, &request("list", pods("", "default"))), "default");
        assert_eq!(compute_flow_distinguisher(&by_namespace, &request("list", pods("", ""))), "");
        assert_eq!(compute_flow_distinguisher(&by_namespace, &request("get", Target::Path("/version"))), "");
    }

    #[test]
    fn no_distinguisher_is_computed_where_there_is_one_queue_or_none() {
        let one = Queuing { queues: 1, hand_size: 1, queue_length_limit: 50 };
        for (response, expected) in
            [(LimitResponse::Queue(one), None), (LimitResponse::Reject, None), (QUEUES, Some("alice".to_owned()))]
        {
            let config =
                Config { flow_schemas: vec![schema("s", 5, all())], priority_levels: vec![level("level", response)] };
            let found = Matcher::new(&config).classify(&request("list", pods("", "default"))).unwrap();
            assert_eq!(found.flow_distinguisher, expected);
        }
    }

    /// A second version, as far as can be from the first: all combinations spelled out, with strings put together.
    fn naive(schema: &FlowSchema, request: &Attributes<'_>) -> bool {
        let mut names = vec![format!("User {}", request.user), "User *".to_owned(), "Group *".to_owned()];
        names.extend(request.groups.iter().map(|group| format!("Group {group}")));
        if let Some((namespace, name)) =
            request.user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'))
        {
            names.extend([format!("ServiceAccount {namespace}/{name}"), format!("ServiceAccount {namespace}/*")]);
        }
        let say = |subject: &Subject| match subject {
            Subject::User(name) => format!("User {name}"),
            Subject::Group(name) => format!("Group {name}"),
            Subject::ServiceAccount { namespace, name } => format!("ServiceAccount {namespace}/{name}"),
        };
        let among = |list: &[String], name: &str| *list == ["*"] || list.iter().any(|one| one == name);
        let mut is_match = false;
        for rule in &schema.rules {
            let has_subject = rule.subjects.iter().any(|subject| names.contains(&say(subject)));
            let mut fits = false;
            match request.target {
                Target::Resource { api_group, resource, subresource, namespace } => {
                    let resource = [resource, subresource].join("/");
                    for rule in &rule.resource_rules {
                        let scope = match namespace {
                            "" => rule.cluster_scope,
                            _ => among(&rule.namespaces, namespace),
                        };
                        let is_all = among(&rule.verbs, request.verb) && among(&rule.api_groups, api_group) && scope;
                        fits |= is_all && among(&rule.resources, resource.trim_end_matches('/'));
                    }
                }
                Target::Path(path) => {
                    for rule in &rule.non_resource_rules {
                        let mut folders = vec![path.to_owned()];
                        let parts: Vec<&str> = path.split('/').collect();
                        folders.extend((1..parts.len()).map(|end| parts[..end].join("/")));
                        let is_url = |url: &String| {
                            url == "*"
                                || url == path
                                || folders[1..]
                                    .iter()
                                    .any(|folder| format!("{folder}/") == url.trim_end_matches('*') || folder == url)
                        };
                        fits |= among(&rule.verbs, request.verb) && rule.non_resource_urls.iter().any(is_url);
                    }
                }
            }
            is_match |= has_subject && fits;
        }
        is_match
    }

    fn some(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
        prop_oneof![
            1 => Just(vec!["*".to_owned()]),
            3 => subsequence(of, 0..=of.len().min(3)).prop_map(|names| texts(&names)),
        ]
    }

    const USERS: [&str; 5] = [
        "alice",
        "system:node:n1",
        "system:serviceaccount:kube-system:calico-node",
        "system:serviceaccount:default:default",
        "system:serviceaccount:default:x",
    ];
    const GROUPS: [&str; 4] = ["system:authenticated", "system:nodes", "system:serviceaccounts", "system:masters"];
    const VERBS: [&str; 5] = ["list", "get", "watch", "create", "post"];
    const NAMESPACES: [&str; 3] = ["default", "kube-system", "apps"];
    const RESOURCES: [&str; 4] = ["pods", "pods/status", "nodes", "leases"];
    const URLS: [&str; 7] = ["/healthz", "/healthz/*", "/", "/apis/*", "/apis", "/healthz/etcd", "/version"];

    fn subjects() -> impl Strategy<Value = Subject> {
        prop_oneof![
            select([USERS.as_slice(), &["*"]].concat()).prop_map(|name| Subject::User(name.into())),
            select([GROUPS.as_slice(), &["*"]].concat()).prop_map(|name| Subject::Group(name.into())),
            (select(NAMESPACES.as_slice()), select(["*", "default", "x", "calico-node"].as_slice())).prop_map(
                |(namespace, name)| Subject::ServiceAccount { namespace: namespace.into(), name: name.into() }
            ),
        ]
    }

    prop_compose! {
        fn resource_rules()(
            verbs in some(&VERBS),
            api_groups in some(&["", "apps", "coordination.k8s.io"]),
            resources in some(&RESOURCES),
            namespaces in some(&NAMESPACES),
            cluster_scope: bool,
        ) -> ResourceRule {
            ResourceRule { verbs, api_groups, resources, namespaces, cluster_scope }
        }
    }

    prop_compose! {
        fn rules()(
            subjects in proptest::collection::vec(subjects(), 0..3),
            resource_rules in proptest::collection::vec(resource_rules(), 0..3),
            paths in proptest::collection::vec((some(&VERBS), some(&URLS)), 0..3),
        ) -> Rule {
            let path_rule = |(verbs, non_resource_urls)| NonResourceRule { verbs, non_resource_urls };
            Rule { subjects, resource_rules, non_resource_rules: paths.into_iter().map(path_rule).collect() }
        }
    }

    fn targets() -> impl Strategy<Value = Target<'static>> {
        let resources = (
            select(["", "apps", "coordination.k8s.io"].as_slice()),
            select([("pods", ""), ("pods", "status"), ("pods", "log"), ("nodes", ""), ("leases", "")].as_slice()),
            select([NAMESPACES.as_slice(), &[""]].concat()),
        );
        prop_oneof![
            2 => resources.prop_map(|(api_group, (resource, subresource), namespace)| {
                Target::Resource { api_group, resource, subresource, namespace }
            }),
            1 => select(["/", "/healthz", "/healthz/etcd", "/healthzz", "/apis", "/apis/apps/v1", "/version"].as_slice())
                .prop_map(Target::Path),
        ]
    }

    proptest! {
        #[test]
        fn matching_agrees_with_a_naive_second_version(
            rules in proptest::collection::vec(rules(), 0..4),
            user in select(USERS.as_slice()),
            groups in subsequence(GROUPS.as_slice(), 0..=GROUPS.len()),
            verb in select(VERBS.as_slice()),
            target in targets(),
        ) {
            let schema = schema("s", 5, rules);
            let groups = texts(&groups);
            let request = Attributes { user, groups: &groups, verb, target };
            prop_assert_eq!(matches_flow_schema(&schema, &request), naive(&schema, &request));
        }
    }
}
