//! The prompts: how to orchestrate, and how to work, step by step.

use rmcp::{
    ErrorData,
    model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role},
};

/// What there is.
pub fn all() -> Vec<Prompt> {
    let argument = |name: &str, about: &str, required| {
        PromptArgument::new(name).with_description(about).with_required(required)
    };
    vec![
        Prompt::new(
            "orchestrator",
            Some("Plan a job in waves, and lead many agents through it."),
            Some(vec![
                argument("task", "What is to be done.", true),
                argument("session_id", "What the session is called; made up when left out.", false),
            ]),
        ),
        Prompt::new(
            "worker",
            Some("Take subtasks one after another, without getting in other agents' way."),
            Some(vec![
                argument("agent_id", "Your name, different from every other agent's.", true),
                argument("session_id", "Work for this session alone.", false),
                argument("agent_type", "Take work for this agent type alone.", false),
            ]),
        ),
    ]
}

/// One of them, with its arguments filled in.
pub fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ErrorData> {
    let argument = |name: &str| arguments.get(name).and_then(|value| value.as_str()).map(str::trim);
    let needed = |name: &str| {
        argument(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ErrorData::invalid_params(format!("The prompt needs `{name}`."), None))
    };
    let text = match name {
        "orchestrator" => orchestrator(needed("task")?, argument("session_id")),
        "worker" => worker(needed("agent_id")?, argument("session_id"), argument("agent_type")),
        _ => {
            return Err(ErrorData::invalid_params(format!("There is no prompt `{name}`."), None));
        }
    };
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]))
}

fn orchestrator(task: &str, session_id: Option<&str>) -> String {
    let session = session_id.filter(|id| !id.is_empty()).map_or_else(
        || "a session id that you make up from the task, such as `checkout-events`".to_owned(),
        |id| format!("session `{id}`"),
    );
    format!(
        "Lead this job with Swell's tools, in {session}. You plan and check; agents do the work.\n\n\
         1. `decompose` the task. Read the plan: are the subtasks right, does each name the files that it may touch, and \
         can those of one wave really be done at the same time? If it fits, `launch_plan`. If not, cut the job yourself \
         and `submit_batch` each wave, with target_files or target_directories for every task and on_overlap=serialize.\n\
         2. `start_wave` the first one. Start agents for its subtasks; each claims its own work (give them the prompt \
         `worker`), or give each what `craft_prompt` makes for it.\n\
         3. Look at `status` now and then. When something failed, read why (`list_subtasks` with session_id and \
         status=failed), then `retry_subtask`, or submit better cut work.\n\
         4. When the wave's subtasks have ended, `complete_batch` and read the synthesis: settle its conflicts before \
         you go on. Then `next_wave`. A wave that asks for approval waits for a person; say so and wait.\n\
         5. At the end, sum up from the syntheses: what was done, what failed, what is left.\n\n\
         The task:\n\n{task}"
    )
}

fn worker(agent_id: &str, session_id: Option<&str>, agent_type: Option<&str>) -> String {
    let given = |value: Option<&str>, say: fn(&str) -> String| {
        value.filter(|value| !value.is_empty()).map(say).unwrap_or_default()
    };
    let session = given(session_id, |id| format!(", session_id `{id}`"));
    let kind = given(agent_type, |kind| format!(", agent_types [`{kind}`]"));
    format!(
        "Work through subtasks with Swell's tools. You are agent `{agent_id}`; other agents work beside you.\n\n\
         1. `claim` with agent_id `{agent_id}`{session}{kind}, wait_seconds 20. Nothing? Claim again, up to three times, \
         then stop and say that nothing is left. held_back means that a person has to act: stop and say so.\n\
         2. Do what the subtask's description says, and nothing beyond it. Stay within its target_files and \
         target_directories, respect max_files and forbidden_actions.\n\
         3. Before you edit, `reserve_files` with your agent_id and subtask_id. If another agent holds one, do the rest \
         first and ask again.\n\
         4. `heartbeat` with the lease's token before every longer step, well within lease_seconds. If it is refused \
         with lease_lost, stop at once: the subtask is somebody else's now.\n\
         5. `report` with the token: completed with a result of summary, files and tokens_used, when it is done and \
         you have checked it; failed with an error that says what stands in the way, when it cannot be done. Never \
         report as done what you did not see work.\n\
         6. Go on with 1."
    )
}
