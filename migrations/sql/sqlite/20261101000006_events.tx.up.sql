-- One transaction writes at a time, so seq is the order of commits and xid,
-- which PostgreSQL needs, is always 0.
CREATE TABLE events (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  xid            BIGINT NOT NULL DEFAULT 0,
  at             BIGINT NOT NULL,
  id             TEXT NOT NULL,
  type           TEXT NOT NULL,
  subject        TEXT NOT NULL,
  device_id      TEXT NOT NULL,
  client_id      TEXT NOT NULL,
  grant_id       TEXT NOT NULL,
  reasons        TEXT NOT NULL,
  verdict        TEXT NOT NULL,
  policy_version TEXT NOT NULL
);
--bun:split
CREATE INDEX events_at ON events (at);
