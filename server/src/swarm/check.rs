//! What has to hold when everything is done.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::{
    job::{Job, SESSION},
    poisoned,
};

/// Checks everything; says what it was.
pub fn all(job: &Job) -> Result<Vec<String>, String> {
    let wrong = job.wrong.lock().map_err(poisoned)?.clone();
    if let Some(first) = wrong.first() {
        return Err(format!("{first} (and {} more)", wrong.len() - 1));
    }
    let subtasks = pages(job, &format!("/api/subtasks?session={SESSION}&limit=500"), "subtasks")?;
    Ok(vec![
        "No file was written by two at once.".to_owned(),
        results(job, &subtasks)?,
        attempts(job, &subtasks)?,
        counters(job, &subtasks)?,
        syntheses(job, &subtasks)?,
        log(job, &subtasks)?,
    ])
}

/// What is not done.
pub fn left(job: &Job) -> Result<String, String> {
    let subtasks = pages(job, &format!("/api/subtasks?session={SESSION}&limit=500"), "subtasks")?;
    let open: Vec<String> = subtasks
        .iter()
        .filter(|subtask| subtask["status"] != "completed")
        .map(|subtask| format!("{} is {}", text(&subtask["id"]), text(&subtask["status"])))
        .collect();
    Ok(open.join(", "))
}

/// Every subtask came to one accepted result, which is the one that is stored.
fn results(job: &Job, subtasks: &[Value]) -> Result<String, String> {
    let accepted = job.accepted.lock().map_err(poisoned)?;
    if subtasks.len() != job.subtasks() {
        return Err(format!("{} subtasks are there, not {}", subtasks.len(), job.subtasks()));
    }
    for subtask in subtasks {
        let id = text(&subtask["id"]);
        if subtask["status"] != "completed" {
            return Err(format!("subtask {id} is {}", subtask["status"]));
        }
        let reports = accepted.get(id).map(Vec::as_slice).unwrap_or_default();
        let [(_, said)] = reports else {
            return Err(format!(
                "subtask {id} has {} accepted reports: {reports:?}",
                reports.len()
            ));
        };
        if subtask["result"]["summary"] != said.as_str() {
            return Err(format!("subtask {id} says {} and not {said}", subtask["result"]));
        }
    }
    Ok(format!("{} subtasks ran to one accepted result each.", subtasks.len()))
}

/// Of all tries at a subtask one completed, and none goes on.
fn attempts(job: &Job, subtasks: &[Value]) -> Result<String, String> {
    let mut tries = 0;
    for subtask in subtasks {
        let id = text(&subtask["id"]);
        let answer = job.client.get(&format!("/api/subtasks/{id}/attempts"))?;
        let all = answer["attempts"].as_array().cloned().unwrap_or_default();
        let completed = all.iter().filter(|attempt| attempt["outcome"] == "completed").count();
        if completed != 1 || all.iter().any(|attempt| attempt["ended_at"].is_null()) {
            return Err(format!("subtask {id} was completed {completed} times: {answer}"));
        }
        tries += all.len();
    }
    let held = job.client.get(&format!("/api/files?session={SESSION}"))?;
    if held["leases"].as_array().is_none_or(|leases| !leases.is_empty()) {
        return Err(format!("files are still held: {held}"));
    }
    Ok(format!("{tries} tries, one completed for each subtask; nothing is held any more."))
}

/// The counters of waves and batches are those of their subtasks.
fn counters(job: &Job, subtasks: &[Value]) -> Result<String, String> {
    let session = job.client.get(&format!("/api/sessions/{SESSION}"))?;
    let mut counted = 0;
    for (kind, by) in [("waves", "wave_number"), ("batches", "batch_id")] {
        for it in session[kind].as_array().into_iter().flatten() {
            let key = if kind == "waves" { &it["wave_number"] } else { &it["id"] };
            let rows = || subtasks.iter().filter(|subtask| subtask[by] == *key);
            let in_state = |state: &str| rows().filter(|row| row["status"] == state).count();
            let says = |name: &str| it[name].as_u64().unwrap_or(u64::MAX) as usize;
            let real = (rows().count(), in_state("completed"), in_state("failed"));
            let said = (says("total_tasks"), says("completed_tasks"), says("failed_tasks"));
            if real != said {
                return Err(format!("{kind} {key}: {said:?} are counted, {real:?} are there"));
            }
            counted += 1;
        }
    }
    let spent = |it: &Value| it["usage"]["tokens_used"].as_i64().unwrap_or(0);
    let real: i64 = subtasks.iter().map(spent).sum();
    let of_waves: i64 = session["waves"].as_array().into_iter().flatten().map(spent).sum();
    if (spent(&session), of_waves) != (real, real) || real == 0 {
        return Err(format!(
            "{real} tokens were spent; the session counts {}, its waves {of_waves}",
            spent(&session)
        ));
    }
    Ok(format!(
        "The counters of {counted} waves and batches equal their rows, {real} tokens among them."
    ))
}

