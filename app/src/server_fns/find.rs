//! The finder.

use leptos::prelude::*;

use super::json::Json;
#[cfg(feature = "ssr")]
use super::{engine, refuse};
use crate::{AppError, views::Hit};

/// Sessions, subtasks, batches, agent types and actions that have a text in them.
#[server(name = FindCall, endpoint = "find", input = Json, output = Json)]
pub async fn find(text: String) -> Result<Vec<Hit>, AppError> {
    use crate::{
        format::{clipped, count},
        paths,
    };
    const NAME: usize = 120;
    const AGENTS: usize = 5;
    let engine = engine()?;
    let found = engine.find(&text).await.map_err(refuse)?;
    let hit = |kind: &str, name: &str, about: &str, href: String| Hit {
        kind: kind.to_owned(),
        name: clipped(name, NAME),
        about: clipped(about, NAME),
        href,
    };
    let mut hits = Vec::new();
    hits.extend(found.sessions.iter().map(|id| hit("session", id, "", paths::session(id))));
    hits.extend(found.subtasks.iter().map(|it| {
        let about = format!("{} · {} · {}", it.status.as_str(), it.agent_type, it.session_id);
        hit("subtask", &it.description, &about, paths::subtask(&it.session_id, it.id))
    }));
    hits.extend(found.batches.iter().map(|it| {
        let wave = it.wave_name.clone().unwrap_or_else(|| format!("Wave {}", it.wave_number));
        let size = count(it.total_tasks, "subtask", "subtasks");
        let about = format!("{wave} · {size} · {}", it.session_id);
        hit("batch", &format!("Batch {}", paths::short(it.id)), &about, paths::batch(it.id))
    }));
    let wanted = text.trim().to_lowercase();
    let agents = engine.registry().await.map_err(refuse)?.agents;
    let named = agents.iter().filter(|agent| {
        agent.agent_type.to_lowercase().contains(&wanted)
            || agent.display_name.to_lowercase().contains(&wanted)
    });
    hits.extend(named.take(AGENTS).map(|agent| {
        let query = [("agent", agent.agent_type.clone())];
        let href = paths::with_query("/registry".to_owned(), &query);
        hit("agent", &agent.agent_type, &agent.display_name, href)
    }));
    hits.extend(found.actions.iter().map(|it| {
        let name = format!("{} {}", it.tool_name, it.file_paths.join(" "));
        hit("action", &name, &it.session_id, paths::subtask(&it.session_id, it.subtask_id))
    }));
    Ok(hits)
}
