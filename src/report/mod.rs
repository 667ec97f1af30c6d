//! Looks: one plain report, several ways to write it. Nothing is judged here.

mod storms;

pub use storms::{Block, SCHEMA_VERSION, StormReport, Suspect, blocks, json, markdown, ndjson};
