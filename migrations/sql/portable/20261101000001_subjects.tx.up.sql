-- Whoever can sign in. The row is also what changes of a subject queue for.
CREATE TABLE subjects (
  id          TEXT PRIMARY KEY,
  disabled_at BIGINT NOT NULL DEFAULT 0,
  created_at  BIGINT NOT NULL DEFAULT 0
);
--bun:split
CREATE TABLE users (
  subject       TEXT PRIMARY KEY,
  identifier    TEXT NOT NULL,
  folded        TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  claims        TEXT NOT NULL,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL
);
--bun:split
CREATE UNIQUE INDEX users_folded ON users (folded);
