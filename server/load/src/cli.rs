//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::scenarios::Scenario;

/// Measures a running Swell server with simulated agents, beside what Postgres alone can do.
#[derive(Debug, Parser)]
#[command(name = "swell-load", version)]
pub struct Args {
    /// The server; plain HTTP, on this machine.
    #[arg(long, default_value = "http://127.0.0.1:3847")]
    pub url: String,
    /// How many agents, each with one connection.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub agents: u16,
    /// How long each scenario is measured, after a second of warm-up.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
    /// Only these scenarios; all of them when left out.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,…")]
    pub only: Vec<Scenario>,
    /// Also write the results here as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Also run pgbench against this database (libpq connection string, such as "host=/tmp/x dbname=swell
    /// user=swell"); it needs Swell's tables and gets sessions named ceiling-….
    #[arg(long, value_name = "DSN")]
    pub pgbench_dsn: Option<String>,
    /// The server's API token.
    #[arg(long, env = "SWELL_LOAD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// First add this many subtasks, to measure over grown tables.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub rows: u32,
    /// How many sockets ws_fanout opens.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub sockets: u16,
    /// Allow a server or database on another machine.
    #[arg(long)]
    pub allow_remote: bool,
}
