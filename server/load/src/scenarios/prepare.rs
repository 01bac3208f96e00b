//! The bodies of requests, and the rows that a scenario needs before its clock starts.

use serde::Deserialize;

use crate::{client::Client, failure::Failure};

/// How many tasks the server takes in one batch.
const BATCH: u32 = 5_000;

/// An id as its 36 characters.
pub type Id = [u8; 36];

/// A batch that was submitted.
#[derive(Debug, Deserialize)]
pub struct Submitted {
    /// Its id.
    pub id: String,
    /// Those of its subtasks.
    pub subtask_ids: Vec<String>,
}

#[derive(Deserialize)]
struct SubmitAnswer {
    batch: Submitted,
}

/// The tasks of a batch as JSON.
#[must_use]
pub fn tasks(count: u32) -> String {
    let mut json = String::with_capacity(count as usize * 180 + 2);
    json.push('[');
    for index in 0..count {
        if index > 0 {
            json.push(',');
        }
        let agent = ["backend-laravel", "frontend-react", "test-engineer"][index as usize % 3];
        let priority = index % 10 + 1;
        json.push_str(&format!(
            r#"{{"task_id":"task-{index}","agent_type":"{agent}","description":"Implement part {index} of the user management API, with its tests","priority":{priority}}}"#
        ));
    }
    json.push(']');
    json
}

/// The body of a batch-submit; `wave` is put in as it stands.
#[must_use]
pub fn batch(session: &str, wave: &str, tasks: &str) -> String {
    format!(r#"{{"session_id":"{session}","wave_number":{wave},"tasks":{tasks}}}"#)
}

/// Reads the answer to a batch-submit.
///
/// # Errors
/// It is not one.
pub fn submitted(answer: &[u8]) -> Result<Submitted, Failure> {
    let answer: SubmitAnswer = serde_json::from_slice(answer)
        .map_err(|e| Failure::because("the answer to batch-submit", e))?;
    Ok(answer.batch)
}

/// Submits one batch into wave 1.
///
/// # Errors
/// The server refused or went away.
pub async fn submit(
    client: &mut Client<'_>,
    session: &str,
    count: u32,
) -> Result<Submitted, Failure> {
    let body = batch(session, "1", &tasks(count));
    let request = client.target().request("POST", "/api/orchestration/batch-submit", Some(&body));
    submitted(&client.fetch(&request).await?)
}

/// Submits `count` subtasks into wave 1, in as few batches as it takes.
///
/// # Errors
/// The server refused or went away.
pub async fn subtasks(
    client: &mut Client<'_>,
    session: &str,
    count: u32,
) -> Result<Vec<Id>, Failure> {
    let mut ids = Vec::with_capacity(count as usize);
    for batch in 0..count.div_ceil(BATCH) {
        let submitted = submit(client, session, BATCH.min(count - batch * BATCH)).await?;
        for id in &submitted.subtask_ids {
            ids.push(
                id.as_bytes()
                    .try_into()
                    .map_err(|_| Failure::new(format!("`{id}` is not a UUID")))?,
            );
        }
    }
    Ok(ids)
}

/// Starts wave 1.
///
/// # Errors
/// The server refused or went away.
pub async fn start(client: &mut Client<'_>, session: &str) -> Result<(), Failure> {
    let path = format!("/api/waves/{session}/start");
    let request = client.target().request("POST", &path, Some(r#"{"wave_number":1}"#));
    client.call(&request).await
}
