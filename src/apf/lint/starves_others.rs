//! Added shares that take seats from levels which need them.

use super::context::{Context, listed, seats};
use super::shares_read_as_calls::shares_path;
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "starves-others",
    reason: "The server's seats are divided by shares: each added share reduces the seats of all other levels.",
    check,
};

/// What a level loses.
struct Loss {
    words: String,
    severity: LintSeverity,
}

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let added = added(context);
    let Some((level, _)) = added.first() else { return Vec::new() };
    let losses: Vec<Loss> = context.input.before.priority_levels.iter().filter_map(|one| loss(context, one)).collect();
    let Some(severity) = losses.iter().map(|loss| loss.severity).max() else { return Vec::new() };
    let words: Vec<&str> =
        losses.iter().filter(|loss| loss.severity == severity).map(|loss| loss.words.as_str()).collect();
    let each: Vec<String> = added.iter().map(|(level, shares)| format!("{} {shares}", level.name)).collect();
    let sum: i64 = added.iter().map(|(_, shares)| i64::from(*shares)).sum();
    let (message, it) = match added.as_slice() {
        [_] => (format!("its {sum} additional shares leave other levels fewer seats"), ["it", "it doesn't"]),
        _ => {
            let sum = format!("{sum} additional shares together ({})", each.join(", "));
            (format!("{sum} leave other levels fewer seats"), ["them", "they don't"])
        }
    };
    let lends_all = added.iter().all(|(level, _)| level.lendable_percent() == 100);
    let lending = format!("; with lendablePercent, the others can use what {} need", it[1]);
    let words = Words {
        message,
        effect: listed(&words),
        fix: format!("give {} fewer shares, or the others more{}", it[0], if lends_all { "" } else { &lending }),
    };
    vec![RULE.finding(severity, *level, shares_path(level), words)]
}

/// The levels that add shares and how many, largest first.
fn added<'i>(context: &Context<'i>) -> Vec<(&'i PriorityLevel, i32)> {
    let before =
        |name: &str| context.input.before.priority_level(name).map_or(0, PriorityLevel::nominal_concurrency_shares);
    let levels = context.levels.iter();
    let more = levels.map(|level| (*level, level.nominal_concurrency_shares().saturating_sub(before(&level.name))));
    let mut added: Vec<_> = more.filter(|(_, added)| *added > 0).collect();
    added.sort_by_key(|(_, added)| std::cmp::Reverse(*added));
    added
}

fn loss(context: &Context<'_>, level: &PriorityLevel) -> Option<Loss> {
    let name = &level.name;
    let before = context.before_limits(name)?.nominal;
    let after = context.after_limits(name)?.nominal;
    let is_changed = context.levels.iter().any(|changed| changed.name == *name);
    if level.is_exempt() || is_changed || after >= before {
        return None;
    }
    let is_much = u64::from(before - after) * 10 > u64::from(before);
    let demand = context.input.demand.iter().find(|demand| demand.priority_level == *name);
    let change = format!("{name} goes from {before} to {}", seats(after));
    match demand.map(|demand| demand.peak_seats) {
        // A level that lacked seats before is not reported, unless the change takes many more.
        Some((least, most)) if after < least && (before >= least || is_much) => {
            let words = format!("{change} but needed {} in the logs", range(least, most));
            Some(Loss { words, severity: LintSeverity::Warning })
        }
        Some((least, most)) if after < most && before >= most => {
            let words = format!("{change} and may have needed {} in the logs", range(least, most));
            Some(Loss { words, severity: LintSeverity::Info })
        }
        None if is_much => Some(Loss { words: change, severity: LintSeverity::Info }),
        _ => None,
    }
}

fn range(least: u32, most: u32) -> String {
    if least == most { least.to_string() } else { format!("{least} to {most}") }
}

#[cfg(test)]
mod tests {
    use super::super::LevelDemand;
    use super::super::fixtures::{level, lint_text, lint_with_demand};
    use super::*;

    #[test]
    fn all_that_add_shares_are_named() {
        let two = level("aa", "nominalConcurrencyShares: 100") + &level("bb", "nominalConcurrencyShares: 99");
        let finding = lint_text(&two).into_iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(finding.message, "199 additional shares together (aa 100, bb 99) leave other levels fewer seats");
        assert!(finding.fix.starts_with("give them fewer shares"), "{}", finding.fix);
    }

    #[test]
    fn shares_as_large_as_they_can_be_have_a_sum() {
        let most = "nominalConcurrencyShares: 2147483647";
        let finding = lint_text(&(level("aa", most) + &level("bb", most)));
        let finding = finding.into_iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert!(finding.message.starts_with("4294967294 additional shares"), "{}", finding.message);
        assert!(finding.effect.contains("catch-all goes from 13 to 1 seat, "), "{}", finding.effect);
    }

    #[test]
    fn a_level_that_lends_everything_is_not_advised_to_lend() {
        for (lendable, expected) in [(50, true), (100, false)] {
            let text = level("aa", &format!("nominalConcurrencyShares: 100, lendablePercent: {lendable}"));
            let finding = lint_text(&text).into_iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!(finding.fix.contains("lendablePercent"), expected, "{}", finding.fix);
        }
    }

    fn found(shares: u32, peak: Option<(u32, u32)>) -> Option<(LintSeverity, String)> {
        let demand: Vec<LevelDemand> = peak
            .map(|peak_seats| LevelDemand { priority_level: "workload-low".into(), peak_seats })
            .into_iter()
            .collect();
        let text = level("big", &format!("nominalConcurrencyShares: {shares}"));
        let finding = lint_with_demand(&text, &demand).into_iter().find(|finding| finding.rule == RULE.name)?;
        Some((finding.severity, finding.effect))
    }

    #[test]
    fn others_lose_seats_that_they_were_seen_to_need() {
        let (severity, effect) = found(5, Some((242, 250))).unwrap();
        assert_eq!(severity, LintSeverity::Warning);
        assert_eq!(effect, "workload-low goes from 245 to 240 seats but needed 242 to 250 in the logs");
        assert_eq!(found(5, Some((230, 242))).unwrap().0, LintSeverity::Info);
        assert_eq!(found(5, Some((100, 120))), None);
        assert_eq!(found(5, Some((400, 420))), None, "it had less than that before");
    }

    #[test]
    fn without_measurements_only_large_losses_are_reported() {
        assert_eq!(found(5, None), None);
        assert_eq!(found(100, None).unwrap().0, LintSeverity::Info);
    }
}
