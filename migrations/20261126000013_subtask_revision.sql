-- The revision of its batch that a subtask changed last with, so that a reader who has one state of the
-- batch is sent the subtasks that are new to it, and no others. Without an index: it would cost every
-- change one more write, and the subtasks of one batch are found by `batch_id`.
ALTER TABLE subtasks ADD COLUMN revision bigint NOT NULL DEFAULT 0;
