-- Items of a job are handed out by their place in it, which the primary key has: an index by outcome only made each of them dearer.
DROP INDEX bulk_items_by_outcome;
-- Events of conversations have no other subject.
DROP INDEX audit_events_by_subject;
CREATE INDEX audit_events_by_subject ON audit_events (workspace_id, subject_id, id) WHERE subject_id IS NOT NULL;
