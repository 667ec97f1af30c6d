//! `apf explain`: which FlowSchema and priority level each client of logs hits, or one request.

use anyhow::Result;

use super::super::ask::{Asked, Asking};
use super::super::report::{check_format, write};
use super::super::settings::read_settings;
use super::super::side_files::side_files;
use crate::analysis;
use crate::analysis::request::RequestOptions;
use crate::cli::ExplainArgs;
use crate::console::Console;

pub(super) fn run(args: &ExplainArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    if let Some(user) = &args.user {
        let options = RequestOptions {
            user: user.clone(),
            groups: args.groups.clone(),
            verb: args.verb.clone(),
            path: args.path.clone().unwrap_or_default(),
        };
        let report = analysis::explain_request(&options, &settings)?;
        return write(&report.with_words(), |_| report.page(), &args.output, console);
    }
    let asking = Asking {
        settings: settings.into(),
        zone: args.output.timezone.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::explain(&asked.session, &args.into()))?;
    write(&report.with_words(), |zone| report.page(zone), &args.output, console)?;
    asked.report_unreadable()
}
