-- What still holds an address, by when it must be forgotten.
CREATE INDEX devices_first ON devices (created_at) WHERE first_addr IS NOT NULL;
--bun:split
CREATE INDEX devices_last ON devices (last_seen) WHERE last_addr IS NOT NULL;
--bun:split
CREATE INDEX judgments_addr ON judgments (at) WHERE addr IS NOT NULL;
