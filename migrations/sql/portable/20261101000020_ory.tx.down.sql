DROP TABLE cursors;
--bun:split
DROP TABLE legs;
--bun:split
DROP TABLE passed;
--bun:split
DROP TABLE ties;
--bun:split
DROP INDEX grants_external;
