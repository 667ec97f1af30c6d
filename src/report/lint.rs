//! The report of `apf lint`: what is wrong with manifests, and, with logs, what they would catch.

use std::collections::BTreeMap;

use super::{Block, section, table};
use crate::analysis::lint::{LintReport, SchemaCatch};
use crate::apf::lint::{LintFinding, LintSeverity};
use crate::units::{self, legible};

impl LintReport {
    /// The report for a terminal.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = self.findings.iter().flat_map(finding).collect();
        blocks.push(Block::Line(summary(&self.findings)));
        if !self.catches.is_empty() {
            let rows = self.catches.iter().map(catch).collect();
            let columns = [
                ("FlowSchema", false),
                ("fits", true),
                ("gets", true),
                ("lists", true),
                ("users", true),
                ("newly, from", false),
                ("taken before it, by", false),
            ];
            blocks.extend(section("Requests of the logs", table(&columns, rows)));
        }
        blocks
    }
}

fn finding(finding: &LintFinding) -> [Block; 2] {
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!("{}:{line}: ", legible(file)),
        (Some(file), None) => format!("{}: ", legible(file)),
        _ => String::new(),
    };
    let severity = severity(finding.severity);
    let field = if finding.field.is_empty() { String::new() } else { format!(" {}", finding.field) };
    let object = legible(&finding.object);
    let object = if object.is_empty() { String::new() } else { format!("{object}{field}: ") };
    let detail = |what: &str, text: &str| match text {
        "" => String::new(),
        _ => format!("  {what}: {}\n", legible(text)),
    };
    let details = detail("effect", &finding.effect) + &detail("fix", &finding.fix);
    [
        Block::Heading(format!("{place}{severity}[{}]", finding.rule)),
        Block::Line(format!("  {object}{}\n{details}", legible(&finding.message))),
    ]
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
        return "nothing is wrong".to_owned();
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
