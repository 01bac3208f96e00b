-- What a claim looks for: the most urgent ready subtasks of a wave. The one index that a change of status
-- touches; without it, every claim reads the whole wave.
CREATE INDEX ready_subtasks ON subtasks (session_id, wave_number, priority DESC, id) WHERE status = 'pending';
