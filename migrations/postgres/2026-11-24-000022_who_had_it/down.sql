-- The program of that time knows no jobs of this kind.
UPDATE bulk_jobs SET cause = 'deactivation' WHERE cause = 'team_removal';
DROP INDEX audit_events_by_new;
DROP INDEX audit_events_by_former;
