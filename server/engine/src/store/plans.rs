//! `plans`

use std::collections::HashSet;

use domain::{
    Time,
    dto::Plan,
    planner::{PlannedSubtask, overlaps},
};
use sqlx::PgExecutor;

use crate::Result;

/// Stores plans: one statement, however many. Says of each whether it was stored; one whose id is
/// taken is not.
pub async fn insert(db: impl PgExecutor<'_>, plans: &[Plan]) -> Result<Vec<bool>> {
    let mut seen = HashSet::new();
    let fresh: Vec<&Plan> = plans.iter().filter(|plan| seen.insert(&plan.plan_id)).collect();
    let json = |plan: &&Plan| -> Result<(String, String)> {
        Ok((serde_json::to_string(&plan.subtasks)?, serde_json::to_string(&plan.execution_plan)?))
    };
    let (subtasks, execution): (Vec<String>, Vec<String>) =
        fresh.iter().map(json).collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let stored = sqlx::query_scalar!(
        "INSERT INTO plans (plan_id, task_description, session_id, subtasks, execution_plan, created_at)
         SELECT p.id, p.task, p.session_id, p.subtasks::json, p.execution_plan::json, p.created_at
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
             AS p (id, task, session_id, subtasks, execution_plan, created_at)
         ON CONFLICT (plan_id) DO NOTHING
         RETURNING plan_id",
        &fresh.iter().map(|p| p.plan_id.clone()).collect::<Vec<_>>(),
        &fresh.iter().map(|p| p.task_description.clone()).collect::<Vec<_>>(),
        &fresh.iter().map(|p| p.session_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &subtasks,
        &execution,
        &fresh.iter().map(|p| p.created_at).collect::<Vec<Time>>()
    )
    .fetch_all(db)
    .await?;
    let mut stored: HashSet<String> = stored.into_iter().collect();
    Ok(plans.iter().map(|plan| stored.remove(&plan.plan_id)).collect())
}

/// One plan.
pub async fn get(db: impl PgExecutor<'_>, plan_id: &str) -> Result<Option<Plan>> {
    let Some(row) = sqlx::query!(
        r#"SELECT plan_id, task_description, session_id, subtasks::text AS "subtasks!",
                  execution_plan::text AS "execution_plan!", created_at
           FROM plans WHERE plan_id = $1"#,
        plan_id
    )
    .fetch_optional(db)
    .await?
    else {
        return Ok(None);
    };
    let subtasks: Vec<PlannedSubtask> = serde_json::from_str(&row.subtasks)?;
    Ok(Some(Plan {
        plan_id: row.plan_id,
        overlaps: overlaps(&subtasks),
        subtasks,
        execution_plan: serde_json::from_str(&row.execution_plan)?,
        task_description: row.task_description,
        session_id: row.session_id,
        created_at: row.created_at,
    }))
}
