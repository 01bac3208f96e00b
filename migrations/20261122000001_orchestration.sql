-- The specification's tables, and what the readings add to them.
--
-- Every change to a session's rows is made under its row in `sessions` (SELECT … FOR NO KEY UPDATE),
-- so that changes in one session happen one after another and sessions never wait for each other.

CREATE TABLE sessions (
    session_id     text PRIMARY KEY CHECK (char_length(session_id) BETWEEN 1 AND 200),
    created_at     timestamptz NOT NULL DEFAULT now(),
    -- To ten seconds: a row that changed with every PATCH would cost more than it tells.
    last_active_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sessions_by_activity ON sessions (last_active_at DESC, session_id DESC);

CREATE TABLE wave_states (
    id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id            text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    wave_number           integer NOT NULL CHECK (wave_number >= 0),
    name                  text,
    description           text,
    status                text NOT NULL DEFAULT 'pending'
                          CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    total_tasks           integer NOT NULL DEFAULT 0,
    completed_tasks       integer NOT NULL DEFAULT 0,
    failed_tasks          integer NOT NULL DEFAULT 0,
    failed_optional_tasks integer NOT NULL DEFAULT 0,
    created_at            timestamptz NOT NULL DEFAULT now(),
    started_at            timestamptz,
    completed_at          timestamptz,
    UNIQUE (session_id, wave_number),
    CONSTRAINT wave_counters CHECK (
        completed_tasks >= 0 AND failed_tasks >= 0 AND completed_tasks + failed_tasks <= total_tasks
        AND failed_optional_tasks BETWEEN 0 AND failed_tasks
    )
);
-- The database's own word that waves run one after another.
CREATE UNIQUE INDEX one_running_wave ON wave_states (session_id) WHERE status = 'running';

CREATE TABLE orchestration_batches (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id      text NOT NULL,
    wave_number     integer NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed')),
    total_tasks     integer NOT NULL DEFAULT 0,
    completed_tasks integer NOT NULL DEFAULT 0,
    failed_tasks    integer NOT NULL DEFAULT 0,
    outcome         text CHECK (outcome IN ('succeeded', 'partial', 'failed')),
    synthesis       jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    completed_at    timestamptz,
    FOREIGN KEY (session_id, wave_number) REFERENCES wave_states (session_id, wave_number) ON DELETE CASCADE,
    CONSTRAINT batch_counters CHECK (
        completed_tasks >= 0 AND failed_tasks >= 0 AND completed_tasks + failed_tasks <= total_tasks
    )
);
CREATE INDEX batches_of_wave ON orchestration_batches (session_id, wave_number, id);

-- No index names a column that a status change writes: such an update then stays on its page (HOT)
-- and touches no index. The fill factor leaves it room.
CREATE TABLE subtasks (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    batch_id         uuid NOT NULL REFERENCES orchestration_batches (id) ON DELETE CASCADE,
    session_id       text NOT NULL,
    wave_number      integer NOT NULL,
    task_id          text,
    agent_type       text NOT NULL,
    agent_id         text,
    description      text NOT NULL,
    status           text NOT NULL DEFAULT 'pending'
                     CHECK (status IN ('pending', 'running', 'paused', 'blocked', 'completed', 'failed')),
    priority         integer NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    optional         boolean NOT NULL DEFAULT false,
    -- How many rows of subtask_dependencies it has, so that a reader skips that table for most rows.
    blockers         integer NOT NULL DEFAULT 0 CHECK (blockers >= 0),
    open_blockers    integer NOT NULL DEFAULT 0 CHECK (open_blockers BETWEEN 0 AND blockers),
    result           jsonb,
    context_snapshot jsonb,
    retry_count      integer NOT NULL DEFAULT 0,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    completed_at     timestamptz,
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT blocked_waits CHECK (status <> 'blocked' OR open_blockers > 0)
) WITH (fillfactor = 75);
CREATE INDEX subtasks_of_batch ON subtasks (batch_id, id);
CREATE INDEX subtasks_of_wave ON subtasks (session_id, wave_number, id);
CREATE INDEX subtasks_of_agent ON subtasks (agent_type, id);

CREATE TABLE subtask_dependencies (
    subtask_id uuid NOT NULL REFERENCES subtasks (id) ON DELETE CASCADE,
    blocker_id uuid NOT NULL REFERENCES subtasks (id) ON DELETE CASCADE,
    PRIMARY KEY (subtask_id, blocker_id),
    CHECK (subtask_id <> blocker_id)
);
CREATE INDEX dependents_of ON subtask_dependencies (blocker_id);

CREATE TABLE actions (
    id           uuid PRIMARY KEY,
    session_id   text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    subtask_id   uuid REFERENCES subtasks (id) ON DELETE CASCADE,
    agent_id     text,
    tool_name    text NOT NULL,
    tool_type    text,
    input        json,
    output       json,
    file_paths   text[] NOT NULL DEFAULT '{}',
    writes_files boolean NOT NULL DEFAULT false,
    exit_code    integer,
    duration_ms  bigint,
    metadata     jsonb,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX actions_of_session ON actions (session_id, id);
CREATE INDEX actions_of_subtask ON actions (subtask_id, id) WHERE subtask_id IS NOT NULL;
-- What a synthesis asks: the files that a subtask's actions wrote.
CREATE INDEX writes_of_subtask ON actions (subtask_id) WHERE writes_files AND subtask_id IS NOT NULL;

CREATE TABLE plans (
    plan_id          text PRIMARY KEY,
    task_description text NOT NULL,
    session_id       text,
    subtasks         json NOT NULL,
    execution_plan   json NOT NULL,
    created_at       timestamptz NOT NULL
);

CREATE TABLE agent_registry (
    agent_type        text PRIMARY KEY CHECK (char_length(agent_type) BETWEEN 1 AND 200),
    display_name      text NOT NULL,
    category          text NOT NULL,
    keywords          text[] NOT NULL DEFAULT '{}',
    max_files         integer NOT NULL DEFAULT 5 CHECK (max_files BETWEEN 1 AND 1000),
    forbidden_actions text[] NOT NULL DEFAULT '{}',
    allowed_tools     text[] NOT NULL DEFAULT '{}',
    model             text NOT NULL CHECK (model IN ('haiku', 'sonnet', 'opus'))
);

CREATE TABLE idempotency_keys (
    scope        text NOT NULL,
    key          text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
    request_hash bytea NOT NULL,
    response     json NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
