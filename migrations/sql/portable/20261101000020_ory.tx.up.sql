-- A grant whose tokens another server mints is found by that server's name
-- for it. No rotation changes these columns.
CREATE UNIQUE INDEX grants_external ON grants (issuer, external_ref) WHERE external_ref <> '';
--bun:split
-- Sessions elsewhere and the devices they belong to.
CREATE TABLE ties (
  at        BIGINT NOT NULL,
  ended_at  BIGINT NOT NULL,
  kind      TEXT NOT NULL,
  ref       TEXT NOT NULL,
  subject   TEXT NOT NULL,
  device_id TEXT NOT NULL,
  PRIMARY KEY (kind, ref)
);
--bun:split
CREATE INDEX ties_device ON ties (device_id);
--bun:split
CREATE INDEX ties_at ON ties (at);
--bun:split
-- Keyed hashes of refresh tokens that another server minted, as they passed
-- by. A token that is somebody's parent is spent.
CREATE TABLE passed (
  at       BIGINT NOT NULL,
  hash     BYTEA PRIMARY KEY,
  parent   BYTEA,
  grant_id TEXT NOT NULL
);
--bun:split
CREATE INDEX passed_parent ON passed (parent);
--bun:split
CREATE INDEX passed_at ON passed (at);
--bun:split
-- What is to be ended elsewhere.
CREATE TABLE legs (
  created_at BIGINT NOT NULL,
  next_at    BIGINT NOT NULL,
  done_at    BIGINT NOT NULL,
  until      BIGINT NOT NULL,
  attempts   BIGINT NOT NULL,
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL,
  ref        TEXT NOT NULL,
  subject    TEXT NOT NULL,
  device_id  TEXT NOT NULL,
  grant_id   TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  state      TEXT NOT NULL,
  trouble    TEXT NOT NULL
);
--bun:split
CREATE UNIQUE INDEX legs_kind_ref ON legs (kind, ref);
--bun:split
CREATE INDEX legs_pending ON legs (next_at) WHERE state = 'pending';
--bun:split
CREATE INDEX legs_device ON legs (device_id);
--bun:split
-- How far each reader of the events has come.
CREATE TABLE cursors (
  name  TEXT PRIMARY KEY,
  place TEXT NOT NULL
);
