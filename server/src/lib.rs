//! Swell's server: the documented REST API, the socket and the pages over one [`engine::Engine`].
//!
//! Handlers unwrap arguments and call one use-case; what is allowed and what is written is decided
//! in `engine` and `domain`.
#![recursion_limit = "256"]

pub mod bodies;
pub mod cli;
pub mod client;
pub mod config;
pub mod demo;
pub mod docs;
pub mod doctor;
pub mod edge;
pub mod hooks;
pub mod mcp;
pub mod openapi;
pub mod pages;
pub mod postgres;
pub mod problem;
pub mod rest;
pub mod router;
pub mod serve;
pub mod swarm;
pub mod telemetry;
pub mod ws;
