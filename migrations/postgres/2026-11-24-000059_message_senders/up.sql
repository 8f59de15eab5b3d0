-- Who wrote a message that somebody else than the conversation's contact wrote.
ALTER TABLE messages ADD COLUMN sender_name text;
ALTER TABLE messages ADD COLUMN sender_address text;
