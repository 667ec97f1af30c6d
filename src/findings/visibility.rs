//! What a log can show at all of what is looked for: where it can't, that nothing was found says nothing.

use serde::Serialize;

use super::Presence;
use crate::requests::Tally;

/// What a log can show of storms and of ends of servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Visibility {
    /// Whether LISTs of all that is usually big can be seen.
    pub lists: ListVisibility,
    /// Whether the ends of requests are logged.
    pub request_ends: RequestEnds,
    /// Whether an end of an apiserver would show.
    pub shows_server_ends: bool,
    /// Whether only a part of the log was read, which this is about.
    pub is_of_part: bool,
}

/// Whether LISTs can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ListVisibility {
    /// LISTs are logged, and reads of all that any cluster reads.
    #[default]
    Logged,
    /// LISTs are logged, but no reads of some resources that any cluster reads.
    OfSomeResources {
        /// Resources without a LIST or a watch in the log.
        missing: Vec<&'static str>,
        /// Resources with some, at most 5.
        seen: Vec<String>,
        /// How many have some.
        seen_count: usize,
    },
    /// The log has no LIST.
    NotLogged,
}

/// Whether the ends of requests (stage ResponseComplete) are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestEnds {
    /// They are, as far as the log shows.
    #[default]
    Logged,
    /// Those of some kinds of requests are not.
    LoggedForSome,
    /// None is: how long requests took, what was in flight and what was cut off is unknown.
    NotLogged,
}

/// What every cluster reads, by LISTs or watches: kubelets, kube-proxy, the scheduler and the controller manager do.
const READ_BY_ALL: [(&str, &[&str]); 5] = [
    ("pods", &["pods"]),
    ("nodes", &["nodes"]),
    ("configmaps", &["configmaps"]),
    ("secrets", &["secrets"]),
    ("endpointslices", &["endpoints", "endpointslices.discovery.k8s.io"]),
];
/// Without reads of so many of those, or of pods, a policy leaves reads out.
const MIN_MISSING: usize = 3;

/// Assesses a log by its tally and the rows of `presence`; `is_of_part` where only a part of it was read.
pub fn assess_visibility(tally: &Tally, presence: &[Presence], is_of_part: bool) -> Visibility {
    Visibility {
        lists: list_visibility(presence),
        request_ends: request_ends(tally),
        shows_server_ends: presence.iter().any(shows_server_ends),
        is_of_part,
    }
}

fn list_visibility(presence: &[Presence]) -> ListVisibility {
    if presence.iter().all(|row| row.list_count + row.watch_list_count == 0) {
        return ListVisibility::NotLogged;
    }
    let mut seen: Vec<&String> = presence.iter().flat_map(|row| &row.read_resources).collect();
    seen.sort_unstable();
    seen.dedup();
    let is_seen = |names: &[&str]| names.iter().any(|name| seen.iter().any(|seen| seen == name));
    let missing: Vec<&'static str> =
        READ_BY_ALL.iter().filter(|(_, names)| !is_seen(names)).map(|(name, _)| *name).collect();
    if missing.len() < MIN_MISSING && !missing.contains(&"pods") {
        return ListVisibility::Logged;
    }
    ListVisibility::OfSomeResources {
        missing,
        seen: seen.iter().take(5).map(ToString::to_string).collect(),
        seen_count: seen.len(),
    }
}

pub(super) fn request_ends(tally: &Tally) -> RequestEnds {
    match tally.unlogged_ends {
        0 => RequestEnds::Logged,
        _ if tally.has_request_ends() => RequestEnds::LoggedForSome,
        _ => RequestEnds::NotLogged,
    }
}

/// A start shows in the server's own reads or in what it marks as served while starting, and an end in watches without one.
const fn shows_server_ends(row: &Presence) -> bool {
    row.complete_count > 0 && (row.own_read_count > 0 || row.startup_count > 0 || row.started_watch_count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Stage;

    fn presence(lists: u64, read: &[&str]) -> Presence {
        Presence {
            list_count: lists,
            complete_count: 1,
            read_resources: read.iter().map(ToString::to_string).collect(),
            ..Presence::default()
        }
    }

    fn lists_seen(rows: &[Presence]) -> ListVisibility {
        assess_visibility(&Tally::default(), rows, false).lists
    }

    const ALL: [&str; 5] = ["configmaps", "endpointslices.discovery.k8s.io", "nodes", "pods", "secrets"];

    #[test]
    fn a_log_without_lists_shows_none_though_watches_are_logged() {
        assert_eq!(lists_seen(&[presence(0, &ALL)]), ListVisibility::NotLogged);
        assert_eq!(lists_seen(&[]), ListVisibility::NotLogged);
        assert_eq!(lists_seen(&[presence(1, &ALL)]), ListVisibility::Logged);
    }

    /// A quiet log may lack LISTs of any resource, but not all reads of what every cluster reads.
    #[test]
    fn reads_that_every_cluster_sends_are_missed() {
        let some = lists_seen(&[presence(20, &["clusterroles.rbac.authorization.k8s.io", "secrets"])]);
        let ListVisibility::OfSomeResources { missing, seen_count, .. } = some else { panic!("{some:?}") };
        assert_eq!((missing, seen_count), (vec!["pods", "nodes", "configmaps", "endpointslices"], 2));
        assert_eq!(lists_seen(&[presence(1, &ALL[2..])]), ListVisibility::Logged, "few are missing");
        assert!(matches!(
            lists_seen(&[presence(1, &["configmaps", "endpoints", "nodes", "secrets"])]),
            ListVisibility::OfSomeResources { .. }
        ));
        let both = [presence(1, &["pods", "nodes"]), presence(0, &["secrets", "configmaps"])];
        assert_eq!(lists_seen(&both), ListVisibility::Logged, "servers share the traffic");
    }

    #[test]
    fn an_end_of_a_server_shows_only_where_something_of_it_is_logged() {
        let shows = |row: Presence| assess_visibility(&Tally::default(), &[row], false).shows_server_ends;
        assert!(!shows(presence(10, &ALL)));
        assert!(shows(Presence { own_read_count: 1, ..presence(10, &ALL) }));
        assert!(shows(Presence { started_watch_count: 1, ..presence(10, &ALL) }));
        assert!(!shows(Presence { started_watch_count: 1, complete_count: 0, ..presence(10, &ALL) }));
    }

    #[test]
    fn ends_of_requests_are_logged_unless_the_reading_found_that_they_are_not() {
        let mut tally = Tally::default();
        assert_eq!(request_ends(&tally), RequestEnds::Logged);
        tally.unlogged_ends = 9;
        assert_eq!(request_ends(&tally), RequestEnds::NotLogged);
        tally.stages[Stage::ResponseComplete as usize] = 1;
        assert_eq!(request_ends(&tally), RequestEnds::LoggedForSome);
    }
}
