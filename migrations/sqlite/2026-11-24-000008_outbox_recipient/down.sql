DROP INDEX outbox_to_user;
ALTER TABLE outbox DROP COLUMN to_user_id;
