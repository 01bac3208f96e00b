//! `event_outbox` and `events`

use domain::{
    Time,
    event::{Channel, Event, NewEvent},
    json::JsonObject,
};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use super::Tx;
use crate::{Result, feed::WAKE};

/// Events as the columns of an `unnest`.
#[derive(Debug, Default)]
pub struct Columns {
    pub session_ids: Vec<String>,
    pub batch_ids: Vec<Option<Uuid>>,
    pub agent_types: Vec<Option<String>>,
    pub events: Vec<String>,
    pub data: Vec<String>,
    pub at: Vec<Time>,
}

impl Columns {
    pub fn of(events: &[NewEvent]) -> Result<Self> {
        let mut columns = Self::default();
        for event in events {
            columns.session_ids.push(event.session_id.clone());
            columns.batch_ids.push(event.batch_id);
            columns.agent_types.push(event.agent_type.clone());
            columns.events.push(event.event.to_owned());
            columns.data.push(serde_json::to_string(&event.data)?);
            columns.at.push(event.at);
        }
        Ok(columns)
    }
}

/// Appends to the outbox, in the caller's transaction.
pub async fn write(tx: &mut Tx, events: &[NewEvent]) -> Result<()> {
    let columns = Columns::of(events)?;
    sqlx::query!(
        "INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
         SELECT e.session_id, e.batch_id, e.agent_type, e.event, e.data::json, e.at
         FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
             WITH ORDINALITY AS e (session_id, batch_id, agent_type, event, data, at, position)
         ORDER BY e.position",
        &columns.session_ids,
        &columns.batch_ids as &[Option<Uuid>],
        &columns.agent_types as &[Option<String>],
        &columns.events,
        &columns.data,
        &columns.at
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether something waits in the outbox.
pub async fn outbox_has_rows(pool: &PgPool) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM event_outbox) AS "exists!""#)
        .fetch_one(pool)
        .await?)
}

/// Begins the one transaction that may append to the log.
pub async fn lock_log(pool: &PgPool) -> Result<Tx> {
    // The number is Swell's own: "swel" in ASCII.
    Tx::begin_with(pool, "BEGIN; SELECT pg_advisory_xact_lock(1937204588)".to_owned()).await
}

/// Moves committed events from the outbox to the log, and wakes the readers of every server when
/// that commits. Says how many it moved.
///
/// `NOTIFY` makes commits wait for each other, which is why no use-case sends one: here there is
/// one such commit at a time anyway.
pub async fn append(tx: &mut Tx, limit: i64) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"WITH moved AS (
               DELETE FROM event_outbox
               WHERE id IN (SELECT id FROM event_outbox ORDER BY id LIMIT $1)
               RETURNING id, session_id, batch_id, agent_type, event, data, at
           ), appended AS (
               INSERT INTO events (seq, session_id, batch_id, agent_type, event, data, at)
               SELECT (SELECT coalesce(max(seq), 0) FROM events) + row_number() OVER (ORDER BY id),
                      session_id, batch_id, agent_type, event, data, at
               FROM moved ORDER BY id
               RETURNING seq
           ), counted AS (
               SELECT count(*) AS moved FROM appended
           )
           SELECT moved AS "moved!" FROM counted, LATERAL (
               SELECT CASE WHEN moved > 0 THEN pg_notify($2, '') END
           ) AS woken"#,
        limit,
        WAKE
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// The last position of the log.
pub async fn last_seq(db: impl PgExecutor<'_>) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT coalesce(max(seq), 0) AS "seq!" FROM events"#)
        .fetch_one(db)
        .await?)
}

#[derive(Debug)]
struct EventRow {
    seq: i64,
    session_id: String,
    batch_id: Option<Uuid>,
    agent_type: Option<String>,
    event: String,
    data: String,
    at: Time,
}

fn all(rows: Vec<EventRow>) -> Result<Vec<Event>> {
    rows.into_iter()
        .map(|row| {
            Ok(Event {
                seq: row.seq,
                session_id: row.session_id,
                batch_id: row.batch_id,
                agent_type: row.agent_type,
                event: row.event,
                data: JsonObject::from_text(row.data)?,
                timestamp: row.at.timestamp_millis(),
            })
        })
        .collect()
}

/// A query for events; `$tail` is what follows `FROM events`.
macro_rules! select_events {
    ($tail:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            EventRow,
            r#"SELECT seq, session_id, batch_id, agent_type, event, data::text AS "data!", at FROM events "# + $tail
            $(, $argument)*
        )
    };
}

/// Every event after a position.
pub async fn after(db: impl PgExecutor<'_>, since: i64, limit: i64) -> Result<Vec<Event>> {
    all(select_events!("WHERE seq > $1 ORDER BY seq LIMIT $2", since, limit).fetch_all(db).await?)
}

/// The events of a channel after a position, up to another.
pub async fn on_channel(
    db: impl PgExecutor<'_>,
    channel: &Channel,
    since: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Event>> {
    let rows = match channel {
        Channel::Global => {
            select_events!(
                "WHERE (event LIKE 'wave.%' OR event LIKE 'batch.%') AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
                since, until, limit
            )
            .fetch_all(db)
            .await?
        }
        Channel::All => {
            select_events!("WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", since, until, limit)
                .fetch_all(db)
                .await?
        }
        Channel::Session(id) => {
            select_events!("WHERE session_id = $4 AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", since, until, limit, id)
                .fetch_all(db)
                .await?
        }
        Channel::Batch(id) => {
            select_events!("WHERE batch_id = $4 AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", since, until, limit, *id)
                .fetch_all(db)
                .await?
        }
        Channel::Agent(kind) => {
            select_events!("WHERE agent_type = $4 AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", since, until, limit, kind)
                .fetch_all(db)
                .await?
        }
    };
    all(rows)
}
