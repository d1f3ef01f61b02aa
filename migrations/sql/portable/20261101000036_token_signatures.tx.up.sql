-- Tokens of another server are found by the hash of their signature, the part by
-- which that server finds them. whole is the hash of the whole token. Rows from
-- before have no whole: their hash is that.
ALTER TABLE passed ADD COLUMN whole BYTEA;
