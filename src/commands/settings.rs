//! Reads what the user says about the cluster: clients, sizes, the server, and its APF configuration.

use std::fs;
use std::io;

use anyhow::{Context, Result, bail};

use super::httplog::read_httplogs;
use super::manifests::{read_manifests, validate_manifests};
use crate::apf::{DEFAULT_SERVER_CONCURRENCY, Features};
use crate::audit::parse_instant;
use crate::cli::{ClientArgs, FindingArgs, FlowArgs, SizeArgs};
use crate::clients::Catalogue;
use crate::console::Console;
use crate::dimensions::{ApfSettings, DatedMetrics, Settings};
use crate::findings::Thresholds;
use crate::memory::{Server, Snapshot};
use crate::source::open_beside;

/// Reads what the arguments name.
pub(super) fn read_settings(
    clients: &ClientArgs,
    sizes: &SizeArgs,
    flows: &FlowArgs,
    console: Console,
) -> Result<Settings> {
    let given = sizes.resource.iter().map(|text| text.parse().with_context(|| format!("in --resource {text}")));
    let mut server = Server { version: sizes.kube_version, ..Server::default() };
    let mut gates = Vec::new();
    for text in &sizes.server_features {
        feature(text, &mut server, &mut gates)?;
    }
    Ok(Settings {
        catalogue: catalogue(clients)?,
        given: given.collect::<Result<_>>()?,
        metrics: sizes.metrics.iter().map(|text| metrics(text)).collect::<Result<_>>()?,
        server,
        apf: apf_settings(flows, gates, sizes.server_concurrency, console)?,
    })
}

fn apf_settings(
    args: &FlowArgs,
    gates: Vec<(String, bool)>,
    server_concurrency: Option<u32>,
    console: Console,
) -> Result<ApfSettings> {
    let config = if args.config.is_empty() {
        None
    } else {
        let read = read_manifests(&args.config)?;
        read.notes.iter().for_each(|note| console.note(&note.to_string()));
        Some(validate_manifests(read, "the files of --config")?)
    };
    Ok(ApfSettings {
        config,
        gates,
        server_concurrency: server_concurrency.unwrap_or(DEFAULT_SERVER_CONCURRENCY),
        server_concurrency_is_given: server_concurrency.is_some(),
        verdicts: read_httplogs(&args.httplog, console)?,
    })
}

/// The built-in thresholds, with single values replaced by those of a file.
pub(super) fn read_thresholds(args: &FindingArgs) -> Result<Thresholds> {
    let Some(path) = &args.thresholds else { return Ok(Thresholds::embedded()) };
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    Thresholds::with(&text).with_context(|| format!("in {}", path.display()))
}

/// The built-in catalogue, with the rules of a file before its own.
pub(super) fn catalogue(args: &ClientArgs) -> Result<Catalogue> {
    let Some(path) = &args.clients else {
        return Ok(Catalogue::embedded());
    };
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let own = Catalogue::parse(&text).with_context(|| format!("invalid client catalogue {}", path.display()))?;
    Ok(Catalogue::embedded().extended_by(own))
}

fn feature(text: &str, server: &mut Server, gates: &mut Vec<(String, bool)>) -> Result<()> {
    let (name, state) = text.split_once('=').unwrap_or((text, ""));
    let is_on = match state {
        "on" | "true" => true,
        "off" | "false" => false,
        _ => bail!("invalid --server-features {text:?}: expected NAME=on or NAME=off"),
    };
    match name {
        "StreamingCollectionEncodingToJSON" | "StreamingCollectionEncodingToProtobuf" => {
            server.streams_encoding = Some(is_on);
            return Ok(());
        }
        "ConsistentListFromCache" => server.reads_lists_from_etcd = Some(!is_on),
        _ if Features::GATES.contains(&name) => {}
        _ => bail!(
            "unknown feature gate {name} in --server-features: expected {} or StreamingCollectionEncodingToJSON",
            Features::GATES.join(", ")
        ),
    }
    gates.push((name.to_owned(), is_on));
    Ok(())
}

/// A file of metrics as typed: `FILE`, or `FILE@TIME`.
fn metrics(text: &str) -> Result<DatedMetrics> {
    let at = text.rsplit_once('@').and_then(|(path, time)| Some((path, parse_instant(time)?)));
    let (path, given_at) = at.map_or((text, None), |(path, at)| (path, Some(at)));
    let content =
        open_beside(path.as_ref()).and_then(io::read_to_string).with_context(|| format!("can't read {path}"))?;
    let snapshot = Snapshot::read(&content).with_context(|| format!("in {path}"))?;
    let at = given_at.or_else(|| parse_instant(snapshot.taken.as_deref()?));
    Ok(DatedMetrics { at, snapshot })
}
