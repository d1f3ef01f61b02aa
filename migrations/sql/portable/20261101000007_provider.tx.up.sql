CREATE TABLE clients (
  id          TEXT PRIMARY KEY,
  version     BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL,
  secret_hash TEXT NOT NULL,
  data        TEXT NOT NULL
);
--bun:split
CREATE TABLE codes (
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  hash       BYTEA PRIMARY KEY,
  grant_id   TEXT NOT NULL,
  client_id  TEXT NOT NULL,
  subject    TEXT NOT NULL,
  device_id  TEXT NOT NULL,
  sid        TEXT NOT NULL,
  data       TEXT NOT NULL
);
--bun:split
CREATE INDEX codes_expires ON codes (expires_at);
--bun:split
CREATE TABLE sign_ins (
  auth_time   BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  idle_until  BIGINT NOT NULL,
  not_after   BIGINT NOT NULL,
  ended_at    BIGINT NOT NULL,
  id          TEXT PRIMARY KEY,
  subject     TEXT NOT NULL,
  device_id   TEXT NOT NULL,
  secret_hash BYTEA,
  acr         TEXT NOT NULL,
  amr         TEXT NOT NULL
);
--bun:split
CREATE INDEX sign_ins_device ON sign_ins (device_id);
--bun:split
CREATE INDEX sign_ins_subject ON sign_ins (subject);
--bun:split
CREATE INDEX sign_ins_not_after ON sign_ins (not_after);
--bun:split
CREATE TABLE consents (
  subject   TEXT NOT NULL,
  client_id TEXT NOT NULL,
  scopes    TEXT NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (subject, client_id)
);
--bun:split
CREATE TABLE keys (
  created_at BIGINT NOT NULL,
  active_at  BIGINT NOT NULL,
  retired_at BIGINT NOT NULL,
  id         TEXT PRIMARY KEY,
  use        TEXT NOT NULL,
  alg        TEXT NOT NULL,
  sealed     BYTEA
);
--bun:split
-- The hash is of client and jti, which strangers choose as long as they like.
CREATE TABLE assertions (
  hash       BYTEA PRIMARY KEY,
  expires_at BIGINT NOT NULL
);
--bun:split
CREATE INDEX assertions_expires ON assertions (expires_at);
