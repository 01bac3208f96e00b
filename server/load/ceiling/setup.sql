-- The rows that the other scripts read and change, made once per run.
--
-- pgbench can draw numbers but not UUIDs, so the ids here are the run and a number:
--   subtasks  {run}-0000-8000-8000-{n}    n 0…51199 over 64 sessions, 51200…102399 in one wave
--   batches   {run}-0000-8001-8000-{b}    b 0…63 and 64 for those; 1000…1255 with 10 subtasks each
--                                         and 2000…2031 with 1,000 each
-- Sessions are named ceiling-{run}-…, so that runs never meet. Counters hold what the subtasks say.

INSERT INTO sessions (session_id)
SELECT 'ceiling-' || :run || '-spread-' || s FROM generate_series(0, 63) s
UNION ALL SELECT 'ceiling-' || :run || '-hot'
UNION ALL SELECT 'ceiling-' || :run || '-get'
UNION ALL SELECT 'ceiling-' || :run || '-submit-' || s FROM generate_series(0, 1023) s;

INSERT INTO wave_states (session_id, wave_number, status, total_tasks, started_at)
SELECT 'ceiling-' || :run || '-spread-' || s, 1, 'running', 800, now() FROM generate_series(0, 63) s
UNION ALL SELECT 'ceiling-' || :run || '-hot', 1, 'running', 51200, now()
UNION ALL SELECT 'ceiling-' || :run || '-get', 1, 'pending', 34560, NULL;

INSERT INTO orchestration_batches (id, session_id, wave_number, status, total_tasks)
SELECT (lpad(to_hex(:run), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(b), 12, '0'))::uuid,
       'ceiling-' || :run || CASE WHEN b < 64 THEN '-spread-' || b WHEN b = 64 THEN '-hot' ELSE '-get' END,
       1,
       CASE WHEN b <= 64 THEN 'running' ELSE 'pending' END,
       CASE WHEN b < 64 THEN 800 WHEN b = 64 THEN 51200 WHEN b < 2000 THEN 10 ELSE 1000 END
FROM (SELECT generate_series(0, 64) UNION ALL SELECT generate_series(1000, 1255)
      UNION ALL SELECT generate_series(2000, 2031)) AS batches (b);

-- Those that are changed: n % 64 is the session, so that neighbours lie in different ones.
INSERT INTO subtasks (id, batch_id, session_id, wave_number, task_id, agent_type, agent_id, description,
                      status, priority, started_at)
SELECT (lpad(to_hex(:run), 8, '0') || '-0000-8000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (lpad(to_hex(:run), 8, '0') || '-0000-8001-8000-'
        || lpad(to_hex(CASE WHEN n < 51200 THEN n % 64 ELSE 64 END), 12, '0'))::uuid,
       'ceiling-' || :run || CASE WHEN n < 51200 THEN '-spread-' || n % 64 ELSE '-hot' END,
       1, 'task-' || n, 'backend-laravel', 'agent-1',
       'Implement part ' || n || ' of the user management API, with its tests',
       'running', n % 10 + 1, now()
FROM generate_series(0, 102399) n;

-- Those that are read.
INSERT INTO subtasks (id, batch_id, session_id, wave_number, task_id, agent_type, description, priority)
SELECT (lpad(to_hex(:run), 8, '0') || '-0000-8002-' || lpad(to_hex(b), 4, '0') || '-' || lpad(to_hex(i), 12, '0'))::uuid,
       (lpad(to_hex(:run), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(b), 12, '0'))::uuid,
       'ceiling-' || :run || '-get', 1, 'task-' || i, 'backend-laravel',
       'Implement part ' || i || ' of the user management API, with its tests', i % 10 + 1
FROM (SELECT generate_series(1000, 1255), 10 UNION ALL SELECT generate_series(2000, 2031), 1000) AS batches (b, tasks),
     generate_series(1, batches.tasks) i;

-- Those that are claimed: a wave of 2,000 for each of 64 clients.
INSERT INTO sessions (session_id) SELECT 'ceiling-' || :run || '-claim-' || s FROM generate_series(0, 63) s;

INSERT INTO wave_states (session_id, wave_number, status, total_tasks, started_at)
SELECT 'ceiling-' || :run || '-claim-' || s, 1, 'running', 2000, now() FROM generate_series(0, 63) s;

INSERT INTO orchestration_batches (id, session_id, wave_number, status, total_tasks)
SELECT (lpad(to_hex(:run), 8, '0') || '-0000-8003-8000-' || lpad(to_hex(s), 12, '0'))::uuid,
       'ceiling-' || :run || '-claim-' || s, 1, 'running', 2000
FROM generate_series(0, 63) s;

INSERT INTO subtasks (id, batch_id, session_id, wave_number, task_id, agent_type, description, priority)
SELECT (lpad(to_hex(:run), 8, '0') || '-0000-8004-' || lpad(to_hex(s), 4, '0') || '-' || lpad(to_hex(i), 12, '0'))::uuid,
       (lpad(to_hex(:run), 8, '0') || '-0000-8003-8000-' || lpad(to_hex(s), 12, '0'))::uuid,
       'ceiling-' || :run || '-claim-' || s, 1, 'task-' || i, 'backend-laravel',
       'Implement part ' || i || ' of the user management API, with its tests', i % 10 + 1
FROM generate_series(0, 63) s, generate_series(1, 2000) i;

VACUUM ANALYZE sessions, wave_states, orchestration_batches, subtasks;
