CREATE TABLE judgments (
  at        BIGINT NOT NULL,
  id        TEXT PRIMARY KEY,
  subject   TEXT NOT NULL,
  device_id TEXT NOT NULL,
  grant_id  TEXT NOT NULL,
  client_id TEXT NOT NULL,
  addr      BYTEA,
  sighting  TEXT NOT NULL,
  verdict   TEXT NOT NULL
);
--bun:split
CREATE INDEX judgments_device ON judgments (device_id, at DESC, id DESC);
--bun:split
CREATE INDEX judgments_at ON judgments (at);
