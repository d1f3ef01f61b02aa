-- Where devices have been: coordinates, which are forgotten with the address
-- that they were read from; since when a device is where it is; and the
-- carriers that it used before, one a line.
ALTER TABLE devices ADD COLUMN first_spot BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE devices ADD COLUMN last_spot BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE devices ADD COLUMN last_at BIGINT NOT NULL DEFAULT 0;
--bun:split
ALTER TABLE devices ADD COLUMN known TEXT NOT NULL DEFAULT '';
--bun:split
ALTER TABLE judgments ADD COLUMN spot BIGINT NOT NULL DEFAULT 0;
