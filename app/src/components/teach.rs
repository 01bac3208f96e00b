//! Calls to copy: where nothing is yet, a page shows what would bring it.

use leptos::prelude::*;
use uuid::Uuid;

use super::CopyButton;
use crate::{browser, clock::use_hydrated};

/// Where a server is unless it is told otherwise.
const USUAL: &str = "http://127.0.0.1:3847";

/// The call that makes the first wave of a session.
pub fn first_batch(session: &str) -> AnyView {
    // Names have no control characters.
    let name = session.replace('\\', r"\\").replace('"', r#"\""#);
    let body = format!(
        r#"{{"session_id": "{name}", "wave_number": 0,
       "tasks": [{{"agent_type": "Explore", "description": "Map the codebase"}}]}}"#
    );
    call("/api/orchestration/batch-submit", &body)
}

/// The call that records that an agent wrote a file for a subtask.
pub fn recorded_action(subtask: Uuid) -> AnyView {
    let body = format!(
        r#"{{"subtask_id": "{subtask}", "agent_id": "me",
       "tool_name": "Edit", "tool_type": "edit",
       "file_paths": ["src/main.rs"]}}"#
    );
    call("/api/actions", &body)
}

/// A `POST` from a shell. The one place that quotes for it: names are anybody's text.
fn call(path: &'static str, body: &str) -> AnyView {
    let hydrated = use_hydrated();
    let body = body.replace('\'', r"'\''");
    let text = Signal::derive(move || {
        // Under which name the server is reached, the browser alone knows.
        let origin = if hydrated.get() { browser::origin() } else { USUAL.to_owned() };
        format!(
            "curl -s {origin}{path} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
        )
    });
    view! {
        <pre class="code" tabindex="0"><code>{move || text.get()}</code></pre>
        <CopyButton text what="call"/>
    }
    .into_any()
}
