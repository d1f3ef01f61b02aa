ALTER TABLE devices DROP COLUMN doubted_at;
--bun:split
ALTER TABLE devices DROP COLUMN flagged_at;
