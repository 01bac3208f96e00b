-- The most urgent ready subtask of the client's session taken, with its attempt and its event in one
-- statement.
WITH task AS (
    UPDATE subtasks
    SET status = 'running', agent_id = 'agent-1', started_at = now(), updated_at = now(),
        lease_token = nextval('lease_tokens')
    WHERE id = (
        SELECT s.id FROM subtasks s
        WHERE s.session_id = 'ceiling-' || :run || '-claim-' || :client_id AND s.wave_number = 1
          AND s.status = 'pending'
        ORDER BY s.priority DESC, s.id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
), attempt AS (
    INSERT INTO attempts (token, subtask_id, session_id, agent_id, lease_seconds, claimed_at, heartbeat_at, expires_at)
    SELECT lease_token, id, session_id, agent_id, 3600, now(), now(), now() + interval '1 hour' FROM task
), event AS (
    INSERT INTO event_outbox (session_id, batch_id, agent_type, event, data, at)
    SELECT session_id, batch_id, agent_type, 'subtask.updated',
           json_build_object('subtask_id', id, 'batch_id', batch_id, 'session_id', session_id,
                             'wave_number', wave_number, 'agent_type', agent_type, 'agent_id', agent_id,
                             'from', 'pending', 'status', status, 'priority', priority, 'blocked_by', '[]'::json,
                             'open_blockers', open_blockers, 'retry_count', retry_count,
                             'started_at', started_at, 'completed_at', completed_at),
           updated_at
    FROM task
)
SELECT * FROM task;
