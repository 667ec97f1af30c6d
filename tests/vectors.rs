//! What upstream's own code answers, case by case: files of inputs with the answers of Kubernetes, made by running it.

mod queueset;

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stormglass::apf::{
    Circumstances, Class, Config, Features, Manifest, Matcher, ObjectStats, RequestDigest, Work, allocate, deal,
    default_config, estimate_work, flow_hash, is_valid_dealer, matches_flow_schema,
};
use stormglass::kubernetes::{RequestInfo, Version};

use crate::support::folder;

/// What `requestinfo*` holds.
#[derive(Deserialize)]
struct RequestInfos {
    cases: Vec<RequestInfoCase>,
}

#[derive(Deserialize)]
struct RequestInfoCase {
    method: String,
    url: String,
    info: Info,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Info {
    is_resource_request: bool,
    verb: String,
    api_group: String,
    api_version: String,
    namespace: String,
    resource: String,
    subresource: String,
    name: String,
    path: String,
}

/// What `seats*` holds.
#[derive(Deserialize)]
struct Seats {
    cases: Vec<SeatsCase>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SeatsCase {
    method: String,
    #[serde(rename = "URL")]
    url: String,
    object_count: u64,
    avg_bytes: u64,
    count_error: Option<String>,
    watchers: u32,
    level_max_seats: u32,
    size_based: bool,
    watch_list: bool,
    consistent_list_from_cache: bool,
    initial: u32,
    r#final: u32,
    additional_latency_ns: u64,
}

/// What `dealing*` holds.
#[derive(Deserialize)]
struct Dealing {
    cases: Vec<Deal>,
    dealer_validity: Vec<DealerValidity>,
}

#[derive(Debug, Deserialize)]
struct Deal {
    #[serde(default)]
    flow_schema: String,
    distinguisher: String,
    hash: String,
    queues: u32,
    hand_size: u32,
    hand: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DealerValidity {
    queues: i32,
    hand_size: i32,
    valid: bool,
}

/// What `allocation*` holds.
#[derive(Deserialize)]
struct Allocations {
    cases: Vec<AllocationCase>,
}

#[derive(Debug, Deserialize)]
struct AllocationCase {
    required_sum: u32,
    target: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    allocation: Option<Vec<f64>>,
    fair_proportion: f64,
    error: Option<String>,
}

/// What `matching*` holds.
#[derive(Deserialize)]
struct Matching {
    sets: Vec<MatchingSet>,
}

#[derive(Deserialize)]
struct MatchingSet {
    flow_schemas_besides_the_default_ones: Option<Vec<Value>>,
    cases: Vec<MatchingCase>,
}

#[derive(Debug, Deserialize)]
struct MatchingCase {
    user: String,
    groups: Vec<String>,
    method: String,
    url: String,
    first_match: String,
    all_matches_in_order: Option<Vec<String>>,
}

#[test]
fn flow_schemas_match_what_upstream_matches() {
    each::<Matching>("matching", |matching, failures| {
        for set in matching.sets {
            let config = config_of(&set);
            let matcher = Matcher::new(&config);
            for case in &set.cases {
                let (first, all) = case.answer(&matcher);
                let expected = case.all_matches_in_order.clone().unwrap_or_default();
                let is_right = first == case.first_match && all == expected;
                failures.check(is_right, || format!("{first:?}, {all:?} for {case:?}"));
            }
        }
    });
}

/// The default objects, a Limited level named `custom`, and the schemas of the set.
fn config_of(set: &MatchingSet) -> Config {
    let object = |kind: &str, mut object: Value| {
        object["apiVersion"] = json!("flowcontrol.apiserver.k8s.io/v1");
        object["kind"] = json!(kind);
        object.to_string()
    };
    let level = json!({
        "metadata": {"name": "custom"},
        "spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}},
    });
    let schemas = set.flow_schemas_besides_the_default_ones.clone().unwrap_or_default();
    let mut texts = vec![object("PriorityLevelConfiguration", level)];
    texts.extend(schemas.into_iter().map(|schema| object("FlowSchema", schema)));
    let read = Manifest::read(&texts.join("\n"), None);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    default_config(Version::new(1, 36)).with(&read.config)
}

impl MatchingCase {
    /// The first FlowSchema that matches, empty if none does, and all that match in order.
    fn answer(&self, matcher: &Matcher<'_>) -> (String, Vec<String>) {
        let info = RequestInfo::parse(&self.method, &self.url);
        let digest = RequestDigest::new(&self.user, &self.groups, &info, &self.url);
        let request = digest.attributes();
        let first = matcher.classify(&request).filter(|found| found.is_match);
        let all = matcher.schemas().iter().filter(|(schema, _)| matches_flow_schema(schema, &request));
        (
            first.map(|found| found.flow_schema.name.clone()).unwrap_or_default(),
            all.map(|(schema, _)| schema.name.clone()).collect(),
        )
    }
}

#[test]
fn verb_scope_and_object_are_read_as_upstream_does() {
    each::<RequestInfos>("requestinfo", |infos, failures| {
        for case in infos.cases {
            let info = RequestInfo::parse(&case.method, &case.url);
            let answer = Info {
                is_resource_request: info.is_resource_request,
                verb: info.verb.into(),
                api_group: info.api_group.into(),
                api_version: info.api_version.into(),
                namespace: info.namespace.into(),
                resource: info.resource.into(),
                subresource: info.subresource.into(),
                name: info.name.into(),
                path: info.path.into(),
            };
            failures.check(answer == case.info, || format!("{} {}: {answer:?}", case.method, case.url));
        }
    });
}

#[test]
fn work_is_estimated_as_upstream_does() {
    each::<Seats>("seats", |seats, failures| {
        for case in seats.cases {
            let info = RequestInfo::parse(&case.method, &case.url);
            let estimate =
                estimate_work(&Work::from_request(&info, &case.url), &case.circumstances(), &case.features());
            let answer = (estimate.initial_seats, estimate.final_seats, estimate.additional_latency_nanos);
            let expected = (case.initial, case.r#final, case.additional_latency_ns);
            failures.check(answer == expected, || format!("{answer:?} for {case:?}"));
        }
    });
}

#[test]
fn flows_are_dealt_the_queues_that_upstream_deals_them() {
    each::<Dealing>("dealing", |dealing, failures| {
        for case in dealing.cases {
            let hash: u64 = case.hash.parse().unwrap();
            let is_of_flow = case.flow_schema.is_empty() || flow_hash(&case.flow_schema, &case.distinguisher) == hash;
            let hand = deal(hash, case.queues, case.hand_size);
            failures.check(is_of_flow && hand == case.hand, || format!("{hand:?} for {case:?}"));
        }
        for case in dealing.dealer_validity {
            failures.check(is_valid_dealer(case.queues, case.hand_size) == case.valid, || format!("{case:?}"));
        }
    });
}

#[test]
fn seats_are_divided_as_upstream_does() {
    each::<Allocations>("allocation", |allocations, failures| {
        for case in allocations.cases {
            let bounds = case.lower.iter().zip(&case.upper);
            let classes = case.target.iter().zip(bounds);
            let classes: Vec<Class> =
                classes.map(|(&target, (&lower, &upper))| Class { target, lower, upper }).collect();
            let answer = allocate(case.required_sum, &classes);
            let is_right = match (&answer, &case.allocation) {
                (Ok(answer), Some(parts)) => {
                    let is_fair = is_near(answer.fair_proportion, case.fair_proportion);
                    let are_equal = answer.parts.len() == parts.len()
                        && answer.parts.iter().zip(parts).all(|(part, expected)| is_near(*part, *expected));
                    case.error.is_none() && is_fair && are_equal
                }
                (Ok(answer), None) => case.error.is_none() && answer.parts.is_empty(),
                (Err(_), _) => case.error.is_some(),
            };
            failures.check(is_right, || format!("{answer:?} for {case:?}"));
        }
    });
}

impl SeatsCase {
    fn circumstances(&self) -> Circumstances {
        let objects = match self.count_error.as_deref() {
            None => ObjectStats::Known { count: self.object_count, object_bytes: Some(self.avg_bytes) },
            Some("not-found") => ObjectStats::NotFound,
            Some("stale") => ObjectStats::Stale,
            Some(other) => panic!("no such error: {other}"),
        };
        let level_max_seats = Some(self.level_max_seats).filter(|seats| *seats > 0);
        Circumstances { objects, watcher_count: self.watchers, level_max_seats }
    }

    /// The files are of 1.36.
    fn features(&self) -> Features {
        Features {
            size_based_list_cost: self.size_based,
            watch_list: self.watch_list,
            consistent_list_from_cache: self.consistent_list_from_cache,
            ..Features::for_version(Version::new(1, 36))
        }
    }
}

/// What came out other than expected.
#[derive(Default)]
struct Failures {
    cases: usize,
    wrong: Vec<String>,
}

impl Failures {
    fn check(&mut self, is_right: bool, case: impl FnOnce() -> String) {
        self.cases += 1;
        if !is_right {
            self.wrong.push(case());
        }
    }
}

/// Checks each file whose name begins so. There may be several, of other seeds, but one there has to be.
fn each<T: DeserializeOwned>(prefix: &str, check: impl Fn(T, &mut Failures)) {
    let Some(folder) = folder("STORMGLASS_VECTORS") else {
        return;
    };
    let files = files(&folder, prefix);
    assert!(!files.is_empty(), "{} has no file {prefix}*", folder.display());
    for file in files {
        let mut failures = Failures::default();
        check(read(&file), &mut failures);
        let Failures { cases, wrong } = failures;
        let first: Vec<&String> = wrong.iter().take(10).collect();
        assert!(wrong.is_empty(), "{}: {} of {cases} are wrong, first {first:#?}", file.display(), wrong.len());
        assert!(cases > 0, "{} has no cases", file.display());
    }
}

fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with(prefix) && (name.ends_with(".json") || name.ends_with(".json.gz"))
    });
    files.sort();
    files
}

fn read<T: DeserializeOwned>(file: &Path) -> T {
    let text = File::open(file).unwrap();
    if file.extension().is_some_and(|extension| extension == "gz") {
        serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(text))).unwrap()
    } else {
        serde_json::from_reader(std::io::BufReader::new(text)).unwrap()
    }
}

/// Proportions may be large, where a target is next to nothing.
fn is_near(answer: f64, expected: f64) -> bool {
    (answer - expected).abs() <= 1e-6 * expected.abs().max(1.0)
}
