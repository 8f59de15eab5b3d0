ALTER TABLE messages DROP COLUMN automatic;
DROP INDEX received_mails_content;
ALTER TABLE received_mails DROP COLUMN content_key;
