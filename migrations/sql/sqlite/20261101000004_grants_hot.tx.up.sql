-- SQLite updates rows in place.
SELECT 1;
