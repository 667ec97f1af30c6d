//! What is told from outside the logs: clients, sizes, the server, and its configuration.

use std::fs;
use std::io;

use anyhow::{Context, Result, bail};

use super::flows::FlowSettings;
use crate::apf::Features;
use crate::audit::parse_instant;
use crate::cli::{ClientArgs, FlowArgs, SizeArgs};
use crate::clients::Catalogue;
use crate::memory::{Given, Server, Snapshot};
use crate::source::open_beside;

/// What is told of clients and sizes from outside the logs.
#[derive(Debug)]
pub struct Settings {
    /// The rules by which clients are told.
    pub catalogue: Catalogue,
    /// Sizes given by hand.
    pub given: Vec<Given>,
    /// The apiservers' metrics.
    pub metrics: Vec<Taken>,
    /// What is given of the server.
    pub server: Server,
    /// What is told of API Priority and Fairness.
    pub flows: FlowSettings,
}

impl Default for Settings {
    /// Nothing is told: the catalogue is the one that comes along.
    fn default() -> Self {
        Self {
            catalogue: Catalogue::embedded(),
            given: Vec::new(),
            metrics: Vec::new(),
            server: Server::default(),
            flows: FlowSettings::default(),
        }
    }
}

/// A snapshot of metrics, and when it was taken, in microseconds since 1970; `None` if it holds for all times.
#[derive(Debug)]
pub struct Taken {
    at: Option<i64>,
    pub(super) snapshot: Snapshot,
}

impl Settings {
    /// Reads what the arguments name.
    ///
    /// # Errors
    /// When a file can't be read, or something isn't as it should be.
    pub fn of(clients: &ClientArgs, sizes: &SizeArgs) -> Result<Self> {
        Self::with_flows(clients, sizes, &FlowArgs::default())
    }

    /// The same, with what is told of API Priority and Fairness.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_flows(clients: &ClientArgs, sizes: &SizeArgs, flows: &FlowArgs) -> Result<Self> {
        let given = sizes.resource.iter().map(|text| text.parse().with_context(|| format!("in --resource {text}")));
        let mut server = Server { version: sizes.kube_version, ..Server::default() };
        let mut gates = Vec::new();
        for text in &sizes.server_features {
            feature(text, &mut server, &mut gates)?;
        }
        Ok(Self {
            catalogue: catalogue(clients)?,
            given: given.collect::<Result<_>>()?,
            metrics: sizes.metrics.iter().map(|text| metrics(text)).collect::<Result<_>>()?,
            server,
            flows: FlowSettings::of(flows, gates, sizes.server_concurrency)?,
        })
    }
}

/// The catalogue that comes along, with the rules of a file before its own.
pub(super) fn catalogue(args: &ClientArgs) -> Result<Catalogue> {
    let Some(path) = &args.clients else {
        return Ok(Catalogue::embedded());
    };
    let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let own = Catalogue::parse(&text).with_context(|| format!("{} is no catalogue of clients", path.display()))?;
    Ok(Catalogue::embedded().extended_by(own))
}

fn feature(text: &str, server: &mut Server, gates: &mut Vec<(String, bool)>) -> Result<()> {
    let (name, state) = text.split_once('=').unwrap_or((text, ""));
    let is_on = match state {
        "on" | "true" => true,
        "off" | "false" => false,
        _ => bail!("--server-features {text:?} is not of the form NAME=on or NAME=off"),
    };
    match name {
        "StreamingCollectionEncodingToJSON" | "StreamingCollectionEncodingToProtobuf" => {
            server.streams_encoding = Some(is_on);
            return Ok(());
        }
        "ConsistentListFromCache" => server.reads_lists_from_etcd = Some(!is_on),
        _ if Features::GATES.contains(&name) => {}
        _ => bail!(
            "--server-features {name}: only {} and StreamingCollectionEncodingToJSON bear on what a LIST costs",
            Features::GATES.join(", ")
        ),
    }
    gates.push((name.to_owned(), is_on));
    Ok(())
}

/// A file of metrics as typed: `FILE`, or `FILE@TIME`.
fn metrics(text: &str) -> Result<Taken> {
    let at = text.rsplit_once('@').and_then(|(path, time)| Some((path, parse_instant(time)?)));
    let (path, given_at) = at.map_or((text, None), |(path, at)| (path, Some(at)));
    let content =
        open_beside(path.as_ref()).and_then(io::read_to_string).with_context(|| format!("can't read {path}"))?;
    let snapshot = Snapshot::read(&content).with_context(|| format!("in {path}"))?;
    let at = given_at.or_else(|| parse_instant(snapshot.taken.as_deref()?));
    Ok(Taken { at, snapshot })
}

/// The metrics that bound what a server knew at any moment of a span of time: it looks once a minute or so, so that what
/// held at first may have been seen before, and what holds at last may be seen only after.
pub(super) fn metrics_around(taken: &[Taken], first_at: i64, last_at: i64) -> Vec<Snapshot> {
    let at = |taken: &&Taken| taken.at;
    let before = taken.iter().filter(|taken| taken.at.is_some_and(|at| at < first_at)).max_by_key(at);
    let after = taken.iter().filter(|taken| taken.at.is_some_and(|at| at > last_at)).min_by_key(at);
    let within = taken.iter().filter(|taken| taken.at.is_none_or(|at| (first_at..=last_at).contains(&at)));
    before.into_iter().chain(within).chain(after).map(|taken| taken.snapshot.clone()).collect()
}

/// The metrics to go by for a span of time: those taken within it and those for all times; if there are none, the one
/// taken nearest.
pub(super) fn metrics_of(taken: &[Taken], first_at: i64, last_at: i64) -> Vec<Snapshot> {
    let distance = |at: i64| (first_at - at).max(at - last_at).max(0);
    let within = |taken: &&Taken| taken.at.is_none_or(|at| distance(at) == 0);
    let mut found: Vec<_> = taken.iter().filter(within).map(|taken| taken.snapshot.clone()).collect();
    if found.is_empty() {
        let nearest = taken.iter().min_by_key(|taken| taken.at.map(distance));
        found.extend(nearest.map(|taken| taken.snapshot.clone()));
    }
    found
}
