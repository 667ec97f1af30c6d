//! Which clients had LISTs in flight, suffered and came back, and how evenly the load fell.

use std::collections::BTreeMap;

use super::reasons::{length_words, listed, span_words, support_words, victim_words};
use super::{IncidentReport, ROWS};
use crate::findings::{Bytes, CutOff, CutOffVerb, IncidentSuspect, ReturnWave, Role, ServerLoad, ShareBasis};
use crate::report::findings::blind_spot;
use crate::report::findings_cards::{cards, findings_table};
use crate::report::page::{Part, Table, Unit};
use crate::report::size_words::size_cell;
use crate::report::{float, or_dash, rounded};
use crate::units::{self, Zone};

impl IncidentReport {
    pub(super) fn suspects(&self) -> Vec<Part> {
        let columns = [
            ("client", false),
            ("type", false),
            ("role", false),
            (
                match self.incident.share_basis {
                    ShareBasis::Bytes => "share of bytes held × time",
                    ShareBasis::ListSeconds => "share of LISTs in flight × time",
                },
                true,
            ),
            ("LISTs × seconds", true),
            ("LISTs at the peak", true),
            ("held, with garbage (estimated)", true),
            ("of", false),
            ("LISTs in the last minute", true),
            ("cut off", true),
            ("came back with", true),
        ];
        let run_up = span_words(self.incident.thresholds.run_up_secs);
        let mut table = Table::of(
            format!("Clients with LISTs in flight in the {run_up} before"),
            "list_loads, pressure_at",
            &columns,
        );
        table.rows = self.incident.suspects.iter().take(ROWS).map(suspect_row).collect();
        let thresholds = &self.incident.thresholds;
        let basis = match self.incident.share_basis {
            ShareBasis::Bytes => "bytes that LISTs held times the time they held them",
            ShareBasis::ListSeconds => "LISTs in flight times time, as the size of most is unknown",
        };
        let roles = format!(
            "Shares are of {basis}; what was nearer to the moment counts for more. Culprit: it stormed, and had {} or more, alone or \
             together with others that had {} of the largest share or more{}. Contributor: it had {} or more, or stormed with {} or more. \
             The last logged peak is the worst instant of the {run_up} before.",
            units::share(thresholds.culprit_share),
            units::share(thresholds.comparable_ratio),
            if self.incident.suspects.iter().any(|suspect| suspect.is_told_by_return) {
                "; or it came back for the same LISTs as the main culprit (by return), as those that an end cuts off leave no line here"
            } else {
                ""
            },
            units::share(thresholds.contributor_share),
            units::share(thresholds.negligible_share),
        );
        let mut parts = vec![Part::Table(table), Part::Text(roles)];
        let supports = self.incident.supports.iter().map(|support| format!("reason for: {}", support_words(support)));
        let doubts = self.incident.doubts.iter().map(|doubt| format!("reason against: {}", self.doubt(doubt)));
        let reasons: Vec<String> = supports.chain(doubts).collect();
        if !reasons.is_empty() {
            parts.push(Part::Text(format!("Confidence in the verdict is {}:", self.incident.certainty.name())));
            parts.push(Part::Bullets(reasons));
        }
        parts
    }

