ALTER TABLE channel_mail DROP COLUMN imap_stuck_tries;
ALTER TABLE channel_mail DROP COLUMN imap_stuck;
ALTER TABLE channel_mail DROP COLUMN imap_older_below;
ALTER TABLE channel_mail DROP COLUMN imap_since;
ALTER TABLE channel_mail DROP COLUMN imap_claim;
