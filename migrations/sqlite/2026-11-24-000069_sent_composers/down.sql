ALTER TABLE drafts DROP COLUMN turn;
DROP INDEX messages_by_composer;
ALTER TABLE messages DROP COLUMN composer;
