//! All integration tests in one binary: each further one would link DataFusion again.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect fails")]

mod apf;
mod cases;
mod cases_who;
mod cli;
mod cli_apf;
mod cli_reports;
mod corpus;
mod differential;
mod docs;
mod ends;
mod lab;
mod layering;
mod memory_fit;
mod papers;
mod properties;
mod queries;
mod shapes;
mod sizes;
mod sources;
mod storms;
mod support;
mod tables;
mod truth;
mod vectors;
mod whatif;
