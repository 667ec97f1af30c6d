//! All integration tests in one binary: each further one would link DataFusion again.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails")]

mod apf;
mod cases_who;
mod cli;
mod cli_apf;
mod cli_reports;
mod corpus;
mod differential;
mod docs;
mod lab;
mod layering;
mod memory_fit;
mod papers;
mod queries;
mod sources;
mod storms;
mod support;
mod tables;
mod truth;
mod vectors;
mod whatif;
