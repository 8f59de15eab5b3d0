-- People who are removed or deleted. Of somebody removed, the row keeps nothing but neutral words; who they were is
-- sealed in a table of its own until they are invited again, or deleted.

CREATE TABLE sealed_identities (
    user_id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    full_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    beta_access BOOLEAN NOT NULL,
    time_zone TEXT,
    roles TEXT NOT NULL,
    teams TEXT NOT NULL,
    channels TEXT NOT NULL,
    sealed_at INTEGER NOT NULL,
    CONSTRAINT sealed_identities_email UNIQUE (workspace_id, email_key),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);

-- What tells deleted users apart.
ALTER TABLE users ADD COLUMN deleted_number INTEGER;
CREATE UNIQUE INDEX users_deleted_number ON users (workspace_id, deleted_number) WHERE deleted_number IS NOT NULL;

-- Since when somebody is no longer one of the active: retention counts from here.
ALTER TABLE users ADD COLUMN former_since INTEGER;
UPDATE users SET former_since = status_changed_at WHERE status = 'inactive';

-- When the Owners were told that retention is about to delete them.
ALTER TABLE users ADD COLUMN deletion_announced_at INTEGER;
CREATE INDEX users_former ON users (workspace_id, former_since) WHERE former_since IS NOT NULL;

-- When a mail lost the name of somebody who was deleted; its file, where mails are files, goes too.
ALTER TABLE outbox ADD COLUMN erased_at INTEGER;

-- What somebody wrote: counted before they are deleted, and signed anew afterwards.
CREATE INDEX messages_by_author ON messages (workspace_id, author_id, kind) WHERE author_id IS NOT NULL;
