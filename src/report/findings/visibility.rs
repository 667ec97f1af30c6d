//! What a log can't show at all, in sentences: said before anything is concluded from what was not found in it.

use crate::findings::{ListVisibility, RequestEnds, Visibility};

/// That the ends of requests are not logged; `None` where they are.
pub(in crate::report) fn request_ends(visibility: &Visibility) -> Option<String> {
    match visibility.request_ends {
        RequestEnds::Logged => None,
        RequestEnds::LoggedForSome => Some(
            "The audit policy leaves the ends of some requests out (stage ResponseComplete): of those, durations, LISTs in \
             flight and cut-off requests are unknown."
                .to_owned(),
        ),
        RequestEnds::NotLogged => Some(
            "This log has no ends of requests (the audit policy omits the stage ResponseComplete): durations, LISTs in \
             flight and cut-off requests are unknown; counts, herds and periods are not affected."
                .to_owned(),
        ),
    }
}

/// That LISTs, or those of some resources, can't be seen; `None` where they can.
pub(in crate::report) fn lists(visibility: &Visibility) -> Option<String> {
    let log = if visibility.is_of_part { "the part of the log that was read" } else { "this log" };
    match &visibility.lists {
        ListVisibility::Logged => None,
        ListVisibility::NotLogged => {
            Some(format!("LISTs can't be seen in {log}: it has none, so whether there was a storm of LISTs is unknown"))
        }
        ListVisibility::OfSomeResources { missing, .. } => {
            let and = match missing.as_slice() {
                [one] => (*one).to_owned(),
                [first @ .., last] => format!("{} and {last}", first.join(", ")),
                [] => String::new(),
            };
            Some(format!("LISTs of {and} can't be seen in {log}: it has no LIST or watch of them"))
        }
    }
}

/// That an end of an apiserver would not show; `None` where it would.
pub(in crate::report) fn server_ends(visibility: &Visibility) -> Option<String> {
    let log = if visibility.is_of_part { "the part of the log that was read" } else { "this log" };
    (!visibility.shows_server_ends).then(|| format!("No end of an apiserver can be seen in {log}."))
}
