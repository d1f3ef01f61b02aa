DROP INDEX events_decided;
--bun:split
DROP INDEX judgments_at;
--bun:split
CREATE INDEX judgments_at ON judgments (at);
--bun:split
ALTER TABLE judgments DROP COLUMN decision;
