-- What operators look for among the devices of all subjects.
CREATE INDEX devices_state ON devices (state, created_at, id);
--bun:split
CREATE INDEX devices_os ON devices (os, created_at, id);
--bun:split
CREATE INDEX devices_first_asn ON devices (first_asn) WHERE first_asn <> 0;
--bun:split
CREATE INDEX devices_last_asn ON devices (last_asn) WHERE last_asn <> 0;
--bun:split
CREATE INDEX devices_first_addr ON devices (first_addr) WHERE first_addr IS NOT NULL;
--bun:split
CREATE INDEX devices_last_addr ON devices (last_addr) WHERE last_addr IS NOT NULL;
