DROP INDEX legs_subject;
