-- Who claimed a mailbox last: whoever held it before has lost it. And since when its mail is wanted, below which number its mails
-- are older ones, and which one could not be fetched how often.
ALTER TABLE channel_mail ADD COLUMN imap_claim bigint NOT NULL DEFAULT 0;
ALTER TABLE channel_mail ADD COLUMN imap_since timestamptz;
ALTER TABLE channel_mail ADD COLUMN imap_older_below bigint NOT NULL DEFAULT 0;
ALTER TABLE channel_mail ADD COLUMN imap_stuck bigint;
ALTER TABLE channel_mail ADD COLUMN imap_stuck_tries integer NOT NULL DEFAULT 0;
-- What came before the first mail that was taken in was not wanted, or is known.
UPDATE channel_mail SET imap_since = COALESCE(
    (SELECT MIN(r.received_at) FROM received_mails r WHERE r.workspace_id = channel_mail.workspace_id AND r.channel_id = channel_mail.channel_id),
    (SELECT c.created_at FROM channels c WHERE c.id = channel_mail.channel_id)
) WHERE imap_validity IS NOT NULL;
