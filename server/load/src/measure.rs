//! The clock: agents work, and what they finish inside the measured time counts.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use hdrhistogram::Histogram;

use crate::{client::Client, failure::Failure};

/// What one agent does over and over.
pub trait Work {
    /// One operation; `None` when there is nothing left to do.
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>>;
}

/// How long agents work.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Before anything counts.
    pub warm_up: Duration,
    /// While it counts.
    pub measured: Duration,
}

/// What was counted.
#[derive(Debug)]
pub struct Tally {
    /// Operations that succeeded in the measured time.
    pub ok: u64,
    /// What failed, warm-up included.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<Failure>,
    /// The measured time.
    pub elapsed: Duration,
    /// Whether an agent had nothing left to do.
    pub ran_out: bool,
    /// Latencies in microseconds; without one nothing is recorded.
    pub latencies: Option<Histogram<u64>>,
}

impl Tally {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        // Up to a minute, to three digits; these bounds are valid, so there always is one.
        let latencies = Histogram::new_with_bounds(1, 60_000_000, 3).ok();
        Self {
            ok: 0,
            errors: 0,
            first_error: None,
            elapsed: Duration::ZERO,
            ran_out: false,
            latencies,
        }
    }

    /// Records how long something took.
    pub fn record(&mut self, latency: Duration) {
        if let Some(latencies) = &mut self.latencies {
            latencies
                .saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
        }
    }

    /// Counts an error and keeps the first.
    pub fn fail(&mut self, failure: Failure) {
        self.errors += 1;
        self.first_error.get_or_insert(failure);
    }

    /// Operations a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { count(self.ok) / seconds } else { 0.0 }
    }

    /// A quantile of the latencies; milliseconds.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latencies
            .as_ref()
            .map_or(0.0, |latencies| count(latencies.value_at_quantile(quantile)) / 1_000.0)
    }
}

/// A count as a number to divide with.
#[must_use]
pub fn count(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}

/// Sets every agent to its work for the time of `window`.
pub async fn drive<W: Work>(clients: &mut [Client<'_>], window: Window, works: Vec<W>) -> Tally {
    let start = Instant::now() + window.warm_up;
    let end = start + window.measured;
    let tally = RefCell::new(Tally::new());
    let mut agents: FuturesUnordered<_> = clients
        .iter_mut()
        .zip(works)
        .map(|(client, work)| {
            // An idle connection may have been closed since the last scenario.
            client.hang_up();
            agent(client, work, start, end, &tally)
        })
        .collect();
    let mut last = start;
    while let Some(finished) = agents.next().await {
        last = last.max(finished);
    }
    drop(agents);
    let mut tally = tally.into_inner();
    let stop = if tally.ran_out { last.min(end) } else { end };
    tally.elapsed = stop.saturating_duration_since(start);
    tally
}

/// Works until `end`; returns when its last operation ended.
async fn agent<W: Work>(
    client: &mut Client<'_>,
    mut work: W,
    start: Instant,
    end: Instant,
    tally: &RefCell<Tally>,
) -> Instant {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut now = Instant::now();
    while now < end {
        let Some(result) = work.once(client).await else {
            tally.borrow_mut().ran_out = true;
            break;
        };
        let finished = Instant::now();
        match result {
            Ok(()) if finished >= start && finished <= end => {
                let mut tally = tally.borrow_mut();
                tally.ok += 1;
                tally.record(finished - now);
            }
            Ok(()) => {}
            Err(failure) => {
                let unanswered = failure.status.is_none();
                tally.borrow_mut().fail(failure);
                if unanswered {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        now = finished;
    }
    now
}
