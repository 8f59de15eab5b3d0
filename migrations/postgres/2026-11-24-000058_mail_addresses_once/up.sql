-- The address of a mail channel leads to one channel of the whole installation. Where several had one before, none of them owns it.
-- What the trigger of rosters waits with until the end of a transaction is done at once: no index is made while something waits.
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE channels ADD COLUMN mail_key text;
UPDATE channels SET mail_key = address_key WHERE kind = 'email' AND NOT EXISTS (
    SELECT 1 FROM channels other WHERE other.kind = 'email' AND other.address_key = channels.address_key AND other.id <> channels.id
);
CREATE UNIQUE INDEX channels_mail ON channels (mail_key) WHERE mail_key IS NOT NULL;
