-- Who is signed in to the pages. The sid is of a sign-in here where the issuer
-- is empty.
CREATE TABLE web_sessions (
  auth_time   BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  idle_until  BIGINT NOT NULL,
  not_after   BIGINT NOT NULL,
  id          TEXT PRIMARY KEY,
  subject     TEXT NOT NULL,
  device_id   TEXT NOT NULL,
  issuer      TEXT NOT NULL,
  sid         TEXT NOT NULL,
  name        TEXT NOT NULL,
  secret_hash BYTEA
);
--bun:split
CREATE INDEX web_sessions_not_after ON web_sessions (not_after);
