//! Compares `src/memory/coefficients.rs` with the fit: bounds there are a line's coefficient times the spread of all lines,
//! rounded outwards. What JSON from etcd costs is split in two: objects that are read (`READ`), and the rest.

use anyhow::{Context, Result, bail, ensure};

use super::fit::{Fit, STANDING_GARBAGE, TURNOVER};
use super::line::Interval;

/// Bounds that the source must have.
struct Expected {
    constant: &'static str,
    /// Field of the constant; empty if the constant itself holds the bounds.
    field: &'static str,
    bounds: Interval,
    /// The lower bound of pages is a judgement: a client that follows fewer pages leaves less garbage.
    is_low_free: bool,
}

pub(super) fn check(fit: &Fit<'_>, source: &str) -> Result<()> {
    let mut differences = Vec::new();
    for expected in expect_all(fit)? {
        let Expected { constant, field, bounds: (low, high), is_low_free } = expected;
        let (found_low, found_high) = find_bounds(source, constant, field)?;
        let is_low_same = if is_low_free { found_low <= low } else { is_close(found_low, low) };
        if !is_low_same || !is_close(found_high, high) {
            differences.push(format!(
                "{constant} {field}: ({found_low}, {found_high}), but the fit gives ({low:.2}, {high:.2})"
            ));
        }
    }
    let (_, turnover) = find_bounds(source, "TURNOVER", "")?;
    if !is_close(turnover, TURNOVER) {
        differences.push(format!("TURNOVER ends at {turnover}, but the fit is described with {TURNOVER}"));
    }
    let garbage = find_number(source, "STANDING_GARBAGE_BYTES")?;
    if !is_close(garbage, STANDING_GARBAGE) {
        differences
            .push(format!("STANDING_GARBAGE_BYTES: {garbage}, but the fit is described with {STANDING_GARBAGE}"));
    }
    ensure!(differences.is_empty(), "src/memory/coefficients.rs differs from the fit:\n{}", differences.join("\n"));
    Ok(())
}

fn expect_all(fit: &Fit<'_>) -> Result<Vec<Expected>> {
    let [etcd, buffered, streamed] = &fit.whole[..] else { bail!("there are three lines of whole LISTs") };
    let [old_pages, new_pages, _] = &fit.further[..] else { bail!("there are three further lines") };
    let (low, high) = fit.spread;
    let spread = |constant, field, coefficient: f64, step: f64| Expected {
        constant,
        field,
        bounds: (round_down(coefficient * low, step), round_up(coefficient * high, step)),
        is_low_free: false,
    };
    let pages = |constant, (low, high): Interval| Expected {
        constant,
        field: "per_page_byte",
        bounds: (round_down(low, 1.0), round_up(high, 1.0)),
        is_low_free: true,
    };
    let read = spread("READ", "", etcd.coefficients[1], 0.1);
    let mut json = spread("ETCD_JSON", "per_byte", etcd.coefficients[1] + etcd.coefficients[2], 0.1);
    json.bounds = (json.bounds.0 - read.bounds.0, json.bounds.1 - read.bounds.1);
    Ok(vec![
        read,
        json,
        spread("ETCD_JSON", "per_whole_byte", etcd.coefficients[0], 0.1),
        spread("ETCD_PROTOBUF", "per_whole_byte", etcd.coefficients[0], 0.1),
        spread("CACHE_JSON", "per_byte", buffered.coefficients[1], 0.1),
        spread("CACHE_JSON", "per_whole_byte", buffered.coefficients[0], 0.1),
        spread("CACHE_STREAMED", "per_object", streamed.coefficients[1], 50.0),
        spread("CACHE_STREAMED", "per_byte", streamed.coefficients[2], 0.01),
        spread("CACHE_STREAMED", "per_whole_byte", streamed.coefficients[0], 0.1),
        pages("ETCD_JSON", old_pages.interval),
        pages("ETCD_PROTOBUF", old_pages.interval),
        pages("CACHE_STREAMED", new_pages.interval),
    ])
}

fn round_down(value: f64, step: f64) -> f64 {
    (value / step).floor() * step
}

fn round_up(value: f64, step: f64) -> f64 {
    (value / step).ceil() * step
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// The bounds of a constant in the source, or of one of its fields.
fn find_bounds(source: &str, constant: &str, field: &str) -> Result<Interval> {
    let definition = find_definition(source, constant)?;
    let key = if field.is_empty() { "= (".to_owned() } else { format!("{field}: (") };
    let pair = definition.split_once(&key).and_then(|(_, rest)| rest.split_once(')')).map(|(pair, _)| pair);
    let bounds =
        pair.and_then(|pair| pair.split_once(',')).with_context(|| format!("{constant} {field} has no bounds"))?;
    Ok((parse(bounds.0)?, parse(bounds.1)?))
}

fn find_number(source: &str, constant: &str) -> Result<f64> {
    let definition = find_definition(source, constant)?;
    parse(definition.split_once("= ").map_or("", |(_, value)| value))
}

/// The text of a constant, from its name to the semicolon.
fn find_definition<'s>(source: &'s str, constant: &str) -> Result<&'s str> {
    let (_, rest) = source
        .split_once(&format!("const {constant}: "))
        .with_context(|| format!("src/memory/coefficients.rs has no {constant}"))?;
    Ok(rest.split(';').next().unwrap_or(rest))
}

fn parse(text: &str) -> Result<f64> {
    text.trim().replace('_', "").parse().with_context(|| format!("not a number: {text}"))
}
