-- Since when something about a flagged device waits for its owner's answer, and
-- when that last came. 0 for what was flagged before.
ALTER TABLE devices ADD COLUMN flagged_at BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE devices ADD COLUMN doubted_at BIGINT NOT NULL DEFAULT 0;
