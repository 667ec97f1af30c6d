//! The end of an apiserver nearest to a time, wherever it is in the logs: what was meant when a time is a little off.

use super::{AnalysisError, Session};
use crate::audit::Micros;
use crate::findings::{Death, Restart, find_server_ends};
use crate::requests::Window;
use crate::tables::{Params, TypedRow};

/// Looks for the nearest end in all of the logs, which reads them once more; `None` if there is none.
///
/// # Errors
/// When the logs can't be read.
pub(super) async fn nearest_end(session: &Session, at: Micros) -> Result<Option<Death>, AnalysisError> {
    if !session.can_be_read_again() {
        return Ok(None);
    }
    let whole = session.within(Window::default(), &Params::new())?;
    whole.read_whatever_the_time(Restart::QUERY).await?;
    let restarts: Vec<Restart> = whole.database().rows().await?;
    let ends = find_server_ends(&restarts, &whole.tally(), session.thresholds());
    Ok(ends.into_iter().min_by_key(|end| (end.at - at).abs()))
}
