//! The report of `apf seats`: the limits of each priority level, before and after a change.

use serde::Serialize;

use super::page::Page;
use super::{WithWords, bullets_section, or_dash, table_section};
use crate::analysis::LevelSeats;
use crate::analysis::seats::{SeatsNote, SeatsReport};

#[derive(Serialize)]
struct Words {
    notes: Vec<String>,
}

impl SeatsReport {
    /// The report for JSON.
    pub fn with_words(&self) -> impl Serialize {
        WithWords { report: self, words: Words { notes: self.note_words() } }
    }

    fn note_words(&self) -> Vec<String> {
        let words = |note: &SeatsNote| match note {
            SeatsNote::EachApiserver => format!(
                "seats are those of each apiserver, {} by its flags; rounding up makes the nominal limits {} in all",
                self.server.server_concurrency, self.nominal_sum
            ),
            SeatsNote::SeatsAreNotCalls => {
                "a seat is not a call: a LIST takes several, and shares are relative to all other shares".to_owned()
            }
            SeatsNote::SeatsAreLent => {
                "idle is what a level has while the server is idle; every 10 s seats go to where \
                                        they are needed, never below min and never above max"
                    .to_owned()
            }
            SeatsNote::SeatsAreNotLent => "before 1.26 no seats are lent: each level has its nominal limit".to_owned(),
            SeatsNote::ExemptTakesNoPart => "before 1.28 the exempt level has no part in the seats".to_owned(),
        };
        self.notes.iter().map(words).collect()
    }

    /// The report as a page.
    pub fn page(&self) -> Page {
        let heading = if self.is_change { "Seats, before → after" } else { "Seats" };
        let rows = self.priority_levels.iter().map(|level| row(level, self.is_change)).collect();
        let columns = [
            ("priority level", false),
            ("shares", true),
            ("nominal", true),
            ("lendable", true),
            ("min", true),
            ("max", true),
            ("idle", true),
            ("per request", true),
        ];
        let sections = vec![
            table_section(heading, "", &columns, rows),
            bullets_section("About these numbers", &self.note_words()),
        ];
        Page::of("Priority and Fairness: seats", vec![self.server.line()], sections)
    }
}

fn row(level: &LevelSeats, is_change: bool) -> Vec<String> {
    let before = level.before.as_deref();
    let change = |of: &dyn Fn(&LevelSeats) -> String| match before {
        Some(before) if of(before) != of(level) => format!("{} → {}", of(before), of(level)),
        None if is_change => format!("new → {}", of(level)),
        _ => of(level),
    };
    let max = |level: &LevelSeats| if level.is_exempt { "none".to_owned() } else { level.max.to_string() };
    vec![
        level.priority_level.clone(),
        change(&|level| level.nominal_concurrency_shares.to_string()),
        change(&|level| level.nominal.to_string()),
        change(&|level| level.lendable.to_string()),
        change(&|level| level.min.to_string()),
        change(&max),
        change(&|level| or_dash(level.idle.map(|seats| seats.to_string()))),
        change(&|level| level.max_seats_per_request.to_string()),
    ]
}
