//! Subtasks claimed under a lease: each agent takes one after another out of a wave of its own session.

use super::{Bench, prepare};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
};

/// Subtasks of each wave: more than are taken while it is measured.
const EACH: u32 = 2_000;

struct Claim {
    request: Vec<u8>,
}

impl Work for Claim {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        match client.fetch(&self.request).await {
            // Nothing is left: an empty answer is no claim.
            Ok(answer) if answer.ends_with(br#""claims":[]}"#) => None,
            Ok(_) => Some(Ok(())),
            Err(failure) => Some(Err(failure)),
        }
    }
}

/// Measures claims.
pub async fn run(bench: &mut Bench<'_>) -> Result<Tally, Failure> {
    let mut requests = Vec::with_capacity(bench.clients.len());
    for agent in 0..bench.clients.len() {
        let session = bench.session("claim", agent);
        prepare::subtasks(bench.helper(), &session, EACH).await?;
        prepare::start(bench.helper(), &session).await?;
        let body = format!(
            r#"{{"agent_id":"agent-{agent}","session_id":"{session}","lease_seconds":3600}}"#
        );
        requests.push(bench.target.request("POST", "/api/subtasks/claim", Some(&body)));
    }
    Ok(bench.measure(|agent| Claim { request: requests[agent].clone() }).await)
}
