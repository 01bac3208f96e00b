//! The REST API, the edge and the socket on a real Postgres. `DATABASE_URL` names a server on which
//! the tests may create databases.
#![allow(clippy::unwrap_used)]
#![recursion_limit = "256"]

mod agents;
mod away;
mod bad_bodies;
mod bad_requests;
mod bad_values;
mod batch_reads;
mod binary;
mod client;
mod commands;
mod demo;
mod documents;
mod edge;
mod flow;
mod mcp;
mod pages;
mod planner;
mod process;
mod routes;
mod socket;
mod stream;
mod support;