    pub(super) fn in_flight(&self, zone: &Zone) -> Vec<Part> {
        let (lists, watches): (Vec<&CutOff>, Vec<&CutOff>) =
            self.cut_off.iter().partition(|row| row.verb.reads_collection());
        let mut parts = Vec::new();
        let list_columns = [
            ("client", false),
            ("type", false),
            ("verb", false),
            ("of", false),
            ("requests", true),
            ("instances", true),
            ("held, with garbage (estimated)", true),
            ("received", false),
            ("evidence", false),
        ];
        if lists.is_empty() {
            parts.push(Part::Text(
                "Every LIST in the log has an end. That proves nothing where the audit policy omits RequestReceived: see below what \
                 to log next time."
                    .to_owned(),
            ));
        } else {
            let mut table = Table::of(
                "LISTs and deletions of collections that have no end in the log",
                "cut_off_reads",
                &list_columns,
            );
            table.rows = lists.iter().take(ROWS).map(|row| cut_off_row(row, zone)).collect();
            parts.push(Part::Table(table));
        }
        let mut by_client: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for row in &watches {
            let (count, instances) = by_client.entry((&row.client, &row.client_type)).or_default();
            *count += row.open_count;
            *instances = row.instance_count.max(*instances);
        }
        if !by_client.is_empty() {
            let mut table = Table::of(
                "Watches that have no end in the log, which come back when the server does",
                "cut_off_reads",
                &[("client", false), ("type", false), ("watches", true), ("instances", true)],
            );
            let mut rows: Vec<_> = by_client.into_iter().collect();
            rows.sort_by_key(|((client, _), (count, _))| (std::cmp::Reverse(*count), *client));
            table.rows = rows
                .into_iter()
                .take(ROWS)
                .map(|((client, client_type), (count, instances))| {
                    vec![client.to_owned(), client_type.to_owned(), units::count(count), units::count(instances)]
                })
                .collect();
            parts.push(Part::Table(table));
        }
        parts
    }

    /// Which time harm was looked for in.
    fn harm_words(&self) -> &'static str {
        if self.moment.is_end() { "before the end" } else { "in the storm" }
    }

    pub(super) fn victims(&self) -> Vec<Part> {
        if self.incident.victims.is_empty() {
            return vec![Part::Text(format!(
                "No client but the culprits had more late, rejected, failed or cut-off requests than usual {}.",
                self.harm_words()
            ))];
        }
        let mut table = Table::of(
            format!(
                "Clients with more late, rejected, failed or cut-off requests than usual {}, culprits aside",
                self.harm_words()
            ),
            "harmed_clients",
            &[
                ("client", false),
                ("type", false),
                ("harmed", true),
                ("requests", true),
                ("usually, mean", true),
                ("how", false),
            ],
        );
        table.rows = self
            .incident
            .victims
            .iter()
            .take(ROWS)
            .map(|victim| {
                vec![
                    victim.client.clone(),
                    victim.client_type.clone(),
                    units::count(victim.harmed),
                    units::count(victim.requests),
                    or_dash(victim.usual_share.map(|share| Unit::Share.words(share))),
                    victim_words(victim),
                ]
            })
            .collect();
        vec![Part::Table(table)]
    }

    pub(super) fn skew(&self) -> Vec<Part> {
        let mut table = Table::of(
            "Each apiserver's share of the load, over all of these logs",
            "apiserver_loads",
            &[
                ("apiserver", false),
                ("requests", true),
                ("share", true),
                ("per second", true),
                ("LISTs", true),
                ("share of LISTs", true),
                ("open watches, mean", true),
                ("share of watches", true),
                ("429", true),
            ],
        );
        let share = |share: Option<f64>| or_dash(share.map(|share| Unit::Share.words(share)));
        table.rows = self
            .apiservers
            .iter()
            .map(|row| {
                vec![
                    row.apiserver.clone().unwrap_or_else(|| "(without a name)".to_owned()),
                    units::count(row.request_count),
                    share(Some(row.request_share)),
                    or_dash(row.mean_rps.map(rounded)),
                    units::count(row.list_count),
                    share(row.list_share),
                    or_dash(row.mean_open_watch_count.map(rounded)),
                    share(row.open_watch_share),
                    units::count(row.apf_rejected_count),
                ]
            })
            .collect();
        let words = match self.apiservers.as_slice() {
            [] | [_] => "These are the logs of one apiserver; if the control plane has more, how evenly the load fell is unknown.".to_owned(),
            many => skew_words(many),
        };
        vec![Part::Text(words), Part::Table(table)]
    }

    pub(super) fn evidence(&self, zone: &Zone) -> Vec<Part> {
        if self.findings.is_empty() {
            return vec![Part::Text("Nothing was found.".to_owned())];
        }
        let mut parts = vec![Part::Table(findings_table(&self.findings, zone))];
        parts.extend(cards(&self.findings, zone));
        parts
    }

    pub(super) fn unseen(&self, zone: &Zone) -> Vec<Part> {
        let mut spots: Vec<String> = self.blind_spots.iter().map(|spot| zone.in_sentence(&blind_spot(spot))).collect();
        spots.extend(self.note_words(zone));
        vec![Part::Bullets(spots)]
    }
}

