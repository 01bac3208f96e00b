//! The rules of Swell and the types that go over the wire.
//!
//! **Invariant:** nothing here does I/O, reads a clock, makes random numbers, or knows about SQL,
//! HTTP or Leptos. Times and ids are arguments. The crate compiles for the server and the browser.

pub mod batch;
pub mod chart;
pub mod check;
pub mod conflict;
pub mod dto;
pub mod event;
pub mod graph;
pub mod hook;
pub mod json;
pub mod lease;
pub mod planner;
pub mod problem;
pub mod progress;
pub mod registry;
pub mod report;
pub mod scope;
pub mod subtask;
pub mod synthesis;
pub mod usage;
pub mod wave;

/// Times on the wire and in the rules: UTC, RFC 3339 with `Z`.
pub type Time = chrono::DateTime<chrono::Utc>;
