-- A batch with its 1,000 subtasks in one statement. The batch is a row of its own: beside every subtask, as in
-- get_10.sql, it costs a third of the rate. Without ORDER BY for the reason given there.
\set b random(2000, 2031)
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
