//! The fit as text: what `fit.txt` holds.

use std::fmt::{Result, Write};

use super::fit::{Fit, Interval, Judged, STANDING_GARBAGE, TURNOVER, point};
use super::prices::{PARTS, Part};
use super::runs::{
    Content, Form, LeavesOut, Run, Set, has_same_collection, is_same, is_same_kind, is_same_way, nothing,
};

pub(super) fn describe(fit: &Fit<'_>) -> std::result::Result<String, std::fmt::Error> {
    let mut text = "What LISTs cost in memory. Printed by `cargo bench --bench memory_fit` from cells.csv.\n\
        b: bytes of a response in JSON (of a page, for pages); all prices are bytes.\n\n"
        .to_owned();
    write_prices(&mut text, fit)?;
    write_ways(&mut text, fit)?;
    write_held_out(&mut text, fit)?;
    write_pages(&mut text, fit)?;
    write_forms(&mut text, fit)?;
    write_limited(&mut text, fit)?;
    Ok(text)
}

fn write_prices(text: &mut String, fit: &Fit<'_>) -> Result {
    let columns = [("structs", Content::Structs), ("strings", Content::Strings), ("maps", Content::Maps)];
    writeln!(text, "{:32}{:>10}{:>10}{:>10}", "price of", "structs", "strings", "maps")?;
    for part in PARTS {
        write!(text, "{:32}", part_name(part))?;
        for (_, content) in columns {
            let price = fit.prices.of(content)[part as usize];
            let shown = if price > 0.0 { three_digits(price) } else { "-".to_owned() };
            write!(text, "{shown:>10}")?;
        }
        text.push('\n');
    }
    text.push_str("\nstructs: pods, events. strings: ConfigMaps, Secrets. maps: custom resources.\n");
    Ok(())
}

fn three_digits(price: f64) -> String {
    match price {
        price if price >= 100.0 => format!("{price:.0}"),
        price if price >= 1.0 => format!("{price:.2}"),
        price => format!("{price:.3}"),
    }
}

const fn part_name(part: Part) -> &'static str {
    match part {
        Part::EtcdOnce => "from etcd, once, a byte",
        Part::EtcdOnceMap => "from etcd, once, a map",
        Part::EtcdByte => "from etcd, each, a byte",
        Part::EtcdMap => "from etcd, each, a map",
        Part::CacheOnce => "from the cache, once, a byte",
        Part::CacheOnceMap => "from the cache, once, a map",
        Part::CacheByte => "from the cache, each, a byte",
        Part::CacheObject => "from the cache, each, an object",
        Part::CacheMap => "from the cache, each, a map",
        Part::JsonBuffer => "JSON in a buffer, a byte",
        Part::ProtobufBuffer => "protobuf in a buffer, a byte",
    }
}

