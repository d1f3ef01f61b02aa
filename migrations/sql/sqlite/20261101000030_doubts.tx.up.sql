-- What a verdict came to, apart from it, to be counted. A verdict that is kept as
-- nothing is the zero one, which refuses.
ALTER TABLE judgments ADD COLUMN decision TEXT NOT NULL DEFAULT 'refuse';
--bun:split
UPDATE judgments SET decision = json_extract(verdict, '$.decision') WHERE verdict <> '';
--bun:split
-- A day's verdicts are counted from the index alone.
DROP INDEX judgments_at;
--bun:split
CREATE INDEX judgments_at ON judgments (at, decision);
--bun:split
-- What somebody decided about a device after a doubt.
CREATE INDEX events_decided ON events (device_id, at) WHERE type IN ('device.acknowledged', 'device.revoked');
