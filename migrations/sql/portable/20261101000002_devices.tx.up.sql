-- Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a network is a range.
CREATE TABLE devices (
  created_at        BIGINT NOT NULL,
  last_seen         BIGINT NOT NULL,
  revoked_at        BIGINT NOT NULL,
  version           BIGINT NOT NULL,
  first_asn         BIGINT NOT NULL,
  last_asn          BIGINT NOT NULL,
  tier              INTEGER NOT NULL,
  can_update_others BOOLEAN NOT NULL,
  can_delete_others BOOLEAN NOT NULL,
  id                TEXT PRIMARY KEY,
  subject           TEXT NOT NULL,
  name              TEXT NOT NULL,
  state             TEXT NOT NULL,
  cookie_hash       BYTEA,
  key_thumbprint    TEXT NOT NULL,
  os                TEXT NOT NULL,
  fingerprint       TEXT NOT NULL,
  entrance          TEXT NOT NULL,
  first_addr        BYTEA,
  first_place       TEXT NOT NULL,
  last_addr         BYTEA,
  last_place        TEXT NOT NULL,
  flagged_reason    TEXT NOT NULL,
  revoked_reason    TEXT NOT NULL,
  revoked_by        TEXT NOT NULL
);
--bun:split
CREATE INDEX devices_subject ON devices (subject, created_at, id);
--bun:split
CREATE INDEX devices_created ON devices (created_at, id);
