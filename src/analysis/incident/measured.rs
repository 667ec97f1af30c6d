//! Measured memory of the server that a moment is about.

use super::{IncidentInputs, MeasuredMemory, MemoryFacts};
use crate::analysis::Span;
use crate::audit::Micros;
use crate::findings::{GrowthInput, ListPressure, MemoryFall, MemoryGrowth, Moment, find_falls, measure_growth};
use crate::memory::Resident;

impl IncidentInputs<'_> {
    /// The falls of measured memory, of all series, within the logs.
    pub(super) fn falls(&self) -> Vec<MemoryFall> {
        let measured = self.options.memory.iter().flat_map(|measured| &measured.series);
        measured.flat_map(|series| find_falls(&series.samples, self.thresholds)).collect()
    }

    /// Measured memory in the window, and what it says; `None` where none was given.
    pub(super) fn memory_facts(
        &self,
        moment: &Moment,
        born_at: Micros,
        window: Span,
        (pressure, step): (&[ListPressure], Micros),
    ) -> Option<MemoryFacts> {
        let MeasuredMemory { source, series: all } = self.options.memory.as_ref()?;
        let series = series_of(all, moment, window);
        let input = GrowthInput {
            samples: series.map(|series| series.samples.as_slice()).unwrap_or_default(),
            born_at,
            pressure,
            step,
            window: (window.from, window.to),
        };
        let growth = measure_growth(&input, moment, self.thresholds);
        Some(MemoryFacts {
            file: source.clone(),
            series: series.map(|series| series.name.clone()).filter(|name| !name.is_empty()),
            series_count: all.len(),
            samples: series.map(|series| within(series, window)).unwrap_or_default(),
            growth: MemoryGrowth { fall: moment.memory_fall, ..growth },
        })
    }
}

/// Of several series that which is named like the server, else the highest.
fn series_of<'s>(all: &'s [Resident], moment: &Moment, window: Span) -> Option<&'s Resident> {
    let name = moment.apiserver.as_deref().filter(|name| !name.is_empty());
    let is_named = |series: &&Resident| name.is_some_and(|name| series.name.contains(name));
    let highest = |series: &&Resident| within(series, window).iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    all.iter().find(is_named).or_else(|| all.iter().max_by(|one, other| highest(one).total_cmp(&highest(other))))
}

fn within(series: &Resident, window: Span) -> Vec<(Micros, f64)> {
    series.samples.iter().copied().filter(|(at, _)| (window.from..=window.to).contains(at)).collect()
}