fn write_ways(text: &mut String, fit: &Fit<'_>) -> Result {
    writeln!(text, "\n{:30}{:10}{:20}{:>6}{:>6}", "way", "content", "measured / fitted", "rms", "runs")?;
    let fitted = || fit.runs.iter().filter(|run| run.is_fitted());
    let mut seen: Vec<(super::runs::Way, Content)> = Vec::new();
    for run in fitted() {
        let key = (run.way(), run.content());
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    seen.sort_by_key(|(way, content)| (way.name(), *content as u8));
    for (way, content) in seen {
        let ratios: Vec<f64> = fitted()
            .filter(|run| (run.way(), run.content()) == (way, content))
            .map(|run| run.rise_bytes / point(run, &fit.prices))
            .collect();
        let (low, high) = hull(&ratios);
        let square = mean(&ratios.iter().map(|ratio| (1.0 / ratio - 1.0).powi(2)).collect::<Vec<_>>());
        let name = format!("{content:?}").to_lowercase();
        let interval = format!("{low:.2} to {high:.2}");
        writeln!(text, "{:30}{name:10}{interval:20}{:>6}{:6}", way.name(), percent(square.sqrt()), ratios.len())?;
    }
    let (low, high) = fit.spread;
    writeln!(text, "\nThe spread of all, above 1 of bursts only: {low:.3} to {high:.3}.")
}

const HELD_OUT: [(&str, LeavesOut); 5] = [
    ("nothing", nothing),
    ("the run with its repeats", is_same),
    ("all of its collection", has_same_collection),
    ("all of its kind", is_same_kind),
    ("all of its way", is_same_way),
];

fn write_held_out(text: &mut String, fit: &Fit<'_>) -> Result {
    text.push_str(
        "\nEach run against what is fitted without some: the error of the prediction (knowing the number of maps, and of\n\
         whole LISTs only), whether the run is in its range, and how wide ranges are (median of high / low).\n\n",
    );
    writeln!(text, "{:28}{:>6}{:>6}{:>12}{:>6}{:>8}", "left out", "mean", "max", "in range", "", "width")?;
    let all: Vec<_> = HELD_OUT.iter().map(|(name, leaves_out)| (*name, fit.judge(*leaves_out))).collect();
    for (name, judged) in &all {
        let errors: Vec<f64> = judged.iter().filter_map(|judged| Some(judged.error?.abs())).collect();
        let (mean, max) = (percent(mean(&errors)), percent(hull(&errors).1));
        let width = median(judged.iter().map(|judged| judged.range.1 / judged.range.0).collect());
        let held = share(judged, |_| true);
        writeln!(text, "{name:28}{mean:>6}{max:>6}{:>12}{:>6}{width:>8.1}", held.0, held.1)?;
    }
    text.push_str("\nIn range, by kind:\n\n");
    write!(text, "{:12}", "kind")?;
    HELD_OUT.iter().try_for_each(|(name, _)| write!(text, "{name:>26}"))?;
    text.push('\n');
    for kind in ["pods", "events", "configmaps", "secrets", "widgets", "gadgets", "blobs"] {
        write!(text, "{kind:12}")?;
        all.iter().try_for_each(|(_, judged)| write!(text, "{:>26}", share(judged, |run| run.kind == kind).0))?;
        text.push('\n');
    }
    text.push_str("\nIn range, by way, without all of the way:\n\n");
    let without_way = &all[4].1;
    let mut ways: Vec<_> = without_way.iter().map(|judged| judged.run.way().name()).collect();
    ways.sort_unstable();
    ways.dedup();
    for way in ways {
        writeln!(text, "{way:30}{:>10}", share(without_way, |run| run.way().name() == way).0)?;
    }
    text.push_str("\nOutside, without the run and its repeats (MB):\n\n");
    for judged in all[1].1.iter().filter(|judged| !judged.is_in()) {
        let (low, high) = judged.range;
        let range = format!("{:.0} to {:.0}", low / 1e6, high / 1e6);
        writeln!(text, "{:48}{:>8.0}{range:>16}", judged.run.cell, judged.run.rise_bytes / 1e6)?;
    }
    Ok(())
}

fn share(judged: &[Judged<'_>], is_included: impl Fn(&Run) -> bool) -> (String, String) {
    let included: Vec<_> = judged.iter().filter(|judged| is_included(judged.run)).collect();
    let held = included.iter().filter(|judged| judged.is_in()).count();
    (format!("{held} of {}", included.len()), format!("{} %", held * 100 / included.len().max(1)))
}

fn write_pages(text: &mut String, fit: &Fit<'_>) -> Result {
    text.push_str("\nWhat chains of pages hold besides their pages: MB, and bytes for each of the collection.\n\n");
    for (run, garbage, per_byte) in fit.page_garbage() {
        writeln!(text, "{:48}{:>8.0}{per_byte:>8.1}", run.cell, garbage / 1e6)?;
    }
    Ok(())
}

fn write_forms(text: &mut String, fit: &Fit<'_>) -> Result {
    text.push_str("\nWhat indenting adds to a buffer, for each byte before.\n\n");
    for (run, price) in fit.pretty() {
        writeln!(text, "{:48}{price:>8.2}", run.cell)?;
    }
    text.push_str("\nTables and metadata only, against the range of whole objects (MB).\n\n");
    for run in fit.runs.iter().filter(|run| run.form == Form::Partial) {
        writeln!(text, "{:48}{:>8.0}{:>16}", run.cell, run.rise_bytes / 1e6, megabytes(fit.range(run)))?;
    }
    Ok(())
}

fn write_limited(text: &mut String, fit: &Fit<'_>) -> Result {
    let [standing, factor] = fit.turnover;
    writeln!(
        text,
        "\nLISTs that follow one another, by the capped runs: {standing:.0} MB + {factor:.2} times what each holds.\n\
         Ranges end at {TURNOVER} times what each LIST holds, plus what comes once or, if that is more, {:.0} MB.\n\n\
         In MB (* more than a burst, but in the range of LISTs that follow one another):\n",
        STANDING_GARBAGE / 1e6
    )?;
    let head = format!("{:>10}{:>14}{:>14}{:>10}", "in flight", "burst", "sustained", "measured");
    writeln!(text, "{:52}{:7}{head}", "run", "set")?;
    for run in fit.runs.iter().filter(|run| matches!(run.set, Set::Capped | Set::Other)) {
        let (burst, sustained) = fit.limited(run);
        let mark = match run.rise_bytes {
            rise if rise < sustained.0 => " below",
            rise if rise <= burst.1 => "",
            rise if rise <= sustained.1 => " *",
            _ => " above",
        };
        let set = format!("{:?}", run.set).to_lowercase();
        let (burst, sustained, rise) = (megabytes(burst), megabytes(sustained), run.rise_bytes / 1e6);
        writeln!(text, "{:52}{set:7}{:>10}{burst:>14}{sustained:>14}{rise:>10.0}{mark}", run.cell, run.in_flight)?;
    }
    Ok(())
}

fn megabytes((low, high): Interval) -> String {
    format!("{:.0} to {:.0}", low / 1e6, high / 1e6)
}

fn percent(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.iter().map(|_| 1.0).sum::<f64>()
}

fn hull(values: &[f64]) -> Interval {
    values.iter().fold((f64::INFINITY, 0.0), |(low, high), value| (value.min(low), value.max(high)))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
