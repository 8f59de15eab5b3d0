-- Which user a mail went to, whatever their address and name were then: when they are deleted, it is found by this.
ALTER TABLE outbox ADD COLUMN to_user_id BLOB REFERENCES users (id) ON DELETE SET NULL;
UPDATE outbox SET to_user_id = (
    SELECT users.id FROM users WHERE users.workspace_id = outbox.workspace_id AND users.email_key = lower(outbox.to_address)
) WHERE kind <> 'reply' AND to_address <> '';
CREATE INDEX outbox_to_user ON outbox (to_user_id);
