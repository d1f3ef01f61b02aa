DROP TABLE users;
--bun:split
DROP TABLE subjects;
