//! The same requests over and over; and batches read that way.

use std::rc::Rc;

use super::{Bench, prepare};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
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
