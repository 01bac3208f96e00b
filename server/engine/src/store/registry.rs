//! `agent_registry`

use domain::registry::{AgentProfile, Model};
use sqlx::PgExecutor;

use super::known;
use crate::Result;

#[derive(Debug)]
struct AgentRow {
    agent_type: String,
    display_name: String,
    category: String,
    keywords: Vec<String>,
    max_files: i32,
    forbidden_actions: Vec<String>,
    allowed_tools: Vec<String>,
    model: String,
}

/// The whole registry, by agent type.
pub async fn all(db: impl PgExecutor<'_>) -> Result<Vec<AgentProfile>> {
    sqlx::query_as!(
        AgentRow,
        "SELECT agent_type, display_name, category, keywords, max_files, forbidden_actions, allowed_tools, model
         FROM agent_registry ORDER BY agent_type"
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        Ok(AgentProfile {
            model: known(Model::parse, &row.model)?,
            agent_type: row.agent_type,
            display_name: row.display_name,
            category: row.category,
            keywords: row.keywords,
            max_files: row.max_files,
            forbidden_actions: row.forbidden_actions,
            allowed_tools: row.allowed_tools,
        })
    })
    .collect()
}

/// Adds or replaces an entry; says whether it was added.
pub async fn put(db: impl PgExecutor<'_>, profile: &AgentProfile) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO agent_registry
               (agent_type, display_name, category, keywords, max_files, forbidden_actions, allowed_tools, model)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (agent_type) DO UPDATE
           SET display_name = excluded.display_name, category = excluded.category, keywords = excluded.keywords,
               max_files = excluded.max_files, forbidden_actions = excluded.forbidden_actions,
               allowed_tools = excluded.allowed_tools, model = excluded.model
           RETURNING (xmax = 0) AS "added!""#,
        profile.agent_type,
        profile.display_name,
        profile.category,
        &profile.keywords,
        profile.max_files,
        &profile.forbidden_actions,
        &profile.allowed_tools,
        profile.model.as_str()
    )
    .fetch_one(db)
    .await?)
}

/// Removes an entry; says whether there was one.
pub async fn delete(db: impl PgExecutor<'_>, agent_type: &str) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM agent_registry WHERE agent_type = $1", agent_type)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}
