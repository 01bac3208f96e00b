//! One change at a time, told to many sockets.
//!
//! One subtask goes back and forth between `running` and `pending`. Each PATCH waits until every socket has
//! the event of the one before. A latency is the time from sending the PATCH to one socket's receipt.

use std::time::Instant;

use super::{Bench, prepare};
use crate::{failure::Failure, measure::Tally, sockets::Sockets};

/// Measures events to every socket of the bench.
pub async fn run(bench: &mut Bench<'_>) -> Result<Tally, Failure> {
    let session = bench.session("fanout", 0);
    let batch = prepare::submit(bench.helper(), &session, 2).await?;
    prepare::start(bench.helper(), &session).await?;
    let id = batch.subtask_ids.first().ok_or_else(|| Failure::new("a batch without subtasks"))?;
    let path = format!("/api/subtasks/{id}");
    let requests = [r#"{"status":"running"}"#, r#"{"status":"pending"}"#]
        .map(|body| bench.target.request("PATCH", &path, Some(body)));
    let mut sockets =
        Sockets::open(bench.target, bench.sockets, &format!("sessions/{session}")).await?;

    let mut tally = Tally::new();
    let start = Instant::now() + bench.window.warm_up;
    let end = start + bench.window.measured;
    for request in requests.iter().cycle() {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        let client = bench.helper();
        let (answer, latencies) = tokio::join!(client.call(request), sockets.receive(sent));
        // After either, the next round would count what belongs to this one.
        if let Err(failure) = answer {
            tally.fail(failure);
            break;
        }
        match latencies {
            Ok(latencies) if sent >= start => {
                tally.ok += 1;
                latencies.into_iter().for_each(|latency| tally.record(latency));
            }
            Ok(_) => {}
            Err(failure) => {
                tally.fail(failure);
                break;
            }
        }
    }
    tally.elapsed = Instant::now().saturating_duration_since(start);
    sockets.close().await;
    Ok(tally)
}
