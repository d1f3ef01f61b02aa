-- One authorization and every token descending from it. A rotation changes no
-- column that an index holds; keep it so.
CREATE TABLE grants (
  generation        BIGINT NOT NULL,
  parent            BIGINT NOT NULL,
  version           BIGINT NOT NULL,
  rotated_at        BIGINT NOT NULL,
  idle_until        BIGINT NOT NULL,
  not_after         BIGINT NOT NULL,
  revoked_at        BIGINT NOT NULL,
  tokens_not_before BIGINT NOT NULL,
  created_at        BIGINT NOT NULL,
  offline           BOOLEAN NOT NULL,
  id                TEXT PRIMARY KEY,
  subject           TEXT NOT NULL,
  client_id         TEXT NOT NULL,
  device_id         TEXT NOT NULL,
  sid               TEXT NOT NULL,
  issuer            TEXT NOT NULL,
  external_ref      TEXT NOT NULL,
  scopes            TEXT NOT NULL,
  audience          TEXT NOT NULL,
  revoked_reason    TEXT NOT NULL,
  secret            BYTEA,
  session           BYTEA,
  baseline          TEXT NOT NULL
);
--bun:split
CREATE INDEX grants_device ON grants (device_id, not_after);
--bun:split
CREATE INDEX grants_subject ON grants (subject);
--bun:split
CREATE INDEX grants_client ON grants (client_id);
--bun:split
CREATE INDEX grants_sid ON grants (sid);
--bun:split
CREATE INDEX grants_created ON grants (created_at, id);
