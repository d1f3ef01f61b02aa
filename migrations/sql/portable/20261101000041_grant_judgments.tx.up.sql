-- The judgments about a grant are read before another one is written.
CREATE INDEX judgments_grant ON judgments (grant_id, at DESC, id DESC) WHERE grant_id <> '';
