-- What agents spend: tokens, and money in millionths of a US dollar. Sums over all attempts, written with
-- the rows that they count.
ALTER TABLE actions
    ADD COLUMN tokens_used bigint NOT NULL DEFAULT 0 CHECK (tokens_used >= 0),
    ADD COLUMN cost_micros bigint NOT NULL DEFAULT 0 CHECK (cost_micros >= 0);
ALTER TABLE subtasks
    ADD COLUMN tokens_used    bigint NOT NULL DEFAULT 0 CHECK (tokens_used >= 0),
    ADD COLUMN cost_micros    bigint NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    -- Of the attempt that runs or was the last.
    ADD COLUMN attempt_tokens bigint NOT NULL DEFAULT 0 CHECK (attempt_tokens >= 0),
    ADD COLUMN attempt_micros bigint NOT NULL DEFAULT 0 CHECK (attempt_micros >= 0);
ALTER TABLE wave_states
    ADD COLUMN tokens_used bigint NOT NULL DEFAULT 0 CHECK (tokens_used >= 0),
    ADD COLUMN cost_micros bigint NOT NULL DEFAULT 0 CHECK (cost_micros >= 0);
ALTER TABLE sessions
    ADD COLUMN tokens_used bigint NOT NULL DEFAULT 0 CHECK (tokens_used >= 0),
    ADD COLUMN cost_micros bigint NOT NULL DEFAULT 0 CHECK (cost_micros >= 0),
    ADD COLUMN budget      jsonb,
    -- Whether the hard budget is used up, so that a claim need not work it out.
    ADD COLUMN spent_out   boolean NOT NULL DEFAULT false;
