-- How a mail channel sends, fetches and is answered. Passwords are sealed with a key that does not stand in this table.
CREATE TABLE channel_mail (
    channel_id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    reply_secret TEXT NOT NULL,
    reply_by_address BOOLEAN NOT NULL DEFAULT 1,
    from_name TEXT NOT NULL DEFAULT '',
    from_address TEXT,
    signature TEXT NOT NULL DEFAULT '',
    smtp_host TEXT,
    smtp_port INTEGER,
    smtp_security TEXT,
    smtp_user TEXT,
    smtp_password TEXT,
    imap_host TEXT,
    imap_port INTEGER,
    imap_security TEXT,
    imap_user TEXT,
    imap_password TEXT,
    imap_folder TEXT NOT NULL DEFAULT 'INBOX',
    imap_validity INTEGER,
    imap_seen INTEGER NOT NULL DEFAULT 0,
    imap_next_at INTEGER,
    imap_locked_until INTEGER,
    imap_failures INTEGER NOT NULL DEFAULT 0,
    imap_problem TEXT,
    imap_checked_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX channel_mail_due ON channel_mail (imap_next_at) WHERE imap_next_at IS NOT NULL;
-- Which channel a reply goes out by, and where answers to it go.
ALTER TABLE outbox ADD COLUMN channel_id BLOB REFERENCES channels (id);
ALTER TABLE outbox ADD COLUMN reply_to TEXT;
