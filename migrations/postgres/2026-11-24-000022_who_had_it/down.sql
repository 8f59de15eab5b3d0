DROP INDEX audit_events_by_new;
DROP INDEX audit_events_by_former;