fn suspect_row(suspect: &IncidentSuspect) -> Vec<String> {
    let role = match suspect.role {
        Role::Culprit if suspect.is_told_by_return => "culprit (by return)",
        Role::Culprit => "culprit",
        Role::Contributor => "contributor",
        Role::Bystander => "bystander",
    };
    vec![
        suspect.client.clone(),
        suspect.client_type.clone(),
        role.to_owned(),
        units::share(suspect.share),
        rounded(suspect.inflight_secs),
        units::count(suspect.inflight),
        or_dash(suspect.estimated_bytes.map(size_cell)),
        listed(&suspect.resources),
        format!("{} by {}", units::count(suspect.recent_lists), units::count(suspect.recent_instances)),
        units::count(suspect.cut_off_lists.max(suspect.deletes)),
        units::count(suspect.returned_lists),
    ]
}

fn cut_off_row(row: &CutOff, zone: &Zone) -> Vec<String> {
    let held = row.held_low_bytes.map(|low| size_cell(Bytes { low, high: row.held_high_bytes }));
    let evidence = row.evidence_audit_ids.iter().zip(&row.evidence_places);
    let evidence: Vec<String> = evidence.map(|(id, place)| format!("{id} at {place}")).collect();
    vec![
        row.client.clone(),
        row.client_type.clone(),
        match row.verb {
            CutOffVerb::List => "list",
            CutOffVerb::Watch => "watch",
            CutOffVerb::Deletecollection => "deletecollection",
        }
        .to_owned(),
        or_dash(row.resource.clone()),
        units::count(row.open_count),
        units::count(row.instance_count),
        or_dash(held),
        format!("{} to {}", zone.clock(row.first_received_at), zone.clock(row.last_received_at)),
        evidence.join("; "),
    ]
}

pub(super) fn wave_table(wave: &ReturnWave, wave_secs: u32, zone: &Zone) -> Table {
    let columns = [
        ("client", false),
        ("type", false),
        ("first seen", false),
        ("after (s)", true),
        ("instances", true),
        ("LISTs", true),
        ("at once", true),
        ("returned (estimated)", true),
        ("watches", true),
        ("429", true),
    ];
    let mut table =
        Table::of(format!("The first {} after the server was back", length_words(wave_secs)), "returns", &columns);
    table.rows = wave
        .clients
        .iter()
        .take(ROWS)
        .map(|row| {
            vec![
                row.client.clone(),
                row.client_type.clone(),
                zone.clock(row.first_received_at),
                units::number((row.first_secs * 100.0).round() / 100.0),
                units::count(row.instance_count),
                units::count(row.list_count),
                or_dash(row.peak_list_count.map(units::count)),
                or_dash(row.response_bytes().map(size_cell)),
                units::count(row.watch_count),
                units::count(row.rejected_count),
            ]
        })
        .collect();
    table
}

fn skew_words(servers: &[ServerLoad]) -> String {
    let busiest = servers.iter().max_by(|one, other| one.request_share.total_cmp(&other.request_share));
    let watched = servers.iter().max_by(|one, other| {
        one.open_watch_share.partial_cmp(&other.open_watch_share).unwrap_or(std::cmp::Ordering::Equal)
    });
    let name = |row: &ServerLoad| row.apiserver.clone().unwrap_or_else(|| "(without a name)".to_owned());
    let fair = Unit::Share.words(1.0 / float(servers.len() as u64));
    let requests =
        busiest.map(|row| format!("{} had {} of all requests", name(row), Unit::Share.words(row.request_share)));
    let watches = watched.and_then(|row| {
        Some(format!("{} held {} of all watches", name(row), Unit::Share.words(row.open_watch_share?)))
    });
    let words: Vec<String> = requests.into_iter().chain(watches).collect();
    format!(
        "{}; an even share would be {fair}. Clients keep their connections, so after a restart the other apiservers hold all of them.",
        words.join(", ")
    )
}
