-- A subtask changed, with its event; then its batch read, as in get_1000.sql. Two statements.
\set b random(2000, 2031)
\set p random(1, 10)
WITH task AS (
    UPDATE subtasks
    SET priority = :p, updated_at = now()
    WHERE id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8002-' || lpad(to_hex(:b::bigint), 4, '0') || '-'
                || lpad(to_hex(1000), 12, '0'))::uuid
    RETURNING *
), event AS (
    INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
    SELECT session_id, batch_id, agent_type, 'subtask.updated',
           json_build_object('subtask_id', id, 'batch_id', batch_id, 'session_id', session_id,
                             'wave_number', wave_number, 'agent_type', agent_type, 'agent_id', agent_id,
                             'from', status, 'status', status, 'priority', priority,
                             'open_blockers', open_blockers, 'retry_count', retry_count,
                             'started_at', started_at, 'completed_at', completed_at),
           updated_at
    FROM task
)
SELECT * FROM task;
(SELECT id, NULL AS task_id, NULL AS agent_type, NULL AS agent_id, NULL AS description, status,
        total_tasks AS priority, NULL AS optional, completed_tasks AS blockers, failed_tasks AS open_blockers,
        NULL::jsonb AS result, NULL::jsonb AS context_snapshot, NULL::integer AS retry_count, created_at,
        NULL::timestamptz AS started_at, completed_at, NULL::timestamptz AS updated_at, outcome
 FROM orchestration_batches
 WHERE id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(:b::bigint), 12, '0'))::uuid)
UNION ALL
(SELECT id, task_id, agent_type, agent_id, description, status, priority, optional, blockers, open_blockers,
        result, context_snapshot, retry_count, created_at, started_at, completed_at, updated_at, NULL
 FROM subtasks
 WHERE batch_id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(:b::bigint), 12, '0'))::uuid);
