//! Batches submitted. Each agent has a session of its own and goes on to a new wave every 20 batches.

use super::{Bench, prepare};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
    target::Template,
};

const BATCHES_PER_WAVE: u32 = 20;
const WAVE: &str = "########";

struct Submit {
    request: Template,
    sent: u32,
}

impl Work for Submit {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        let wave = (1 + self.sent / BATCHES_PER_WAVE).to_string();
        self.sent += 1;
        Some(client.call(self.request.with(wave.as_bytes())).await)
    }
}

/// Measures batches of `count` tasks.
pub async fn run(bench: &mut Bench<'_>, count: u32) -> Result<Tally, Failure> {
    let tasks = prepare::tasks(count);
    let mut requests = Vec::with_capacity(bench.clients.len());
    for agent in 0..bench.clients.len() {
        let body = prepare::batch(&bench.session(&format!("submit{count}"), agent), WAVE, &tasks);
        let request = bench.target.request("POST", "/api/orchestration/batch-submit", Some(&body));
        requests.push(Template::new(request, WAVE)?);
    }
    Ok(bench.measure(|agent| Submit { request: requests[agent].clone(), sent: 0 }).await)
}
