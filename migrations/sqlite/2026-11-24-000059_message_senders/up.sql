-- Who wrote a message that somebody else than the conversation's contact wrote.
ALTER TABLE messages ADD COLUMN sender_name TEXT;
ALTER TABLE messages ADD COLUMN sender_address TEXT;
