-- How a mail channel sends, fetches and is answered. Passwords are sealed with a key that does not stand in this table.
CREATE TABLE channel_mail (
    channel_id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    reply_secret text NOT NULL,
    reply_by_address boolean NOT NULL DEFAULT true,
    from_name text NOT NULL DEFAULT '',
    from_address text,
    signature text NOT NULL DEFAULT '',
    smtp_host text,
    smtp_port integer,
    smtp_security text,
    smtp_user text,
    smtp_password text,
    imap_host text,
    imap_port integer,
    imap_security text,
    imap_user text,
    imap_password text,
    imap_folder text NOT NULL DEFAULT 'INBOX',
    imap_validity bigint,
    imap_seen bigint NOT NULL DEFAULT 0,
    imap_next_at timestamptz,
    imap_locked_until timestamptz,
    imap_failures integer NOT NULL DEFAULT 0,
    imap_problem text,
    imap_checked_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX channel_mail_due ON channel_mail (imap_next_at) WHERE imap_next_at IS NOT NULL;
-- Which channel a reply goes out by, and where answers to it go.
ALTER TABLE outbox ADD COLUMN channel_id uuid REFERENCES channels (id);
ALTER TABLE outbox ADD COLUMN reply_to text;
