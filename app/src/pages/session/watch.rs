//! The subtasks of the board as the rules of `domain::chart` look at them.

use domain::{
    Time,
    chart::{Span, Watched},
};

use crate::{board::RowEntry, views::Row};

/// A row as the rules see it.
pub fn watched(row: &Row) -> Watched<'_> {
    let millis = |at: Option<Time>| at.map(|at| at.timestamp_millis());
    Watched {
        id: row.id,
        wave: row.wave_number,
        status: row.status,
        description: &row.description,
        agent_type: &row.agent_type,
        blocked_by: &row.blocked_by,
        started_at: millis(row.started_at),
        ended_at: millis(row.completed_at),
    }
}

/// A row's life. One that has ended without a start of its own has no running part.
pub fn span(row: &Row) -> Span {
    Span {
        id: row.id,
        wave: row.wave_number,
        queued_at: row.created_at.timestamp_millis(),
        started_at: row.started_at.map(|at| at.timestamp_millis()),
        ended_at: row.completed_at.map(|at| at.timestamp_millis()),
    }
}

/// Hands over these subtasks as they stand, without tracking any.
pub fn with_watched<T>(entries: &[RowEntry], f: impl FnOnce(&[Watched<'_>]) -> T) -> T {
    use leptos::prelude::ReadUntracked;
    let rows: Vec<_> = entries.iter().map(|entry| entry.row.read_untracked()).collect();
    let watched: Vec<_> = rows.iter().map(|row| watched(row)).collect();
    f(&watched)
}

/// The latest time that the subtasks know of, in unix milliseconds: the present of a page whose
/// clock does not run yet.
pub fn latest(spans: &[Span]) -> i64 {
    let of = |span: &Span| span.ended_at.or(span.started_at).unwrap_or(span.queued_at);
    spans.iter().map(of).max().unwrap_or_default()
}
