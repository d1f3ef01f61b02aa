DROP TABLE assertions;
--bun:split
DROP TABLE keys;
--bun:split
DROP TABLE consents;
--bun:split
DROP TABLE sign_ins;
--bun:split
DROP TABLE codes;
--bun:split
DROP TABLE clients;
