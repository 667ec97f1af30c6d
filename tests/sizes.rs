//! Sizes of resources by a server's own metrics alone, against collections whose bytes were measured.

use serde::Deserialize;
use stormglass::analysis::query::{Question, query};
use stormglass::dimensions::{Settings, measured_server};
use stormglass::kubernetes::Version;
use stormglass::tables::{Format, Params};

use crate::support::{block_on, folder, metrics, session};

#[derive(Debug, Deserialize)]
struct Size {
    resource: String,
    low: Option<u64>,
    high: Option<u64>,
}

fn sizes(log: &std::path::Path, settings: Settings) -> Vec<Size> {
    let text = "select resource, collection_low_bytes as low, collection_high_bytes as high from resource_sizes";
    let question = Question::Sql { name: "test".to_owned(), text: text.to_owned() };
    let session = session(&[log], settings);
    let mut lines = Vec::new();
    block_on(async {
        let answer = query(&session, &question, &Params::new()).await.unwrap();
        answer.write(Format::Ndjson, &mut lines).await.unwrap();
    });
    serde_json::Deserializer::from_slice(&lines).into_iter().map(Result::unwrap).collect()
}

/// Bytes of the whole collection in JSON, measured by a client.
const CONFIGMAPS: u64 = 18_891_686;
const WIDGETS: u64 = 10_604_010;
const PODS: u64 = 1_458_855;

#[test]
fn one_file_of_metrics_tells_how_big_collections_are() {
    let Some(lab) = folder("STORMGLASS_LAB2") else { return };
    for (run, resource, truth) in [
        ("v136-before-1", "configmaps", CONFIGMAPS),
        ("legacy-before-1", "configmaps", CONFIGMAPS),
        ("gzip-v136-before", "configmaps", CONFIGMAPS),
        ("crd-oom", "widgets", WIDGETS),
        ("v136-before-1", "pods", PODS),
        ("crd-oom", "pods", PODS),
    ] {
        for file in ["metrics-storm.txt.gz", "metrics.txt.gz"] {
            let metrics = vec![metrics(&lab.join(run).join(file), None)];
            let found = sizes(&lab.join(run).join("audit.log.gz"), Settings { metrics, ..Settings::default() });
            let size = found.iter().find(|size| size.resource == resource).unwrap();
            let (low, high) = (size.low.unwrap(), size.high.unwrap());
            // The collections grew and shrank by some objects during the runs.
            assert!(low <= truth / 100 * 101 && truth <= high && high / 6 < low, "{run} {file}: {size:?}");
            if run != "gzip-v136-before" {
                assert!(low >= truth / 100 * 95, "{run} {file}: {size:?}");
            }
        }
    }
}

#[test]
fn metrics_tell_the_version_and_the_gates_that_are_off() {
    let Some(lab) = folder("STORMGLASS_LAB2") else { return };
    let server = |run: &str| measured_server([&metrics(&lab.join(run).join("metrics.txt.gz"), None).snapshot]).server;
    let new = server("v136-before-1");
    assert_eq!((new.version, new.reads_lists_from_etcd), (Some(Version::new(1, 36)), Some(false)));
    assert_eq!(new.streams_encoding, Some(true));
    let old = server("legacy-before-1");
    assert_eq!((old.version, old.reads_lists_from_etcd), (Some(Version::new(1, 33)), Some(true)));
    assert_eq!(old.streams_encoding, Some(false));
}
