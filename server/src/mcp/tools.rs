//! The tools: which operations of the REST API agents get, and how each is explained to them.
//!
//! What is for people alone is not here: approving a wave, pausing a session, its budget, the registry.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use super::schema::Schemas;

/// What a call does to what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// Nothing.
    Reads,
    /// Something each time.
    Changes,
    /// Nothing further when it is repeated.
    Repeatable,
    /// Takes something away.
    TakesAway,
}

use Effect::{Changes, Reads, Repeatable, TakesAway};

/// An operation as a tool.
#[derive(Debug)]
pub struct Known {
    name: &'static str,
    title: &'static str,
    /// Its method.
    pub method: &'static str,
    path: &'static str,
    /// What `{id}` in the path is called here.
    id: &'static str,
    effect: Effect,
    about: &'static str,
}

const fn tool(
    name: &'static str,
    title: &'static str,
    (method, path, id): (&'static str, &'static str, &'static str),
    effect: Effect,
    about: &'static str,
) -> Known {
    Known { name, title, method, path, id, effect, about }
}

static KNOWN: [Known; 19] = [
    tool(
        "decompose",
        "Decompose a task",
        ("POST", "/api/orchestration/decompose", ""),
        Changes,
        "Cut a task into a plan: subtasks with agent types, turns, models and dependencies, laid out in waves. Nothing \
         runs yet. Read the plan, then launch_plan with its plan_id.",
    ),
    tool(
        "launch_plan",
        "Launch a plan",
        ("POST", "/api/orchestration/plans/{id}/launch", "plan_id"),
        Changes,
        "Make a plan's waves and batches in a session. The waves are pending: start the first with start_wave.",
    ),
    tool(
        "create_wave",
        "Create a wave",
        ("POST", "/api/waves/{session_id}/create", ""),
        Repeatable,
        "Create a wave with a name and a description, or describe one that exists. submit_batch creates waves by itself; \
         use this to name them, or to require a person's approval before one starts (requires_approval).",
    ),
    tool(
        "submit_batch",
        "Submit a batch",
        ("POST", "/api/orchestration/batch-submit", ""),
        Changes,
        "Submit tasks to a wave of a session; both appear when they are new. Say where each task may work \
         (target_files, target_directories) and what it waits for (blocked_by: indices or task_ids of this batch, or \
         subtask ids). on_overlap says what to do with tasks that may touch the same files: warn, reject, or serialize \
         (the later waits for the earlier).",
    ),
    tool(
        "start_wave",
        "Start a wave",
        ("POST", "/api/waves/{session_id}/start", ""),
        Changes,
        "Start a pending wave, so that agents can claim its subtasks. Refused while another wave runs or an earlier one \
         has failed; the reason says what to do.",
    ),
    tool(
        "next_wave",
        "Go on to the next wave",
        ("POST", "/api/waves/{session_id}/transition", ""),
        Changes,
        "Start the next pending wave, if the one before it is done and nothing critical failed; the answer says what \
         stands in the way otherwise.",
    ),
    tool(
        "list_sessions",
        "List sessions",
        ("GET", "/api/sessions", ""),
        Reads,
        "Sessions and how far they are, the latest first.",
    ),
    tool(
        "status",
        "See a session",
        ("GET", "/api/sessions/{session_id}", ""),
        Reads,
        "A session with its waves (status and counters), its batches, and what it has spent of its budget.",
    ),
    tool(
        "list_subtasks",
        "List subtasks",
        ("GET", "/api/subtasks", ""),
        Reads,
        "Subtasks by session, wave, batch, status or agent type, in pages; for example what failed, or what runs and who \
         works on it.",
    ),
    tool(
        "craft_prompt",
        "Craft a prompt",
        ("POST", "/api/orchestration/craft-prompt", ""),
        Reads,
        "A scoped prompt for an agent that does one task: the task, where it may work, what it must not do, what \
         earlier waves found; within a budget of tokens. With it a model and a number of turns are recommended.",
    ),
    tool(
        "complete_batch",
        "Complete a batch",
        ("POST", "/api/orchestration/batch/{id}/complete", "batch_id"),
        Repeatable,
        "Fold a batch's results into a synthesis: a summary, one entry a subtask, files changed, conflicts between \
         agents, and whether the next wave may start. Call it when the batch's subtasks have ended.",
    ),
    tool(
        "synthesis",
        "Read a synthesis",
        ("GET", "/api/orchestration/synthesis/{id}", "batch_id"),
        Reads,
        "The synthesis of a completed batch: small enough for the next wave's prompts.",
    ),
    tool(
        "retry_subtask",
        "Retry a subtask",
        ("POST", "/api/subtasks/{id}/retry", "subtask_id"),
        Changes,
        "Try a failed subtask again; a wave that it had failed runs again.",
    ),
    tool(
        "cancel_subtask",
        "Cancel a subtask",
        ("POST", "/api/subtasks/{id}/cancel", "subtask_id"),
        TakesAway,
        "Call off a subtask that has not ended: it fails with your reason, and its agent hears of it at its next \
         heartbeat, action or report.",
    ),
    tool(
        "claim",
        "Claim work",
        ("POST", "/api/subtasks/claim", ""),
        Changes,
        "Take the most urgent ready subtask that fits you, for yourself alone, under a lease. Keep the lease's token: \
         heartbeat and report need it. An empty answer means that nothing is ready; wait_seconds waits for something \
         (up to 25); held_back says when a person paused the session or its budget is spent.",
    ),
    tool(
        "heartbeat",
        "Give a sign of life",
        ("POST", "/api/subtasks/{id}/heartbeat", "subtask_id"),
        Repeatable,
        "Keep the lease of the subtask you are working on; call it well before the lease is over. If it is refused, \
         stop: the subtask is no longer yours, and your work on it would be done twice.",
    ),
    tool(
        "report",
        "Report on a subtask",
        ("PATCH", "/api/subtasks/{id}", "subtask_id"),
        Repeatable,
        "Say how a subtask stands: status completed or failed when you are done, pending to give it back. Send the \
         lease's token. result is an object; by convention summary (one paragraph for those who build on it), files \
         (every file you changed), tokens_used, and error when it failed. Repeating a report is safe.",
    ),
    tool(
        "reserve_files",
        "Reserve files",
        ("POST", "/api/files/reserve", ""),
        Repeatable,
        "Have files for yourself before you edit them: paths, or patterns such as src/api/**. A refusal names who holds \
         them and until when; work on something else meanwhile, or wait. They are free again when your subtask ends.",
    ),
    tool(
        "release_files",
        "Release files",
        ("POST", "/api/files/release", ""),
        Repeatable,
        "Give back files that you reserved, so that others can edit them.",
    ),
];

/// Filters in addresses, and what they are called everywhere else.
const FILTERS: [(&str, &str); 3] =
    [("session", "session_id"), ("wave", "wave_number"), ("batch", "batch_id")];

/// The tool of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Why these arguments are not a tool's; none when they are.
#[must_use]
pub fn misnamed(tool: &Tool, arguments: &JsonObject) -> Option<String> {
    let known = tool.input_schema.get("properties")?.as_object()?;
    let strange = arguments.keys().find(|name| !known.contains_key(*name))?;
    let known: Vec<&str> = known.keys().map(String::as_str).collect();
    Some(format!("`{}` knows no `{strange}`; it knows {}.", tool.name, known.join(", ")))
}

/// Every tool, with the schemas that the document has for its operation.
#[must_use]
pub fn all(document: &OpenApi) -> Vec<Tool> {
    let schemas = Schemas::of(document);
    KNOWN
        .iter()
        .map(|known| {
            let method = known.method.to_ascii_lowercase();
            let input = schemas.input(known.path, &method, |name| known.argument(name));
            let output = schemas.output(known.path, &method);
            let mut annotations = ToolAnnotations::with_title(known.title)
                .read_only(known.effect == Reads)
                .open_world(false);
            if known.effect != Reads {
                annotations = annotations
                    .destructive(known.effect == TakesAway)
                    .idempotent(known.effect == Repeatable);
            }
            Tool::new(known.name, known.about, Arc::new(input))
                .with_title(known.title)
                .with_raw_output_schema(Arc::new(output))
                .with_annotations(annotations)
        })
        .collect()
}

impl Known {
    /// What a parameter of the operation is called here; none when agents have no use for it.
    fn argument<'a>(&self, parameter: &'a str) -> Option<&'a str>
    where
        'static: 'a,
    {
        match parameter {
            "id" => Some(self.id),
            // Tools answer in JSON.
            "format" => None,
            _ => Some(FILTERS.iter().find(|(it, _)| *it == parameter).map_or(parameter, |it| it.1)),
        }
    }

    /// The path and the body of the call that these arguments ask for.
    ///
    /// # Errors
    /// What is missing.
    pub fn request(&self, mut arguments: JsonObject) -> Result<(String, Option<Value>), String> {
        let mut path = String::with_capacity(self.path.len() + 40);
        for segment in self.path.split('/').skip(1) {
            path.push('/');
            let parameter = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(parameter) = parameter else {
                path.push_str(segment);
                continue;
            };
            let name = self.argument(parameter).unwrap_or_default();
            // Some bodies have a field of the same name, which says the same.
            match arguments.get(name).map(as_text).filter(|value| !value.is_empty()) {
                Some(value) => path.push_str(&app::paths::encoded(&value)),
                None => return Err(format!("`{}` needs `{name}`.", self.name)),
            }
        }
        let mut query = Vec::new();
        let asks = |name: &str| self.method == "GET" || matches!(name, "on_overlap" | "strict");
        let in_path = |name: &str| self.path.contains(&format!("{{{name}}}")) || name == self.id;
        arguments.retain(|name, value| {
            if in_path(name) {
                return false;
            }
            if asks(name) && !value.is_null() {
                let filter = FILTERS.iter().find(|(_, it)| it == name);
                query.push((filter.map_or(name.as_str(), |it| it.0).to_owned(), as_text(value)));
            }
            !asks(name)
        });
        for (at, (name, value)) in query.iter().enumerate() {
            let mark = if at == 0 { '?' } else { '&' };
            path.push_str(&format!(
                "{mark}{}={}",
                app::paths::encoded(name),
                app::paths::encoded(value)
            ));
        }
        let body = (self.method != "GET").then_some(Value::Object(arguments));
        Ok((path, body))
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_tool_is_an_operation_of_the_document_with_arguments_it_explains() {
        let tools = all(&crate::openapi::document());
        for tool in &tools {
            assert_eq!(tool.input_schema["type"], "object", "{}", tool.name);
            let known = find(&tool.name).unwrap();
            let properties = tool.input_schema["properties"].as_object().unwrap();
            for segment in known.path.split(['{', '}']).skip(1).step_by(2) {
                let name = known.argument(segment).unwrap();
                assert!(properties.contains_key(name), "{} has {name}", tool.name);
                let required = tool.input_schema["required"].as_array().unwrap();
                assert!(required.contains(&json!(name)), "{} needs {name}", tool.name);
            }
            assert!(!properties.contains_key("id"), "{}: {properties:?}", tool.name);
            let output = tool.output_schema.as_ref().unwrap();
            assert_eq!(output["type"], "object", "{}", tool.name);
            for schema in [&tool.input_schema, output] {
                let text = serde_json::to_string(schema).unwrap();
                assert!(!text.contains("#/components/"), "{}: {text}", tool.name);
            }
        }
        let names: std::collections::BTreeSet<_> = tools.iter().map(|tool| &tool.name).collect();
        assert_eq!(names.len(), KNOWN.len());
    }

    #[test]
    fn arguments_go_where_the_operation_has_them() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let asked = |name: &str, arguments| find(name).unwrap().request(object(arguments));
        assert_eq!(
            asked("report", json!({"subtask_id": "a/b", "status": "failed", "token": 7})),
            Ok(("/api/subtasks/a%2Fb".to_owned(), Some(json!({"status": "failed", "token": 7}))))
        );
        assert_eq!(
            asked("list_subtasks", json!({"session_id": "a&b", "limit": 5, "status": null})),
            Ok(("/api/subtasks?session=a%26b&limit=5".to_owned(), None))
        );
        assert_eq!(
            asked("submit_batch", json!({"on_overlap": "reject", "session_id": "s", "tasks": []})),
            Ok((
                "/api/orchestration/batch-submit?on_overlap=reject".to_owned(),
                Some(json!({"session_id": "s", "tasks": []}))
            ))
        );
        assert_eq!(
            asked("heartbeat", json!({})),
            Err("`heartbeat` needs `subtask_id`.".to_owned())
        );
        assert!(find("approve_wave").is_none());
    }
}
