//! Stormglass reads kube-apiserver audit logs and tells which clients' LISTs and watches burden the API server.
//!
//! The data goes one way, and the modules stand in its order:
//!
//! ```text
//! bytes ─▶ lines ─▶ events ─▶ requests ─▶ tables ─▶ findings ─▶ candidates ─▶ simulation ─▶ report
//!     source   audit    requests    │ tables   findings   candidates    simulation    report
//!                        clients ───┤  memory ──┘            apf: the shared vocabulary
//!                                queries/*.sql
//! ```
//!
//! Each stage takes plain values from the one before it and hands plain values on. What is absent is as telling:
//! nothing between [`source`] and [`tables`] reads a file, a clock or the environment; only [`tables`] knows Arrow and
//! DataFusion; only [`console`] prints. A stage names only those before it; what runs after what is said in [`commands`].
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
pub mod report;

pub mod synth;

pub mod apf;
pub mod units;

pub mod cli;
pub mod commands;
pub mod console;
