DROP INDEX audit_events_by_subject;
CREATE INDEX audit_events_by_subject ON audit_events (workspace_id, subject_id, id);
CREATE INDEX bulk_items_by_outcome ON bulk_items (job_id, outcome, position);
