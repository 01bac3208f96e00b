-- Files that an agent has for itself for a while, as paths or patterns of paths. One whose time is up,
-- or whose subtask no longer runs, counts as gone.
CREATE TABLE file_leases (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    pattern    text NOT NULL CHECK (char_length(pattern) BETWEEN 1 AND 1024),
    agent_id   text NOT NULL,
    subtask_id uuid REFERENCES subtasks (id) ON DELETE CASCADE,
    since      timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (session_id, agent_id, pattern)
);
-- What an agent holds, whatever the session.
CREATE INDEX leases_of_agent ON attempts (agent_id, token) WHERE ended_at IS NULL;
