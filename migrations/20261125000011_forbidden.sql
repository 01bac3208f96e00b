-- The forbidden action of its subtask that an action was; null for one that was allowed.
ALTER TABLE actions ADD COLUMN forbidden_action text;
CREATE INDEX forbidden_of_subtask ON actions (subtask_id) WHERE forbidden_action IS NOT NULL;
-- What an agent holds, and what became of what it held last.
CREATE INDEX attempts_of_agent ON attempts (agent_id, token);
DROP INDEX leases_of_agent;
