//! What an error ends in: a hint and an exit code.

use std::borrow::Cow;

use anyhow::Error;

use crate::analysis::AnalysisError;
use crate::analysis::request::InvalidRequest;
use crate::source::SourceError;
use crate::tables::TablesError;

/// An error with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Advice {
    pub(super) message: String,
    /// An imperative sentence without a full stop.
    pub(super) hint: Cow<'static, str>,
}

/// The exit code that an error ends in: 130 where the user interrupted, else 2.
pub fn exit_code(error: &Error) -> u8 {
    match error.downcast_ref::<AnalysisError>() {
        Some(AnalysisError::Interrupted) => 130,
        _ => 2,
    }
}

/// Whether the error is only that the reader of the output has closed it.
pub fn is_broken_pipe(error: &Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// What to do about an error, where that is known.
pub fn hint(error: &Error) -> Option<Cow<'static, str>> {
    if let Some(advice) = error.downcast_ref::<Advice>() {
        return Some(advice.hint.clone());
    }
    if let Some(error) = error.downcast_ref::<TablesError>() {
        return error.hint();
    }
    match error.downcast_ref::<AnalysisError>()? {
        AnalysisError::Tables(error) => error.hint(),
        error => analysis_hint(error).map(Cow::Borrowed),
    }
}

const fn analysis_hint(error: &AnalysisError) -> Option<&'static str> {
    match error {
        AnalysisError::Source(SourceError::NothingGiven) => {
            Some("name files, directories, glob patterns, or - for standard input")
        }
        AnalysisError::Source(SourceError::EmptyDirectory(_)) => {
            Some("name the files themselves if they are audit logs")
        }
        AnalysisError::NoLastEvent => Some("give an absolute time with its date, or read the logs from a file"),
        AnalysisError::MissingPriorityLevel { .. } => {
            Some("name both objects, joined by a comma or in one directory; give the server's own with --config")
        }
        AnalysisError::OutsideLogs(_) => {
            Some("give a time within the logs; stormglass doctor LOGS shows what they span")
        }
        AnalysisError::UnknownTargetClient(_) => Some("list the clients of logs with: stormglass clients LOGS"),
        AnalysisError::InvalidWeek(_) => Some("write the year and the week as in 2026-W47"),
        AnalysisError::InvalidRequest(InvalidRequest::Path(_)) => {
            Some("begin it with a slash, as in /api/v1/pods?limit=500")
        }
        AnalysisError::InvalidRequest(InvalidRequest::Verb(_)) => {
            Some("use get, list, watch, create, update, patch, delete, deletecollection, or an HTTP method")
        }
        AnalysisError::InvalidRequest(InvalidRequest::Mismatch { .. }) => {
            Some("give a verb that fits the path, or a path that fits the verb")
        }
        _ => None,
    }
}
