-- A batch of 10 tasks, its wave and its event in one statement. Each client has its session and goes on to a
-- new wave every 20 batches, as the agents do. Ids ascend like the server's, so that they fill the ends of
-- indexes.
\set n :n + 1
\set wave 1 + :n / 20
WITH me AS (
    SELECT 'ceiling-' || :run || '-submit-' || :client_id AS session_id,
           lpad(to_hex(:run::bigint), 8, '0') || '-' || lpad(to_hex(:client_id::bigint), 4, '0') AS prefix
), wave AS (
    INSERT INTO wave_states (session_id, wave_number, total_tasks)
    SELECT session_id, :wave::integer, 10 FROM me
    ON CONFLICT (session_id, wave_number) DO UPDATE SET total_tasks = wave_states.total_tasks + 10
), batch AS (
    INSERT INTO orchestration_batches (id, session_id, wave_number, total_tasks)
    SELECT (prefix || '-7010-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid, session_id, :wave::integer, 10 FROM me
    RETURNING id, session_id
), tasks AS (
    INSERT INTO subtasks (id, batch_id, session_id, wave_number, task_id, agent_type, description, priority)
    SELECT (me.prefix || '-7010-9000-' || lpad(to_hex(:n::bigint * 1000 + i), 12, '0'))::uuid,
           batch.id, batch.session_id, :wave::integer, 'task-' || i, 'backend-laravel',
           'Implement part ' || i || ' of the user management API, with its tests', i % 10 + 1
    FROM me, batch, generate_series(1, 10) i
    RETURNING id
), ids AS (
    SELECT json_agg(id) AS ids FROM tasks
), event AS (
    INSERT INTO event_outbox (session_id, batch_id, event, data, at)
    SELECT batch.session_id, batch.id, 'batch.created',
           json_build_object('batch_id', batch.id, 'session_id', batch.session_id, 'wave_number', :wave::integer,
                             'status', 'pending', 'total_tasks', 10, 'subtask_ids', ids.ids),
           now()
    FROM batch, ids
)
SELECT batch.id, ids.ids FROM batch, ids;
