-- What is being ended elsewhere of a client's access to what is a subject's.
CREATE INDEX legs_subject ON legs (subject, client_id);
