-- A wave that starts only when somebody has approved it; null for one that needs no approval.
ALTER TABLE wave_states
    ADD COLUMN approval         text CHECK (approval IN ('required', 'approved', 'rejected')),
    ADD COLUMN approval_comment text,
    ADD COLUMN approved_by      text;
