-- Counts the changes to a batch and to its subtasks, so that a reader who has one state of it learns
-- with one look-up whether that is still how things stand.
ALTER TABLE orchestration_batches ADD COLUMN revision bigint NOT NULL DEFAULT 0;
