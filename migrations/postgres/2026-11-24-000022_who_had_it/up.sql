-- What was taken from somebody and given to somebody is found by the person, and so are the jobs that did it.
CREATE INDEX audit_events_by_former ON audit_events (workspace_id, from_user_id, job_id) WHERE from_user_id IS NOT NULL;
CREATE INDEX audit_events_by_new ON audit_events (workspace_id, to_user_id) WHERE to_user_id IS NOT NULL;
