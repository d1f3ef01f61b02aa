DROP INDEX devices_first;
--bun:split
DROP INDEX devices_last;
--bun:split
DROP INDEX judgments_addr;
