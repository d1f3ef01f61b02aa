DROP INDEX devices_last_addr;
--bun:split
DROP INDEX devices_first_addr;
--bun:split
DROP INDEX devices_last_asn;
--bun:split
DROP INDEX devices_first_asn;
--bun:split
DROP INDEX devices_os;
--bun:split
DROP INDEX devices_state;
