ALTER TABLE messages DROP COLUMN sender_address;
ALTER TABLE messages DROP COLUMN sender_name;
