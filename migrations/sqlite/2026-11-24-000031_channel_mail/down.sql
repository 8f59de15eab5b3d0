-- The program of that time knows no such state.
UPDATE outbox SET state = 'failed' WHERE state = 'returned';
ALTER TABLE outbox DROP COLUMN reply_to;
ALTER TABLE outbox DROP COLUMN channel_id;
DROP TABLE channel_mail;
