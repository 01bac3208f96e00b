-- A subtask changed, with its event; then its batch read, as in get_10.sql. Two statements.
\set b random(1000, 1255)
\set p random(1, 10)
WITH task AS (
    UPDATE subtasks
    SET priority = :p, updated_at = now()
    WHERE id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8002-' || lpad(to_hex(:b::bigint), 4, '0') || '-'
                || lpad(to_hex(10), 12, '0'))::uuid
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
SELECT b.status, b.total_tasks, b.completed_tasks, b.failed_tasks, b.outcome, b.created_at, b.completed_at,
       s.id, s.task_id, s.agent_type, s.agent_id, s.description, s.status, s.priority, s.optional, s.blockers,
       s.open_blockers, s.result, s.context_snapshot, s.retry_count, s.created_at, s.started_at, s.completed_at,
       s.updated_at
FROM orchestration_batches b JOIN subtasks s ON s.batch_id = b.id
WHERE b.id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(:b::bigint), 12, '0'))::uuid;
