//! Compares `src/memory/coefficients.rs` with the fit: prices there are those here to three digits, or bounds that hold
//! them, and bounds are rounded outwards.

use anyhow::{Context, Result, ensure};

use super::fit::{BYTES_PER_MAP, Fit, Interval, METADATA_MAPS, MOST_PAGE_GARBAGE, PAGE_GARBAGE, STANDING_GARBAGE};
use super::fit::{LEAST_OF_STRINGS, TURNOVER, UNSEEN_KIND};
use super::prices::{Part, Prices};
use super::runs::Content;

pub(super) fn check(fit: &Fit<'_>, source: &str) -> Result<()> {
    let mut differences = Vec::new();
    for (prefix, prices) in [
        ("STRUCTS", fit.prices.of(Content::Structs)),
        ("STRINGS", fit.prices.of(Content::Strings)),
        ("MAPS", fit.prices.of(Content::Maps)),
    ] {
        for (constant, field, price) in expect(prefix, prices) {
            let found = find_bounds(source, &constant, field)?;
            let is_strings_cache = constant == "STRINGS_FROM_CACHE" && field == "per_byte";
            let low = if is_strings_cache { price * LEAST_OF_STRINGS } else { price };
            if !is_price(found.0, low) || !is_price(found.1, price) {
                differences.push(format!("{constant} {field}: {found:?}, but the fit gives {price:.4}"));
            }
        }
    }
    let (low, high) = fit.spread;
    let rounded = ((low * 100.0).floor() / 100.0, (high * 100.0).ceil() / 100.0);
    for (constant, expected) in [
        ("SPREAD", rounded),
        ("UNSEEN_KIND", UNSEEN_KIND),
        ("BYTES_PER_MAP", BYTES_PER_MAP),
        ("TURNOVER", (1.0, TURNOVER)),
    ] {
        let found = find_bounds(source, constant, "")?;
        if !is_close(found.0, expected.0) || !is_close(found.1, expected.1) {
            differences.push(format!("{constant}: {found:?}, but the fit has {expected:?}"));
        }
    }
    for (constant, expected) in [
        ("LEAST_MAPS_PER_OBJECT", METADATA_MAPS),
        ("PAGE_GARBAGE_PER_BYTE", PAGE_GARBAGE),
        ("PAGE_GARBAGE_BYTES", MOST_PAGE_GARBAGE),
        ("STANDING_GARBAGE_BYTES", STANDING_GARBAGE),
    ] {
        let found = find_number(source, constant)?;
        if !is_close(found, expected) {
            differences.push(format!("{constant}: {found}, but the fit has {expected}"));
        }
    }
    ensure!(differences.is_empty(), "src/memory/coefficients.rs differs from the fit:\n{}", differences.join("\n"));
    Ok(())
}

/// The constants with the prices of a content, and their fields.
fn expect(prefix: &str, prices: &Prices) -> Vec<(String, &'static str, f64)> {
    let price = |part: Part| prices[part as usize];
    let (etcd, cache) = (format!("{prefix}_FROM_ETCD"), format!("{prefix}_FROM_CACHE"));
    let all = [
        (&etcd, "once_per_byte", Part::EtcdOnce),
        (&etcd, "once_per_map", Part::EtcdOnceMap),
        (&etcd, "per_byte", Part::EtcdByte),
        (&etcd, "per_map", Part::EtcdMap),
        (&cache, "once_per_byte", Part::CacheOnce),
        (&cache, "once_per_map", Part::CacheOnceMap),
        (&cache, "per_byte", Part::CacheByte),
        (&cache, "per_object", Part::CacheObject),
        (&cache, "per_map", Part::CacheMap),
        (&prefix.to_owned(), "json_buffer", Part::JsonBuffer),
        (&prefix.to_owned(), "protobuf_buffer", Part::ProtobufBuffer),
    ];
    all.map(|(constant, field, part)| (constant.clone(), field, price(part))).to_vec()
}

/// Three digits agree.
fn is_price(found: f64, price: f64) -> bool {
    (found - price).abs() <= 0.005 * price
}

fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// The bounds of a constant in the source, or of one of its fields: `(low, high)`, `exactly(price)` or `NONE`.
fn find_bounds(source: &str, constant: &str, field: &str) -> Result<Interval> {
    let definition = find_definition(source, constant)?;
    let key = if field.is_empty() { "= ".to_owned() } else { format!(" {field}: ") };
    let (_, value) = definition.split_once(&key).with_context(|| format!("{constant} has no {field}"))?;
    if value.starts_with("NONE") {
        return Ok((0.0, 0.0));
    }
    let numbers = value.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(numbers, _)| numbers);
    let numbers = numbers.with_context(|| format!("{constant} {field} has no bounds"))?;
    match numbers.split_once(',') {
        Some((low, high)) => Ok((parse(low)?, parse(high)?)),
        None => Ok((parse(numbers)?, parse(numbers)?)),
    }
}

fn find_number(source: &str, constant: &str) -> Result<f64> {
    let definition = find_definition(source, constant)?;
    parse(definition.split_once("= ").map_or("", |(_, value)| value))
}

/// The text of a constant, from its name to the semicolon.
fn find_definition<'s>(source: &'s str, constant: &str) -> Result<&'s str> {
    let start = source.find(&format!("const {constant}: ")).with_context(|| format!("there is no {constant}"))?;
    Ok(source[start..].split_once(';').map_or("", |(definition, _)| definition))
}

fn parse(number: &str) -> Result<f64> {
    number.trim().replace('_', "").parse().with_context(|| format!("invalid number: {number}"))
}
