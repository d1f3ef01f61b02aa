-- xid is the transaction that wrote the row. Numbers of a sequence are drawn
-- before their transactions commit; who reads only below the oldest running
-- transaction, in the order (xid, seq), misses none.
--
-- Transactions are numbered by the cluster. Where a dump is restored into
-- another one, which numbers from the beginning, a new era begins.
CREATE TABLE events (
  seq            BIGINT GENERATED ALWAYS AS IDENTITY,
  era            BIGINT NOT NULL DEFAULT 0,
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
  PRIMARY KEY (era, xid, seq)
);
--bun:split
CREATE INDEX events_at ON events (at);
--bun:split
CREATE TABLE events_era (era BIGINT NOT NULL);
--bun:split
INSERT INTO events_era VALUES (0);
