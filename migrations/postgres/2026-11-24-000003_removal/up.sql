-- People who are removed or deleted. Of somebody removed, the row keeps nothing but neutral words; who they were is
-- sealed in a table of its own until they are invited again, or deleted.

CREATE TABLE sealed_identities (
    user_id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    full_name text NOT NULL,
    display_name text NOT NULL,
    beta_access boolean NOT NULL,
    time_zone text,
    roles text NOT NULL,
    teams text NOT NULL,
    channels text NOT NULL,
    sealed_at timestamptz NOT NULL,
    CONSTRAINT sealed_identities_email UNIQUE (workspace_id, email_key),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);

-- What tells deleted users apart.
ALTER TABLE users ADD COLUMN deleted_number bigint;
CREATE UNIQUE INDEX users_deleted_number ON users (workspace_id, deleted_number) WHERE deleted_number IS NOT NULL;

-- Since when somebody is no longer one of the active: retention counts from here.
ALTER TABLE users ADD COLUMN former_since timestamptz;
UPDATE users SET former_since = status_changed_at WHERE status = 'inactive';

-- When the Owners were told that retention is about to delete them.
ALTER TABLE users ADD COLUMN deletion_announced_at timestamptz;
CREATE INDEX users_former ON users (workspace_id, former_since) WHERE former_since IS NOT NULL;

-- When a mail lost the name of somebody who was deleted; its file, where mails are files, goes too.
ALTER TABLE outbox ADD COLUMN erased_at timestamptz;

-- What somebody wrote: counted before they are deleted, and signed anew afterwards.
CREATE INDEX messages_by_author ON messages (workspace_id, author_id, kind) WHERE author_id IS NOT NULL;
