-- Work under a lease.
ALTER TABLE subtasks
    ADD COLUMN max_attempts       integer CHECK (max_attempts BETWEEN 1 AND 100),
    ADD COLUMN time_limit_seconds integer CHECK (time_limit_seconds > 0),
    -- Not handed out before that time.
    ADD COLUMN not_before         timestamptz,
    -- The lease that it is or was last held under; null once it is free again.
    ADD COLUMN lease_token        bigint;

-- A paused session hands out no work.
ALTER TABLE sessions ADD COLUMN paused boolean NOT NULL DEFAULT false;

-- Later leases have higher tokens, over all subtasks and servers.
CREATE SEQUENCE lease_tokens;

-- Every try at a subtask under a lease; the one that has not ended is its lease. Heartbeats write here
-- alone, without the session's lock: they change nothing that a rule reads but the lease's own end.
CREATE TABLE attempts (
    token          bigint PRIMARY KEY,
    subtask_id     uuid NOT NULL REFERENCES subtasks (id) ON DELETE CASCADE,
    session_id     text NOT NULL,
    agent_id       text NOT NULL,
    lease_seconds  integer NOT NULL CHECK (lease_seconds > 0),
    claimed_at     timestamptz NOT NULL,
    heartbeat_at   timestamptz NOT NULL,
    last_action_at timestamptz,
    expires_at     timestamptz NOT NULL,
    deadline_at    timestamptz,
    ended_at       timestamptz,
    outcome        text CHECK (outcome IN ('completed', 'failed', 'given_back', 'expired', 'timed_out', 'cancelled')),
    reason         text,
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
) WITH (fillfactor = 75);
-- A subtask is held by one agent at a time.
CREATE UNIQUE INDEX lease_of_subtask ON attempts (subtask_id) WHERE ended_at IS NULL;
CREATE INDEX attempts_of_subtask ON attempts (subtask_id, token);
-- What the scheduler looks at; no index names a time, so that a heartbeat stays on its page.
CREATE INDEX leases ON attempts (session_id, token) WHERE ended_at IS NULL;
