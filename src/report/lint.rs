//! The report of `apf lint`: what is wrong with manifests, and, with logs, what they would catch.

use std::collections::BTreeMap;

use super::page::{Card, Item, Page, Part, Section, Tone};
use super::table_section;
use crate::analysis::lint::{LintReport, SchemaCatch};
use crate::apf::lint::{LintFinding, LintRule, LintSeverity};
use crate::units;

impl LintReport {
    /// The report as a page.
    pub fn page(&self) -> Page {
        let mut parts: Vec<Part> = self.findings.iter().map(|finding| Part::Card(card(finding))).collect();
        parts.push(Part::Text(summary(&self.findings)));
        let mut sections = vec![Section::of("", parts)];
        if !self.catches.is_empty() {
            let rows = self.catches.iter().map(catch).collect();
            let columns = [
                ("FlowSchema", false),
                ("matches", true),
                ("receives", true),
                ("LISTs", true),
                ("users", true),
                ("moved here from", false),
                ("claimed first by", false),
            ];
            sections.push(table_section(
                "Requests in the logs that each FlowSchema matches and receives",
                "",
                &columns,
                rows,
            ));
        }
        Page::of("Priority and Fairness: lint", Vec::new(), sections)
    }
}

/// The rules of lint, each with its reason.
pub fn rules_page(rules: &[LintRule]) -> Page {
    let items = rules.iter().map(|rule| Item::of(rule.name, rule.reason, "")).collect();
    Page::of("Lint rules", Vec::new(), vec![Section::of("", vec![Part::Items(items)])])
}

/// Why the pattern is bad that a rule is named for.
pub fn rule_page(rule: &LintRule) -> Page {
    let item = Item::of(rule.name, "why it is bad", rule.reason);
    Page::of("Lint rule", Vec::new(), vec![Section::of("", vec![Part::Items(vec![item])])])
}

fn card(finding: &LintFinding) -> Card {
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{file}:{line}: "),
        (Some(file), None) => format!("{file}: "),
        _ => String::new(),
    };
    let field = if finding.field.is_empty() { String::new() } else { format!(" {}", finding.field) };
    let object = if finding.object.is_empty() { String::new() } else { format!("{}{field}: ", finding.object) };
    let mut details = vec![(String::new(), format!("{object}{}", finding.message))];
    let more = [("effect", &finding.effect), ("fix", &finding.fix)].into_iter().filter(|(_, text)| !text.is_empty());
    details.extend(more.map(|(topic, text)| (topic.to_owned(), text.clone())));
    let tone = match finding.severity {
        LintSeverity::Info => Tone::Plain,
        LintSeverity::Warning => Tone::Warning,
        LintSeverity::Error => Tone::Critical,
    };
    Card { tone, title: format!("{place}{}[{}]", severity(finding.severity), finding.rule), details }
}

const fn severity(severity: LintSeverity) -> &'static str {
    match severity {
        LintSeverity::Info => "info",
        LintSeverity::Warning => "warning",
        LintSeverity::Error => "error",
    }
}

fn summary(findings: &[LintFinding]) -> String {
    if findings.is_empty() {
        return "no problems found".to_owned();
    }
    let of = |wanted| findings.iter().filter(|finding| finding.severity == wanted).count();
    let named = [LintSeverity::Error, LintSeverity::Warning, LintSeverity::Info].map(|wanted| {
        let (count, name) = (of(wanted), severity(wanted));
        let plural = if count == 1 || wanted == LintSeverity::Info { "" } else { "s" };
        (count > 0).then(|| format!("{count} {name}{plural}"))
    });
    named.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn catch(catch: &SchemaCatch) -> Vec<String> {
    let parts = |parts: &BTreeMap<String, u64>| {
        let mut parts: Vec<_> = parts.iter().collect();
        parts.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        let text = parts.iter().map(|(name, count)| format!("{name} {}", units::count(**count)));
        super::or_dash(Some(text.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()))
    };
    vec![
        catch.flow_schema.clone(),
        units::count(catch.matching_count),
        units::count(catch.request_count),
        units::count(catch.list_count),
        units::count(catch.user_count),
        parts(&catch.newly_caught),
        parts(&catch.taken_before),
    ]
}
