-- Who caused an event; NULL in those from before.
ALTER TABLE events ADD COLUMN actor TEXT;
