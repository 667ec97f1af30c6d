//! Stormglass reads kube-apiserver audit logs and says which clients' LISTs and watches overload the API server.
//!
//! ```
//! use stormglass::analysis::storms::{StormOptions, storms};
//! use stormglass::analysis::{AnalysisError, Session};
//!
//! # fn main() -> Result<(), AnalysisError> {
//! # tokio::runtime::Builder::new_multi_thread().build().expect("a runtime").block_on(async {
//! let session = Session::open(&["sample-logs/operator-loop"])?;
//! let report = storms(&session, &StormOptions::default()).await?;
//! for finding in &report.findings {
//!     let (client, kind) = (finding.culprit.client().unwrap_or("several clients"), finding.kind.name());
//!     println!("{}: {kind} by {client}, {} requests", finding.severity.name(), finding.requests);
//! }
//! # assert!(!report.findings.is_empty());
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! The data goes one way, and the modules are in its order:
//!
//! ```text
//! bytes ─▶ lines ─▶ events ─▶ requests ─▶ tables ─▶ findings ─▶ candidates ─▶ simulation ─▶ analysis ─▶ report
//!  source       audit     requests    tables    findings   candidates   simulation    analysis    report
//!                         clients ┘    │        └── memory ──┘   apf: the shared vocabulary
//!                                   queries/*.sql
//! ```
//!
//! Each stage takes plain values from the one before it and returns plain values. [`analysis`] is the front door: one
//! function for each question, plain options in, a plain serialisable report out. What is absent matters as much: nothing
//! between [`source`] and [`report`] reads a clock, the environment or the terminal; only [`tables`] knows Arrow and
//! DataFusion; only [`report`] writes sentences; only [`console`] prints. A stage names only those before it.
//!
//! Bad input is a value that is counted and shown ([`audit::Reason`]), never an error and never silence.

pub mod source;
pub mod audit;
pub mod requests;
pub mod clients;
pub mod tables;
pub mod memory;
pub mod findings;
pub mod candidates;
pub mod simulation;
pub mod dimensions;
pub mod analysis;
pub mod report;

pub mod synth;

pub mod apf;
pub mod kubernetes;
pub mod units;

pub mod cli;
pub mod commands;
pub mod console;