/// Every batch, completed twice, comes to one synthesis of its subtasks.
fn syntheses(job: &Job, subtasks: &[Value]) -> Result<String, String> {
    let session = job.client.get(&format!("/api/sessions/{SESSION}"))?;
    let batches = session["batches"].as_array().cloned().unwrap_or_default();
    for batch in &batches {
        let path = format!("/api/orchestration/batch/{}/complete", text(&batch["id"]));
        let first = job.client.post(&path, &json!({}))?;
        let again = job.client.post(&path, &json!({}))?;
        let real = subtasks.iter().filter(|subtask| subtask["batch_id"] == batch["id"]).count();
        let said = first["synthesis"]["stats"]["completed"].as_u64();
        if first != again || said != u64::try_from(real).ok() {
            return Err(format!("a batch of {real} came to {first}, and then to {again}"));
        }
    }
    Ok(format!("{} batches came to one synthesis each.", batches.len()))
}

/// The log has no gap, and folds to what the tables say.
fn log(job: &Job, subtasks: &[Value]) -> Result<String, String> {
    let mut status: HashMap<String, Value> = HashMap::new();
    let mut waves: BTreeMap<i64, String> = BTreeMap::new();
    let mut completed: HashMap<String, usize> = HashMap::new();
    let (mut since, mut seen) = (0, 0_i64);
    loop {
        let page = job.client.get(&format!("/api/events?since={since}&limit=500"))?;
        let events = page["events"].as_array().cloned().unwrap_or_default();
        for event in &events {
            seen += 1;
            if event["seq"] != seen {
                return Err(format!("event {seen} of the log has position {}", event["seq"]));
            }
            let data = &event["data"];
            match text(&event["event"]) {
                "batch.created" => {
                    for id in data["subtask_ids"].as_array().into_iter().flatten() {
                        status.insert(text(id).to_owned(), Value::Null);
                    }
                }
                "batch.completed" => {
                    *completed.entry(text(&data["batch_id"]).to_owned()).or_default() += 1;
                }
                "subtask.updated" => {
                    status.insert(text(&data["subtask_id"]).to_owned(), data.clone());
                }
                "wave.transitioned" => {
                    waves.insert(data["to"].as_i64().unwrap_or(-1), "running".to_owned());
                }
                name @ ("wave.completed" | "wave.failed" | "wave.reopened" | "wave.created") => {
                    let state = name.trim_start_matches("wave.").replace("reopened", "running");
                    let state = state.replace("created", "pending");
                    waves.insert(data["wave_number"].as_i64().unwrap_or(-1), state);
                }
                _ => {}
            }
        }
        if events.is_empty() {
            break;
        }
        since = page["next_since"].as_i64().unwrap_or(i64::MAX);
    }
    for subtask in subtasks {
        let id = text(&subtask["id"]);
        let Some(last) = status.get(id) else { return Err(format!("the log knows no {id}")) };
        for field in
            ["status", "agent_id", "retry_count", "started_at", "completed_at", "open_blockers"]
        {
            if last[field] != subtask[field] {
                return Err(format!(
                    "{field} of {id}: the log says {}, the table {}",
                    last[field], subtask[field]
                ));
            }
        }
    }
    let batches: HashSet<&str> = subtasks.iter().map(|it| text(&it["batch_id"])).collect();
    if completed.len() != batches.len() || completed.values().any(|times| *times != 1) {
        return Err(format!("the log says of the batches: {completed:?}"));
    }
    if waves.len() != usize::try_from(job.waves).unwrap_or(0)
        || waves.values().any(|it| it != "completed")
    {
        return Err(format!("the log says of the waves: {waves:?}"));
    }
    Ok(format!("{seen} events without a gap fold to the state of the tables."))
}

/// Every page of a list.
fn pages(job: &Job, path: &str, name: &str) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut page = job.client.get(&format!("{path}{cursor}"))?;
        if let Value::Array(rows) = page[name].take() {
            all.extend(rows);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
