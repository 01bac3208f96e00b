//! `actions`

use domain::{Time, conflict::Actions, dto::Action};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::{Tx, object, usage};
use crate::Result;

#[derive(Debug)]
struct ActionRow {
    id: Uuid,
    session_id: String,
    subtask_id: Option<Uuid>,
    agent_id: Option<String>,
    tool_name: String,
    tool_type: Option<String>,
    input: Option<String>,
    output: Option<String>,
    file_paths: Vec<String>,
    writes_files: bool,
    forbidden_action: Option<String>,
    exit_code: Option<i32>,
    duration_ms: Option<i64>,
    tokens_used: i64,
    cost_micros: i64,
    metadata: Option<String>,
    created_at: Time,
}

impl ActionRow {
    fn into_action(self) -> Result<Action> {
        let json = |text: Option<String>| text.map(|text| serde_json::from_str(&text)).transpose();
        Ok(Action {
            input: json(self.input)?,
            output: json(self.output)?,
            metadata: object(self.metadata)?,
            id: self.id,
            session_id: self.session_id,
            subtask_id: self.subtask_id,
            agent_id: self.agent_id,
            tool_name: self.tool_name,
            tool_type: self.tool_type,
            file_paths: self.file_paths,
            writes_files: self.writes_files,
            forbidden_action: self.forbidden_action,
            exit_code: self.exit_code,
            duration_ms: self.duration_ms,
            usage: usage(self.tokens_used, self.cost_micros),
            created_at: self.created_at,
        })
    }
}

/// A query for actions; `$tail` is what follows `FROM actions`.
macro_rules! select_actions {
    ($tail:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            ActionRow,
            "SELECT id, session_id, subtask_id, agent_id, tool_name, tool_type, input::text AS input,
                    output::text AS output, file_paths, writes_files, forbidden_action, exit_code,
                    duration_ms, tokens_used, cost_micros, metadata::text AS metadata, created_at
             FROM actions " + $tail
            $(, $argument)*
        )
    };
}

/// Adds actions; each is a sign of life of the one who holds its subtask, of those in `alive`.
pub async fn insert(tx: &mut Tx, actions: &[Action], alive: &[Uuid], now: Time) -> Result<()> {
    let json = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
    let paths = actions
        .iter()
        .map(|a| serde_json::to_string(&a.file_paths))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    sqlx::query!(
        r#"WITH alive AS (
               UPDATE attempts
               SET heartbeat_at = $18, last_action_at = $18,
                   expires_at = greatest(expires_at, $18::timestamptz + lease_seconds * interval '1 second')
               WHERE subtask_id = ANY($19) AND ended_at IS NULL AND expires_at > $18
           )
           INSERT INTO actions (id, session_id, subtask_id, agent_id, tool_name, tool_type, input, output, file_paths,
                                writes_files, exit_code, duration_ms, metadata, created_at, tokens_used, cost_micros,
                                forbidden_action)
           SELECT u.id, u.session_id, u.subtask_id, u.agent_id, u.tool_name, u.tool_type, u.input::json, u.output::json,
                  -- An array of arrays would be taken apart to its last element.
                  ARRAY(SELECT path FROM json_array_elements_text(u.paths::json) WITH ORDINALITY AS p (path, place)
                        ORDER BY place),
                  u.writes_files, u.exit_code, u.duration_ms, u.metadata::jsonb, u.created_at, u.tokens, u.micros,
                  u.forbidden_action
           FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                       $9::text[], $10::bool[], $11::int[], $12::bigint[], $13::text[], $14::timestamptz[],
                       $15::bigint[], $16::bigint[], $17::text[])
               AS u (id, session_id, subtask_id, agent_id, tool_name, tool_type, input, output, paths, writes_files,
                     exit_code, duration_ms, metadata, created_at, tokens, micros, forbidden_action)"#,
        &actions.iter().map(|a| a.id).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.session_id.clone()).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.subtask_id).collect::<Vec<_>>() as &[Option<Uuid>],
        &actions.iter().map(|a| a.agent_id.clone()).collect::<Vec<_>>() as &[Option<String>],
        &actions.iter().map(|a| a.tool_name.clone()).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.tool_type.clone()).collect::<Vec<_>>() as &[Option<String>],
        &actions.iter().map(|a| json(&a.input)).collect::<Vec<_>>() as &[Option<String>],
        &actions.iter().map(|a| json(&a.output)).collect::<Vec<_>>() as &[Option<String>],
        &paths,
        &actions.iter().map(|a| a.writes_files).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.exit_code).collect::<Vec<_>>() as &[Option<i32>],
        &actions.iter().map(|a| a.duration_ms).collect::<Vec<_>>() as &[Option<i64>],
        &actions.iter().map(|a| a.metadata.as_ref().map(|json| json.as_str().to_owned())).collect::<Vec<_>>()
            as &[Option<String>],
        &actions.iter().map(|a| a.created_at).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.usage.tokens_used).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.usage.cost_usd.0).collect::<Vec<_>>(),
        &actions.iter().map(|a| a.forbidden_action.clone()).collect::<Vec<_>>() as &[Option<String>],
        now,
        alive
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A page of a session's or a subtask's actions, newest first.
pub async fn page(
    db: impl PgExecutor<'_>,
    session_id: Option<&str>,
    subtask_id: Option<Uuid>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Action>> {
    let before = before.unwrap_or(Uuid::max());
    let rows = match (subtask_id, session_id) {
        (Some(subtask_id), session_id) => {
            select_actions!(
                "WHERE subtask_id = $1 AND id < $2 AND ($3::text IS NULL OR session_id = $3)
                 ORDER BY id DESC LIMIT $4",
                subtask_id,
                before,
                session_id,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, Some(session_id)) => {
            select_actions!(
                "WHERE session_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
                session_id,
                before,
                limit
            )
            .fetch_all(db)
            .await?
        }
        (None, None) => {
            select_actions!("WHERE id < $1 ORDER BY id DESC LIMIT $2", before, limit)
                .fetch_all(db)
                .await?
        }
    };
    rows.into_iter().map(ActionRow::into_action).collect()
}

/// What actions of a batch's subtasks did.
pub async fn of_batch(db: impl PgExecutor<'_>, batch_id: Uuid) -> Result<Actions> {
    let rows = sqlx::query!(
        r#"SELECT a.subtask_id AS "subtask_id!", f.path, NULL AS forbidden_action
           FROM subtasks s
           JOIN actions a ON a.subtask_id = s.id AND a.writes_files
           CROSS JOIN LATERAL unnest(a.file_paths) AS f (path)
           WHERE s.batch_id = $1
           UNION
           SELECT a.subtask_id, NULL, a.forbidden_action
           FROM subtasks s
           JOIN actions a ON a.subtask_id = s.id AND a.forbidden_action IS NOT NULL
           WHERE s.batch_id = $1"#,
        batch_id
    )
    .fetch_all(db)
    .await?;
    let mut actions = Actions::new();
    for row in rows {
        let recorded = actions.entry(row.subtask_id).or_default();
        recorded.files.extend(row.path);
        recorded.forbidden.extend(row.forbidden_action);
    }
    Ok(actions)
}

/// Forbidden actions of a session's subtasks, each once.
pub async fn forbidden_of_session(
    db: impl PgExecutor<'_>,
    session_id: &str,
) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT a.subtask_id AS "subtask_id!", a.forbidden_action AS "forbidden_action!"
           FROM subtasks s
           JOIN actions a ON a.subtask_id = s.id AND a.forbidden_action IS NOT NULL
           WHERE s.session_id = $1"#,
        session_id
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subtask_id, row.forbidden_action)).collect())
}

