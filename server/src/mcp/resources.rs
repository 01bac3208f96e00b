//! The resources: a session, a wave, a batch and its synthesis, each under an address of its own.

use rmcp::{
    ErrorData,
    model::{ListResourcesResult, Resource, ResourceContents, ResourceTemplate},
};
use serde_json::{Value, json};

use super::backend::Backend;

const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";

/// The addresses that there are.
pub fn templates() -> Vec<ResourceTemplate> {
    [
        (
            "swell://sessions/{session_id}",
            "session",
            "Session",
            JSON,
            "A session with its waves and batches.",
        ),
        (
            "swell://sessions/{session_id}/waves/{wave_number}",
            "wave",
            "Wave",
            JSON,
            "A wave with its subtasks, the first 500.",
        ),
        (
            "swell://batches/{batch_id}",
            "batch",
            "Batch",
            JSON,
            "A batch with its subtasks and their results.",
        ),
        (
            "swell://batches/{batch_id}/synthesis",
            "synthesis",
            "Synthesis",
            MARKDOWN,
            "What came of a completed batch, to read or to put into a prompt.",
        ),
    ]
    .into_iter()
    .map(|(uri, name, title, kind, about)| {
        ResourceTemplate::new(uri, name)
            .with_title(title)
            .with_description(about)
            .with_mime_type(kind)
    })
    .collect()
}

/// A page of sessions, latest activity first.
pub async fn list(
    backend: &Backend,
    cursor: Option<&str>,
) -> Result<ListResourcesResult, ErrorData> {
    let cursor = cursor.map(|cursor| format!("&cursor={}", app::paths::encoded(cursor)));
    let path = format!("/api/sessions?limit=100{}", cursor.unwrap_or_default());
    let page = backend.call("GET", &path, None).await.map_err(invalid)?;
    let sessions = page["sessions"].as_array().into_iter().flatten();
    let resources = sessions
        .map(|session| {
            let id = session["session_id"].as_str().unwrap_or_default();
            let about = format!(
                "{} of {} subtasks completed, {} failed.",
                session["completed_tasks"], session["total_tasks"], session["failed_tasks"]
            );
            Resource::new(format!("swell://sessions/{}", app::paths::encoded(id)), id)
                .with_description(about)
                .with_mime_type(JSON)
        })
        .collect();
    let mut result = ListResourcesResult::with_all_items(resources);
    result.next_cursor = page["next_cursor"].as_str().map(str::to_owned);
    Ok(result)
}

/// What is at an address.
pub async fn read(backend: &Backend, uri: &str) -> Result<ResourceContents, ErrorData> {
    let unknown = || ErrorData::resource_not_found(format!("There is nothing at {uri}."), None);
    let path = uri.strip_prefix("swell://").ok_or_else(unknown)?;
    // Segments stay encoded: they go into another path.
    let segments: Vec<&str> = path.split('/').collect();
    let get = async |path: String| {
        backend
            .call("GET", &path, None)
            .await
            .map_err(|reason| ErrorData::resource_not_found(reason, None))
    };
    let json = |value: Value| ResourceContents::text(value.to_string(), uri).with_mime_type(JSON);
    match segments[..] {
        ["sessions", id] if !id.is_empty() => get(format!("/api/sessions/{id}")).await.map(json),
        ["sessions", id, "waves", number] if !id.is_empty() => {
            let session = get(format!("/api/sessions/{id}")).await?;
            let number: i32 = number.parse().map_err(|_| unknown())?;
            let mut waves = session["waves"].as_array().into_iter().flatten();
            let wave = waves.find(|wave| wave["wave_number"] == number).ok_or_else(unknown)?;
            let rows = get(format!("/api/subtasks?session={id}&wave={number}&limit=500")).await?;
            Ok(json(json!({ "wave": wave, "subtasks": rows["subtasks"] })))
        }
        ["batches", id] if !id.is_empty() => {
            get(format!("/api/orchestration/batch/{id}")).await.map(json)
        }
        ["batches", id, "synthesis"] if !id.is_empty() => {
            let synthesis = get(format!("/api/orchestration/synthesis/{id}")).await?;
            let synthesis = serde_json::from_value(synthesis)
                .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            let text = domain::report::markdown(&synthesis);
            Ok(ResourceContents::text(text, uri).with_mime_type(MARKDOWN))
        }
        _ => Err(unknown()),
    }
}

fn invalid(reason: String) -> ErrorData {
    ErrorData::invalid_params(reason, None)
}
