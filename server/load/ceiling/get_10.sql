-- A batch with its 10 subtasks in one statement. They come in the index's order, by id: to put the
-- best first is cheaper outside of Postgres than in it.
\set b random(1000, 1255)
SELECT b.status, b.total_tasks, b.completed_tasks, b.failed_tasks, b.outcome, b.created_at, b.completed_at,
       s.id, s.task_id, s.agent_type, s.agent_id, s.description, s.status, s.priority, s.optional, s.blockers,
       s.open_blockers, s.result, s.context_snapshot, s.retry_count, s.created_at, s.started_at, s.completed_at,
       s.updated_at
FROM orchestration_batches b JOIN subtasks s ON s.batch_id = b.id
WHERE b.id = (lpad(to_hex(:run::bigint), 8, '0') || '-0000-8001-8000-' || lpad(to_hex(:b::bigint), 12, '0'))::uuid;
