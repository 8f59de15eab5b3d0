-- The program of that time knows neither people nor jobs of this kind.
UPDATE users SET status = 'inactive' WHERE status IN ('removed', 'deleted');
UPDATE bulk_jobs SET cause = 'deactivation' WHERE cause IN ('removal', 'deletion');
DROP INDEX messages_by_author;
ALTER TABLE outbox DROP COLUMN erased_at;
DROP INDEX users_former;
DROP INDEX users_deleted_number;
ALTER TABLE users DROP COLUMN deletion_announced_at;
ALTER TABLE users DROP COLUMN former_since;
ALTER TABLE users DROP COLUMN deleted_number;
DROP TABLE sealed_identities;
