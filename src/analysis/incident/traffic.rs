//! What the servers were asked around a moment, and how clients fared, in buckets that end where the server did.

use super::{ACTIVITY_SECS, IncidentInputs};
use crate::analysis::{AnalysisError, Span, micros};
use crate::audit::Micros;
use crate::findings::{HarmSpan, HarmedClient, Moment, ServerActivity, harm_span};
use crate::requests::Window;
use crate::tables::{Params, TypedRow};

/// Rows of the queries about traffic.
pub(super) struct Traffic {
    pub(super) activity: Vec<ServerActivity>,
    pub(super) harmed: Vec<HarmedClient>,
}

impl IncidentInputs<'_> {
    /// A bucket of the first reading holds what came before an end and what came after it. So the time around an end is read
    /// once more, in buckets that end with it; logs from a pipe can't be, and the bucket that the end is in doesn't count.
    pub(super) async fn traffic(&self, moment: &Moment, window: Span) -> Result<Traffic, AnalysisError> {
        let harm = harm_span(self.findings, moment, self.thresholds);
        let bucket = micros(ACTIVITY_SECS);
        if !moment.is_end() {
            let activity = self.ask(&activity_params(window, 0)).await?;
            return Ok(Traffic { activity, harmed: self.ask(&harm_params(harm, 0)).await? });
        }
        if !self.session.can_be_read_again() {
            let activity = self.ask(&activity_params(window, 0)).await?;
            let harm = HarmSpan { to: moment.at - bucket, ..harm };
            return Ok(Traffic { activity, harmed: self.ask(&harm_params(harm, 0)).await? });
        }
        let shift = (moment.at + 1).rem_euclid(bucket);
        let (from, to) = (window.from.min(aligned(harm.from, shift)) - bucket, window.to.max(harm.calm_at + bucket));
        let asked = self.session.window();
        let around = Window {
            from: Some(asked.from.map_or(from, |asked| asked.max(from))),
            to: Some(asked.to.map_or(to, |asked| asked.min(to))),
        };
        let session = self.session.within(around, &Params::new().with("activity_shift_micros", shift))?;
        session.read(&[HarmedClient::QUERY], &["client_activity"]).await?;
        let database = session.database();
        Ok(Traffic {
            activity: database.rows_with(&activity_params(window, shift)).await?,
            harmed: database.rows_with(&harm_params(harm, shift)).await?,
        })
    }
}

/// When the bucket begins that an instant is in.
fn aligned(at: Micros, shift: Micros) -> Micros {
    let bucket = micros(ACTIVITY_SECS);
    (at - shift).div_euclid(bucket) * bucket + shift
}

fn activity_params(window: Span, shift: Micros) -> Params {
    Params::new().with("from_micros", aligned(window.from, shift)).with("to_micros", window.to)
}

fn harm_params(harm: HarmSpan, shift: Micros) -> Params {
    Params::new()
        .with("from_micros", aligned(harm.from, shift))
        .with("to_micros", harm.to)
        .with("calm_micros", harm.calm_at)
}
