DROP TABLE audit_chains;
DROP INDEX audit_events_by_actor;
DROP INDEX audit_events_by_time;
DROP INDEX audit_events_unsealed;
DROP INDEX audit_events_chain;
ALTER TABLE audit_events DROP COLUMN hash;
ALTER TABLE audit_events DROP COLUMN seq;
