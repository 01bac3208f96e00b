//! The event log, read.

use domain::{dto::EventPage, event::Channel};

use crate::{Engine, Result, appender, store};

/// Most events in one page.
const LARGEST: i64 = 1_000;

impl Engine {
    /// The events of a channel (or all) after a position, oldest first.
    ///
    /// # Errors
    /// The database is away.
    pub async fn events(
        &self,
        channel: Option<&Channel>,
        since: i64,
        limit: i64,
    ) -> Result<EventPage> {
        let (pool, limit) = (self.pool_ref(), limit.clamp(1, LARGEST));
        // Whoever changed something and asks then sees it: it does not depend on the appender's pace.
        if store::events::outbox_has_rows(pool).await? {
            while appender::pass(pool).await? == appender::LARGEST {}
            self.feed().waker().wake();
        }
        let last_seq = store::events::last_seq(pool).await?;
        let events = match channel {
            Some(channel) => {
                store::events::on_channel(pool, channel, since, last_seq, limit).await?
            }
            None => store::events::after(pool, since, limit).await?,
        };
        let full = i64::try_from(events.len()).unwrap_or(i64::MAX) == limit;
        let end = if full { since } else { last_seq.max(since) };
        Ok(EventPage { next_since: events.last().map_or(end, |event| event.seq), events, last_seq })
    }

    /// The last position in the log.
    ///
    /// # Errors
    /// The database is away.
    pub async fn last_seq(&self) -> Result<i64> {
        store::events::last_seq(self.pool_ref()).await
    }

    /// The events of a channel after one position, up to another, oldest first; at most 1,000.
    ///
    /// # Errors
    /// The database is away.
    pub async fn replay(
        &self,
        channel: &Channel,
        since: i64,
        until: i64,
    ) -> Result<Vec<domain::event::Event>> {
        store::events::on_channel(self.pool_ref(), channel, since, until, LARGEST).await
    }
}
