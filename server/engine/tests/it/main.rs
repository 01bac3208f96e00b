//! The use-cases on a real Postgres: what they promise when many call them at once, what they cost,
//! and what they tell. `DATABASE_URL` names a server on which the tests may create databases.
#![allow(clippy::unwrap_used)]

mod actions;
mod approval;
mod budgets;
mod concurrency;
mod cost;
mod dependencies;
mod events;
mod file_leases;
mod files;
mod find;
mod hooks;
mod idempotency;
mod leases;
mod load;
mod locks;
mod planning;
mod registry;
mod scopes;
mod stranding;
mod support;
mod wire;
