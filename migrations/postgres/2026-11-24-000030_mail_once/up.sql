-- The same mail comes by several ways, or once more after a crash, with other lines of transport in its header: it is told by
-- its Message-ID and what it says. And a message that no person wrote is marked.
ALTER TABLE received_mails ADD COLUMN content_key text;
CREATE UNIQUE INDEX received_mails_content ON received_mails (workspace_id, channel_id, content_key) WHERE content_key IS NOT NULL;
ALTER TABLE messages ADD COLUMN automatic boolean NOT NULL DEFAULT false;
