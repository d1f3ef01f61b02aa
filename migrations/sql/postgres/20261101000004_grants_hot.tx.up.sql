-- Room on each page for the next version of its rows: with no indexed column
-- changed, a rotation then stays on its page and touches no index (HOT).
ALTER TABLE grants SET (fillfactor = 70);
