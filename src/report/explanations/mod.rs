//! What each kind of finding is about, for those who ask: one file for each kind. The figures are those of the thresholds.

mod apiserver_restart;
mod delete_pileup;
mod discovery_loop;
mod get_flood;
mod list_loop;
mod list_pileup;
mod page_storm;
mod refusal_loop;
mod rejections;
mod relist_herd;
mod restart_herd;
mod retry_loop;
mod unpaginated_list;
mod watch_churn;
mod watch_pileup;
mod write_loop;

use crate::findings::{Kind, Thresholds};
use crate::units;

/// Why a kind of finding matters, how it is found, and what it misses.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Why it matters.
    pub reason: &'static str,
    /// How it is found. Each figure is followed by the name of its threshold.
    pub rule: String,
    /// What it misses, and what it can't know.
    pub limits: String,
}

/// The explanation of a kind, with the figures of these thresholds.
pub fn explain(kind: Kind, thresholds: &Thresholds) -> Explanation {
    let explain = match kind {
        Kind::ApiserverRestart => apiserver_restart::explain,
        Kind::RestartHerd => restart_herd::explain,
        Kind::ListPileup => list_pileup::explain,
        Kind::RelistHerd => relist_herd::explain,
        Kind::ListLoop => list_loop::explain,
        Kind::RetryLoop => retry_loop::explain,
        Kind::UnpaginatedList => unpaginated_list::explain,
        Kind::PageStorm => page_storm::explain,
        Kind::WatchChurn => watch_churn::explain,
        Kind::DiscoveryLoop => discovery_loop::explain,
        Kind::WatchPileup => watch_pileup::explain,
        Kind::DeletePileup => delete_pileup::explain,
        Kind::GetFlood => get_flood::explain,
        Kind::WriteLoop => write_loop::explain,
        Kind::RefusalLoop => refusal_loop::explain,
        Kind::Rejections => rejections::explain,
    };
    explain(thresholds)
}

/// Seconds as people write them: `35 s`, `15 min`.
fn secs(secs: f64) -> String {
    if secs > 60.0 && secs % 60.0 == 0.0 {
        format!("{} min", units::number(secs / 60.0))
    } else {
        format!("{} s", units::number(secs))
    }
}

/// Bytes as the thresholds' file has them, in decimal units: `300 MB`.
fn bytes(bytes: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = UNITS.iter().find(|(factor, _)| bytes >= *factor);
    unit.map_or_else(|| format!("{bytes} B"), |(factor, unit)| format!("{} {unit}", units::number(bytes / factor)))
}

#[expect(clippy::cast_precision_loss, reason = "a threshold, of which three digits are shown")]
fn whole_bytes(value: u64) -> String {
    bytes(value as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_explained_and_found_by_its_name() {
        let thresholds = Thresholds::embedded();
        for kind in Kind::ALL {
            let explanation = explain(kind, &thresholds);
            assert!(!explanation.reason.is_empty() && !explanation.rule.is_empty() && !explanation.limits.is_empty());
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    /// Who replaces a threshold reads the figure that is used.
    #[test]
    fn explanations_quote_the_thresholds_that_are_used() {
        let text = "burst: {window_secs: 20, min_reads: 77}\nheld: {warning_bytes: 123_000_000}\n";
        let thresholds = Thresholds::with(text).unwrap();
        let rule = explain(Kind::RelistHerd, &thresholds).rule;
        for figure in ["20 s (burst.window_secs)", "77 (burst.min_reads)", "123 MB (held.warning_bytes,"] {
            assert!(rule.contains(figure), "no {figure} in {rule}");
        }
    }

    /// Each threshold that is named in an explanation is one of the file.
    #[test]
    fn explanations_name_thresholds_that_there_are() {
        let thresholds = Thresholds::embedded();
        for kind in Kind::ALL {
            let Explanation { rule, limits, .. } = explain(kind, &thresholds);
            let text = format!("{rule} {limits}");
            let is_key = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            let words = text.split(|c: char| !is_key(c)).filter(|word| word.contains('_'));
            for (section, field) in words.filter_map(|word| word.trim_end_matches('.').split_once('.')) {
                let given = format!("{section}: {{{field}: 1}}");
                assert!(Thresholds::with(&given).is_ok(), "{} names {section}.{field}", kind.name());
            }
        }
    }

    #[test]
    fn figures_are_written_as_people_do() {
        assert_eq!([secs(35.0), secs(60.0), secs(900.0), secs(0.5)], ["35 s", "60 s", "15 min", "0.5 s"]);
        assert_eq!([bytes(3e8), bytes(2e9), bytes(1e6), bytes(512.0)], ["300 MB", "2 GB", "1 MB", "512 B"]);
    }
}
