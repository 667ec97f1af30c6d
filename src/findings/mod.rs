//! From numbers to judgements, in words. SQL measures; here it is said what that means.

mod coverage;

pub use coverage::{Coverage, Presence, coverage};
