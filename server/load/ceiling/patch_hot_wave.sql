-- The same as patch_spread.sql in one wave and one batch: every transaction waits for their rows.
--
-- A subtask goes to completed, the next time back to running: every transaction does the same work, however
-- long this runs, and the counters stay exact.
\set n random(51200, 102399)
WITH task AS (
    UPDATE subtasks
    SET status = CASE status WHEN 'running' THEN 'completed' ELSE 'running' END,
        result = CASE status WHEN 'running' THEN
            '{"files": ["app/Http/Controllers/UserController.php"], "summary": "Created the endpoints and their tests"}'::jsonb
            END,
        completed_at = CASE status WHEN 'running' THEN now() END,
        updated_at = now()
    WHERE id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid
    RETURNING *
), wave AS (
    UPDATE wave_states
    SET completed_tasks = completed_tasks + CASE task.status WHEN 'completed' THEN 1 ELSE -1 END
    FROM task
    WHERE wave_states.session_id = task.session_id AND wave_states.wave_number = task.wave_number
), batch AS (
    UPDATE orchestration_batches
    SET completed_tasks = orchestration_batches.completed_tasks + CASE task.status WHEN 'completed' THEN 1 ELSE -1 END
    FROM task
    WHERE orchestration_batches.id = task.batch_id
), event AS (
    INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
    SELECT session_id, batch_id, agent_type, 'subtask.updated',
           json_build_object('subtask_id', id, 'batch_id', batch_id, 'session_id', session_id,
                             'wave_number', wave_number, 'agent_type', agent_type, 'agent_id', agent_id,
                             'from', 'running', 'status', status, 'priority', priority,
                             'open_blockers', open_blockers, 'retry_count', retry_count,
                             'started_at', started_at, 'completed_at', completed_at),
           updated_at
    FROM task
)
SELECT * FROM task;
