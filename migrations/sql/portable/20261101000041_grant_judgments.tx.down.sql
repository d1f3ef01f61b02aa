DROP INDEX judgments_grant;
