-- A subagent lives within a session of Claude Code, and ends with it.
ALTER TABLE attempts ADD COLUMN within text;
-- Whether an agent that goes on afterwards was told that its attempt is over.
ALTER TABLE attempts ADD COLUMN told_at timestamptz;
CREATE INDEX leases_within ON attempts (within) WHERE ended_at IS NULL AND within IS NOT NULL;

-- What was reserved for a subtask is free when it no longer runs.
CREATE INDEX file_leases_of_subtask ON file_leases (subtask_id) WHERE subtask_id IS NOT NULL;

-- Attempts that were taken away from agents who have not been told.
CREATE INDEX untold_attempts ON attempts (agent_id, token)
    WHERE told_at IS NULL AND outcome IN ('expired', 'timed_out', 'cancelled');
