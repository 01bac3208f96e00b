//! The document's full flow, a new session each time: one orchestrator and its agents from a wave's
//! creation to its synthesis.

use super::{Bench, prepare};
use crate::{
    client::Client,
    failure::Failure,
    measure::{Tally, Work},
};

const TASKS: u32 = 5;
/// Create, submit, start, two PATCHes for each task, the batch read, complete, conflicts, synthesis.
pub const REQUESTS: u32 = 3 + 2 * TASKS + 4;

const WAVE: &str = r#"{"wave_number":1}"#;

struct Flow {
    sessions: String,
    done: u32,
    tasks: String,
}

impl Work for Flow {
    async fn once(&mut self, client: &mut Client<'_>) -> Option<Result<(), Failure>> {
        self.done += 1;
        Some(self.flow(client).await)
    }
}

impl Flow {
    async fn flow(&self, client: &mut Client<'_>) -> Result<(), Failure> {
        let session = format!("{}-{}", self.sessions, self.done);
        let target = client.target();
        let post = |path: &str, body: Option<&str>| target.request("POST", path, body);
        let get = |path: &str| target.request("GET", path, None);

        client.call(&post(&format!("/api/waves/{session}/create"), Some(WAVE))).await?;
        let body = prepare::batch(&session, "1", &self.tasks);
        let answer = client.fetch(&post("/api/orchestration/batch-submit", Some(&body))).await?;
        let batch = prepare::submitted(&answer)?;
        client.call(&post(&format!("/api/waves/{session}/start"), Some(WAVE))).await?;
        for (index, id) in batch.subtask_ids.iter().enumerate() {
            let path = format!("/api/subtasks/{id}");
            let running = format!(r#"{{"status":"running","agent_id":"agent-{index}"}}"#);
            client.call(&target.request("PATCH", &path, Some(&running))).await?;
            // Two subtasks touch one file, so that there is a conflict to find.
            let completed = format!(
                r#"{{"status":"completed","result":{{"files":["src/part{index}.ts","src/types{}.ts"],"summary":"Part {index} is done","tokens_used":1200}}}}"#,
                index / 2
            );
            client.call(&target.request("PATCH", &path, Some(&completed))).await?;
        }
        let batch = &batch.id;
        client.call(&get(&format!("/api/orchestration/batch/{batch}"))).await?;
        client.call(&post(&format!("/api/orchestration/batch/{batch}/complete"), None)).await?;
        client.call(&get(&format!("/api/orchestration/conflicts/{batch}"))).await?;
        client.call(&get(&format!("/api/orchestration/synthesis/{batch}"))).await
    }
}

/// Measures whole flows.
pub async fn run(bench: &mut Bench<'_>) -> Tally {
    let tasks = prepare::tasks(TASKS);
    let sessions: Vec<_> =
        (0..bench.clients.len()).map(|agent| bench.session("flow", agent)).collect();
    bench
        .measure(|agent| Flow { sessions: sessions[agent].clone(), done: 0, tasks: tasks.clone() })
        .await
}
