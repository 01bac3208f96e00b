//! `swell-load` drives a running Swell server with simulated agents and measures it, and beside it
//! (`--pgbench-dsn`) what Postgres alone can do with one optimal statement per operation.
//!
//! Every agent has one keep-alive connection and sends its next request when the last was answered.
//! A scenario prepares its rows first, then warms up for a second, then is measured. All agents run on
//! one thread and bodies are built before the clock starts: the client shares its cores with the server.
//!
//! The rows it makes stay: sessions named `load-{run}-…` and `ceiling-{run}-…`. Point it at a database
//! that can be thrown away.
//!
//! # Output
//!
//! An aligned table on standard output, progress on standard error, and with `--json FILE`:
//!
//! ```json
//! {
//!   "tool": "swell-load", "version": "0.1.0",
//!   "run": "6921e4a0",                 // part of the name of every session it made
//!   "started_at": 1763800000,          // seconds since 1970
//!   "url": "http://127.0.0.1:3847", "agents": 16, "seconds": 5,
//!   "rows": 0,                         // subtasks that were there before the first scenario
//!   "scenarios": [{
//!     "name": "patch_spread",
//!     "unit": "request",               // what `count` counts: request, flow or event
//!     "count": 48211,                  // operations that succeeded inside the measured time
//!     "elapsed_s": 5.0,                // the measured time; shorter when the prepared rows ran out
//!     "rps": 9642.2,                   // count / elapsed_s
//!     "requests_per_s": 9642.2,        // the same in requests (a flow has 17)
//!     "p50_ms": 1.5, "p95_ms": 3.1, "p99_ms": 4.2, "max_ms": 9.0,   // per operation; ws_fanout: PATCH sent → one socket has it
//!     "errors": 0,                     // every answer but a 2xx, every broken connection, warm-up included
//!     "first_error": null,             // its status and body
//!     "note": null,                    // what a reader should know, such as a shortened run
//!     "ceiling": {                     // null without --pgbench-dsn or where there is no script
//!       "tps": 6791.0, "latency_avg_ms": 2.3, "failed": 0
//!     },
//!     "ratio": 1.42                    // rps / ceiling.tps
//!   }]
//! }
//! ```
//!
//! A scenario that could not be prepared has a `count` of 0, one error and the reason in `first_error`.
//! The exit status is 0 when nothing failed, 1 when a scenario saw an error, 2 when it could not start.

mod ceiling;
mod cli;
mod client;
mod failure;
mod measure;
mod pgbench;
mod report;
mod scenarios;
mod sockets;
mod target;

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Parser;

use crate::{
    ceiling::Ceiling,
    cli::Args,
    failure::Failure,
    report::{Report, Row},
    scenarios::{Bench, Scenario},
    target::Target,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(report) if report.errors() == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(failure) => {
            eprintln!("swell-load: {failure}");
            ExitCode::from(2)
        }
    }
}

async fn run(args: &Args) -> Result<Report, Failure> {
    let started_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // 31 bits, so that Postgres takes it as an integer too.
    let run = u32::try_from(started_at & 0x7fff_ffff).unwrap_or_default();
    let target = Target::resolve(&args.url, args.token.as_deref(), args.allow_remote).await?;
    let ceiling = match &args.pgbench_dsn {
        Some(dsn) => Some(Ceiling::new(dsn, args.allow_remote, args.agents, args.seconds, run)?),
        None => None,
    };
    let mut bench = Bench::new(&target, args, format!("{run:08x}"));
    if args.rows > 0 {
        eprintln!("filling in {} subtasks", args.rows);
        bench.fill(args.rows).await?;
    }
    if let Some(ceiling) = &ceiling {
        eprintln!("preparing the ceiling's rows");
        ceiling.prepare().await?;
    }
    let mut report = Report::new(args, &format!("{run:08x}"), started_at);
    for scenario in Scenario::chosen(&args.only) {
        eprintln!("{}", scenario.name());
        let mut row = match bench.run(scenario).await {
            Ok(row) => row,
            Err(failure) => Row::failed(scenario, &failure),
        };
        if let Some(ceiling) = &ceiling {
            // Right after its scenario: what else the machine does changes from minute to minute.
            match ceiling.run(scenario).await {
                Ok(rate) => row.set_ceiling(rate),
                Err(failure) => row.add_note(&format!("ceiling: {failure}")),
            }
        }
        if let Some(error) = &row.first_error {
            eprintln!("  first of {} errors: {error}", row.errors);
        }
        report.scenarios.push(row);
    }
    print!("{}", report.table());
    if let Some(path) = &args.json {
        report.write(path)?;
    }
    Ok(report)
}