/// How often actions of a session's subtasks wrote which file.
pub async fn writes_of_session(
    db: impl PgExecutor<'_>,
    session_id: &str,
) -> Result<Vec<(Uuid, String, i32)>> {
    let rows = sqlx::query!(
        r#"SELECT a.subtask_id AS "subtask_id!", f.path AS "path!", count(*)::int AS "writes!"
           FROM subtasks s
           JOIN actions a ON a.subtask_id = s.id AND a.writes_files
           CROSS JOIN LATERAL unnest(a.file_paths) AS f (path)
           WHERE s.session_id = $1
           GROUP BY a.subtask_id, f.path"#,
        session_id
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subtask_id, row.path, row.writes)).collect())
}

/// The tool that was called last for each of these subtasks, where one was.
pub async fn latest_tools(
    db: impl PgExecutor<'_>,
    subtasks: &[Uuid],
) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id!", a.tool_name
           FROM unnest($1::uuid[]) AS s (id), LATERAL (
               SELECT tool_name FROM actions WHERE subtask_id = s.id ORDER BY id DESC LIMIT 1
           ) AS a"#,
        subtasks
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.tool_name)).collect())
}

/// The files that actions of these subtasks wrote, in order of their paths; at most 1,000 of each subtask.
pub async fn files_of(db: impl PgExecutor<'_>, subtasks: &[Uuid]) -> Result<Vec<(Uuid, String)>> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id!", w.path AS "path!"
           FROM (SELECT DISTINCT unnest($1::uuid[])) AS s (id), LATERAL (
               SELECT DISTINCT f.path FROM actions a CROSS JOIN LATERAL unnest(a.file_paths) AS f (path)
               WHERE a.subtask_id = s.id AND a.writes_files ORDER BY 1 LIMIT 1000
           ) AS w
           ORDER BY 1, 2"#,
        subtasks
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.path)).collect())
}

/// The files that a subtask's actions wrote, in order of their paths; at most 1,000.
pub async fn files_of_subtask(db: impl PgExecutor<'_>, subtask_id: Uuid) -> Result<Vec<String>> {
    Ok(files_of(db, &[subtask_id]).await?.into_iter().map(|(_, path)| path).collect())
}
