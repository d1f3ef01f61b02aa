DROP TABLE events_era;
--bun:split
DROP TABLE events;
