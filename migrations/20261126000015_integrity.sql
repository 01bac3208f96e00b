-- What was true by the code alone.

-- A subtask is of the session and the wave of its batch, whose own are those of a wave that exists.
ALTER TABLE orchestration_batches ADD CONSTRAINT batch_in_wave UNIQUE (id, session_id, wave_number);
ALTER TABLE subtasks
    DROP CONSTRAINT subtasks_batch_id_fkey,
    ADD CONSTRAINT subtask_of_batch FOREIGN KEY (batch_id, session_id, wave_number)
        REFERENCES orchestration_batches (id, session_id, wave_number) ON DELETE CASCADE,
    ADD CONSTRAINT retries CHECK (retry_count >= 0);

ALTER TABLE attempts
    ADD CONSTRAINT attempt_of_session FOREIGN KEY (session_id) REFERENCES sessions ON DELETE CASCADE;

ALTER TABLE actions ADD CONSTRAINT duration CHECK (duration_ms >= 0);
