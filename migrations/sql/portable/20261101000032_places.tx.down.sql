ALTER TABLE judgments DROP COLUMN spot;
--bun:split
ALTER TABLE devices DROP COLUMN known;
--bun:split
ALTER TABLE devices DROP COLUMN last_at;
--bun:split
ALTER TABLE devices DROP COLUMN last_spot;
--bun:split
ALTER TABLE devices DROP COLUMN first_spot;
