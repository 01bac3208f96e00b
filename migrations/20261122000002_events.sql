-- The event log, in two steps.
--
-- A use-case writes its events to `event_outbox` in its own transaction: no change without its
-- event, no event without its change. An appender, one at a time over all servers, moves committed
-- rows to `events` and gives them their positions. So positions have no gaps, appear in order, and
-- a transaction that commits late is given a later position instead of being skipped; and no writer
-- holds a lock of the log while it waits for its commit.

CREATE TABLE event_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL,
    batch_id   uuid,
    agent_type text,
    event      text NOT NULL,
    -- json, not jsonb: it is only ever handed on, and keeps the order of its fields.
    data       json NOT NULL,
    at         timestamptz NOT NULL
);

CREATE TABLE events (
    seq        bigint PRIMARY KEY,
    session_id text NOT NULL,
    batch_id   uuid,
    agent_type text,
    event      text NOT NULL,
    data       json NOT NULL,
    at         timestamptz NOT NULL
);
CREATE INDEX events_of_session ON events (session_id, seq);
CREATE INDEX events_of_batch ON events (batch_id, seq) WHERE batch_id IS NOT NULL;
CREATE INDEX events_of_agent ON events (agent_type, seq) WHERE agent_type IS NOT NULL;
CREATE INDEX events_of_everyone ON events (seq) WHERE event LIKE 'wave.%' OR event LIKE 'batch.%';
