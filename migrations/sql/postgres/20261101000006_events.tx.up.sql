-- xid is the transaction that wrote the row. Numbers of a sequence are drawn
-- before their transactions commit; who reads only below the oldest running
-- transaction, in the order (xid, seq), misses none.
CREATE TABLE events (
  seq            BIGINT GENERATED ALWAYS AS IDENTITY,
  xid            BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
  at             BIGINT NOT NULL,
  id             TEXT NOT NULL,
  type           TEXT NOT NULL,
  subject        TEXT NOT NULL,
  device_id      TEXT NOT NULL,
  client_id      TEXT NOT NULL,
  grant_id       TEXT NOT NULL,
  reasons        TEXT NOT NULL,
  verdict        TEXT NOT NULL,
  policy_version TEXT NOT NULL,
  PRIMARY KEY (xid, seq)
);
--bun:split
CREATE INDEX events_at ON events (at);
