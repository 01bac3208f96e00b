-- Where a subtask may work: target_files, target_directories, max_files, forbidden_actions; null when
-- its task says nothing of it.
ALTER TABLE subtasks ADD COLUMN scope jsonb;
