//! Reads what the apiserver's own log says about its requests.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::console::Console;
use crate::dimensions::ApiserverDecisions;
use crate::source::open_beside;
use crate::tables::ApiserverDecisionRow;

/// The decisions that the server logged, each once.
pub(super) fn read_httplogs(paths: &[PathBuf], console: Console) -> Result<Vec<ApiserverDecisionRow>> {
    let mut decisions = ApiserverDecisions::default();
    for path in paths {
        let doing = || format!("can't read {}", path.display());
        let count = decisions.read(open_beside(path).with_context(doing)?).with_context(doing)?;
        if count == 0 {
            bail!("{} has no line of a request with its audit ID, as an apiserver writes them at -v=3", path.display());
        }
    }
    let count = decisions.ambiguous_count();
    if count > 0 {
        console.note(&format!("{count} audit IDs in --httplog belong to several requests and are left out"));
    }
    Ok(decisions.into_rows())
}
