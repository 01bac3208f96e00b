//! The planner: the document's own requests, a session for each agent.

use std::rc::Rc;

use super::{Bench, get::InTurn, prepare};
use crate::{failure::Failure, measure::Tally};

const RESULTS: u32 = 10;

/// Measures decompose.
pub async fn decompose(bench: &mut Bench<'_>) -> Result<Tally, Failure> {
    let requests: Vec<_> = (0..bench.clients.len())
        .map(|agent| {
            let session = bench.session("plan", agent);
            let body = format!(
                r#"{{"task_description":"Build a complete user management system with authentication and profiles","session_id":"{session}","constraints":{{"max_parallel":3,"max_total_turns":50}}}}"#
            );
            bench.target.request("POST", "/api/orchestration/decompose", Some(&body))
        })
        .collect();
    Ok(one_each(bench, requests).await)
}

/// Measures craft-prompt for wave 2 of sessions whose wave 1 completed ten subtasks.
pub async fn craft_prompt(bench: &mut Bench<'_>) -> Result<Tally, Failure> {
    const DONE: &str = r#"{"status":"completed","result":{"files":["app/Models/User.php"],"summary":"Found the existing JWT library; recommend Sanctum"}}"#;
    let mut requests = Vec::with_capacity(bench.clients.len());
    for agent in 0..bench.clients.len() {
        let session = bench.session("craft", agent);
        let client = bench.helper();
        let ids = prepare::subtasks(client, &session, RESULTS).await?;
        prepare::start(client, &session).await?;
        for id in ids {
            let path = format!("/api/subtasks/{}", String::from_utf8_lossy(&id));
            let request = client.target().request("PATCH", &path, Some(DONE));
            client.call(&request).await?;
        }
        let body = format!(
            r#"{{"task_description":"Add user authentication to the API","agent_type":"backend-laravel","session_id":"{session}","target_files":["app/Http/Controllers/AuthController.php","routes/api.php"],"target_directories":["app/Http/Middleware"],"context_budget_tokens":2000,"wave_number":2}}"#
        );
        requests.push(bench.target.request("POST", "/api/orchestration/craft-prompt", Some(&body)));
    }
    Ok(one_each(bench, requests).await)
}

async fn one_each(bench: &mut Bench<'_>, requests: Vec<Vec<u8>>) -> Tally {
    let requests: Vec<Rc<[Vec<u8>]>> =
        requests.into_iter().map(|request| Rc::from([request])).collect();
    bench.measure(|agent| InTurn::new(&requests[agent], 0)).await
}
