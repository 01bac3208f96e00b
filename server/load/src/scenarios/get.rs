//! The same requests over and over; and batches read that way, or each time after one of its subtasks changed.

use std::rc::Rc;

use super::{Bench, prepare};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
    target::Template,
};

/// Requests sent in turn.
pub struct InTurn {
    requests: Rc<[Vec<u8>]>,
    next: usize,
}

impl InTurn {
    /// Begins at the request number `first`.
    #[must_use]
    pub fn new(requests: &Rc<[Vec<u8>]>, first: usize) -> Self {
        Self { requests: Rc::clone(requests), next: first }
    }
}

impl Work for InTurn {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        let request = self.requests.get(self.next % self.requests.len().max(1))?;
        self.next += 1;
        Some(client.call(request).await)
    }
}

/// Measures the requests that do nothing: what HTTP takes of every other one.
pub async fn health(bench: &mut Bench<'_>) -> Tally {
    let requests: Rc<[_]> = [bench.target.request("GET", "/health", None)].into();
    bench.measure(|_| InTurn::new(&requests, 0)).await
}

/// A change and the read that finds it, of each batch in turn.
struct Changed {
    pairs: Vec<(Template, Vec<u8>)>,
    next: usize,
}

impl Work for Changed {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        let count = self.pairs.len();
        let (change, read) = self.pairs.get_mut(self.next % count.max(1))?;
        // Another priority than the last time, whatever the number of batches.
        let priority = [b'1' + u8::try_from(self.next / count % 9).unwrap_or_default()];
        self.next += 1;
        if let Err(failure) = client.call(change.with(&priority)).await {
            return Some(Err(failure));
        }
        Some(client.call(read).await)
    }
}

/// Measures reads of batches of `count` subtasks, as many as `batches`, each after a change of one subtask.
pub async fn changed(bench: &mut Bench<'_>, count: u32, batches: usize) -> Result<Tally, Failure> {
    let session = bench.session("changed", count);
    let agents = bench.clients.len();
    let mut pairs: Vec<Vec<_>> = vec![Vec::new(); agents];
    // Each agent has batches of its own: no other's change is in what it reads.
    for number in 0..batches.max(agents) {
        let batch = prepare::submit(bench.helper(), &session, count).await?;
        let subtask = batch.subtask_ids.last().cloned().unwrap_or_default();
        let change = format!("/api/subtasks/{subtask}");
        let change = bench.target.request("PATCH", &change, Some(r#"{"priority":#}"#));
        let read = format!("/api/orchestration/batch/{}", batch.id);
        let read = bench.target.request("GET", &read, None);
        pairs[number % agents].push((Template::new(change, "#")?, read));
    }
    let mut pairs = pairs.into_iter();
    Ok(bench.measure(|_| Changed { pairs: pairs.next().unwrap_or_default(), next: 0 }).await)
}

/// Measures reads of `batches` batches of `count` subtasks.
pub async fn run(bench: &mut Bench<'_>, count: u32, batches: usize) -> Result<Tally, Failure> {
    let session = bench.session("get", count);
    let mut requests = Vec::with_capacity(batches);
    for _ in 0..batches {
        let id = prepare::submit(bench.helper(), &session, count).await?.id;
        requests.push(bench.target.request("GET", &format!("/api/orchestration/batch/{id}"), None));
    }
    let requests: Rc<[_]> = requests.into();
    // Each agent begins elsewhere, so that they do not read the same batch at the same time.
    let stride = batches.div_ceil(bench.clients.len().max(1));
    Ok(bench.measure(|agent| InTurn::new(&requests, agent * stride)).await)
}
