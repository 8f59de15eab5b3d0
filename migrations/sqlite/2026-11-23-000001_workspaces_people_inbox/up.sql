-- The workspace, its people and their work. The same tables stand in both databases: ids are 16 bytes, instants are
-- microseconds, and every reference stays inside one workspace because its key begins with workspace_id.

CREATE TABLE installation (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE setup_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    created_at INTEGER NOT NULL
);

CREATE TABLE workspaces (
    id BLOB NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    support_contact TEXT NOT NULL,
    invite_days INTEGER NOT NULL,
    undo_hours INTEGER NOT NULL,
    next_conversation INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    full_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    password_hash TEXT,
    status TEXT NOT NULL,
    status_reason TEXT,
    status_changed_at INTEGER NOT NULL,
    beta_access BOOLEAN NOT NULL,
    time_zone TEXT,
    last_seen_at INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT users_email UNIQUE (workspace_id, email_key)
);
CREATE INDEX users_by_name ON users (workspace_id, status, name_key, id);
CREATE INDEX users_by_email ON users (email_key);

CREATE TABLE roles (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    standard TEXT,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL,
    position INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT roles_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE role_permissions (
    workspace_id BLOB NOT NULL,
    role_id BLOB NOT NULL,
    permission TEXT NOT NULL,
    PRIMARY KEY (role_id, permission),
    FOREIGN KEY (workspace_id, role_id) REFERENCES roles (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE user_roles (
    workspace_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    role_id BLOB NOT NULL,
    PRIMARY KEY (user_id, role_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, role_id) REFERENCES roles (workspace_id, id)
);
CREATE INDEX user_roles_by_role ON user_roles (workspace_id, role_id, user_id);

CREATE TABLE teams (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT teams_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE team_members (
    workspace_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    is_lead BOOLEAN NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (team_id, user_id),
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX team_members_by_user ON team_members (user_id, team_id);

CREATE TABLE channels (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    default_team_id BLOB,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT channels_name UNIQUE (workspace_id, name_key),
    CONSTRAINT channels_address UNIQUE (workspace_id, kind, address_key),
    FOREIGN KEY (workspace_id, default_team_id) REFERENCES teams (workspace_id, id)
);

CREATE TABLE channel_members (
    workspace_id BLOB NOT NULL,
    channel_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (channel_id, user_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX channel_members_by_user ON channel_members (user_id, channel_id);

CREATE TABLE invites (
    user_id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    invited_by BLOB,
    invited_at INTEGER NOT NULL,
    sent_at INTEGER,
    times_sent INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    outbox_id BLOB,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX invites_by_workspace ON invites (workspace_id, invited_at);

-- Every link that was ever made for an invite, so that a dead one can say why it is dead.
CREATE TABLE invite_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    user_id BLOB NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX invite_links_by_user ON invite_links (user_id, state);

CREATE TABLE password_links (
    token_hash TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX password_links_by_user ON password_links (user_id);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    key_hash TEXT NOT NULL UNIQUE,
    workspace_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    state TEXT NOT NULL,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_by_user ON sessions (user_id, last_seen_at);

-- One row for each attempt to log in: the history of a user, and what slows guessing down. The account is kept as a
-- hash, because an unknown address may be somebody's.
CREATE TABLE login_attempts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id BLOB REFERENCES workspaces (id),
    user_id BLOB,
    account_hash TEXT NOT NULL,
    address TEXT NOT NULL,
    device TEXT NOT NULL,
    succeeded BOOLEAN NOT NULL,
    at INTEGER NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX login_attempts_by_account ON login_attempts (account_hash, at);
CREATE INDEX login_attempts_by_address ON login_attempts (address, at);
CREATE INDEX login_attempts_by_user ON login_attempts (user_id, at);

CREATE TABLE contacts (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT contacts_email UNIQUE (workspace_id, email_key)
);

CREATE TABLE conversations (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    number INTEGER NOT NULL,
    channel_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    subject TEXT NOT NULL,
    preview TEXT NOT NULL,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    assignee_id BLOB,
    team_id BLOB,
    snoozed_until INTEGER,
    woken_at INTEGER,
    waiting_since INTEGER,
    last_activity_at INTEGER NOT NULL,
    closed_at INTEGER,
    continues INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, number),
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
    FOREIGN KEY (workspace_id, assignee_id) REFERENCES users (workspace_id, id),
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id)
);
CREATE INDEX conversations_by_activity ON conversations (workspace_id, status, last_activity_at, id);
CREATE INDEX conversations_by_waiting ON conversations (workspace_id, status, waiting_since, id);
CREATE INDEX conversations_by_priority ON conversations (workspace_id, status, priority, last_activity_at, id);
CREATE INDEX conversations_by_assignee ON conversations (workspace_id, assignee_id, status, last_activity_at, id);
CREATE INDEX conversations_by_team ON conversations (workspace_id, team_id, status, last_activity_at, id);
CREATE INDEX conversations_by_contact ON conversations (workspace_id, contact_id, last_activity_at, id);
CREATE INDEX conversations_unassigned ON conversations (workspace_id, status, last_activity_at, id)
    WHERE assignee_id IS NULL AND team_id IS NULL;
CREATE INDEX conversations_snoozed ON conversations (workspace_id, snoozed_until, id) WHERE snoozed_until IS NOT NULL;
CREATE INDEX conversations_due ON conversations (snoozed_until) WHERE snoozed_until IS NOT NULL;

CREATE TABLE messages (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id BLOB NOT NULL,
    conversation_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    author_id BLOB,
    body TEXT NOT NULL,
    html TEXT,
    email_message_id TEXT,
    outbox_id BLOB,
    created_at INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, author_id) REFERENCES users (workspace_id, id)
);
CREATE INDEX messages_by_conversation ON messages (workspace_id, conversation_id, id);
CREATE INDEX messages_by_email ON messages (workspace_id, email_message_id) WHERE email_message_id IS NOT NULL;

CREATE TABLE attachments (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    message_id INTEGER NOT NULL,
    file_name TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX attachments_by_message ON attachments (workspace_id, message_id);

-- Every mail that came in, once: what was made of it, or why it could not be read.
CREATE TABLE received_mails (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    channel_id BLOB NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    message_id INTEGER,
    problem TEXT,
    received_at INTEGER NOT NULL,
    CONSTRAINT received_mails_once UNIQUE (workspace_id, channel_id, sha256),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
);
CREATE INDEX received_mails_quarantined ON received_mails (workspace_id, received_at) WHERE problem IS NOT NULL;

CREATE TABLE conversation_reads (
    workspace_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    conversation_id INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, conversation_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE tags (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT tags_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE conversation_tags (
    workspace_id BLOB NOT NULL,
    conversation_id INTEGER NOT NULL,
    tag_id BLOB NOT NULL,
    PRIMARY KEY (conversation_id, tag_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, tag_id) REFERENCES tags (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_tags_by_tag ON conversation_tags (workspace_id, tag_id, conversation_id);

CREATE TABLE bulk_jobs (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    subject_id BLOB,
    undoes BLOB,
    filter TEXT NOT NULL,
    target TEXT NOT NULL,
    state TEXT NOT NULL,
    expected INTEGER,
    total INTEGER NOT NULL,
    done INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    started_by BLOB,
    submission TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    undo_until INTEGER NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT bulk_jobs_submission UNIQUE (workspace_id, submission),
    CONSTRAINT bulk_jobs_undoes UNIQUE (workspace_id, undoes)
);
CREATE INDEX bulk_jobs_by_time ON bulk_jobs (workspace_id, created_at);

CREATE TABLE bulk_items (
    workspace_id BLOB NOT NULL,
    job_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    conversation_id INTEGER NOT NULL,
    to_user_id BLOB,
    to_team_id BLOB,
    from_user_id BLOB,
    from_team_id BLOB,
    expected_version INTEGER,
    outcome TEXT NOT NULL,
    version_after INTEGER,
    PRIMARY KEY (job_id, position),
    FOREIGN KEY (workspace_id, job_id) REFERENCES bulk_jobs (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX bulk_items_by_outcome ON bulk_items (job_id, outcome, position);

-- What happened, for good: ids and plain values only, so that deleting a person needs no rewriting.
CREATE TABLE audit_events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BLOB,
    cause TEXT,
    job_id BLOB,
    name TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BLOB,
    conversation_id INTEGER,
    from_user_id BLOB,
    to_user_id BLOB,
    from_team_id BLOB,
    to_team_id BLOB,
    details TEXT NOT NULL,
    address TEXT,
    request_id TEXT
);
CREATE INDEX audit_events_by_subject ON audit_events (workspace_id, subject_id, id);
CREATE INDEX audit_events_by_conversation ON audit_events (workspace_id, conversation_id, id)
    WHERE conversation_id IS NOT NULL;

CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    to_name TEXT NOT NULL,
    to_address TEXT NOT NULL,
    from_name TEXT NOT NULL,
    from_address TEXT,
    subject TEXT NOT NULL,
    text_body TEXT NOT NULL,
    html_body TEXT NOT NULL,
    email_message_id TEXT NOT NULL,
    in_reply_to TEXT,
    email_references TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    problem TEXT,
    next_try_at INTEGER NOT NULL,
    locked_until INTEGER,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (workspace_id, id)
);
CREATE INDEX outbox_by_time ON outbox (workspace_id, created_at);
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE state = 'queued';

-- Work for later. A row is claimed by moving locked_until ahead and is deleted when it is done.
CREATE TABLE tasks (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    run_at INTEGER NOT NULL,
    locked_until INTEGER,
    attempts INTEGER NOT NULL,
    problem TEXT,
    created_at INTEGER NOT NULL
);
CREATE INDEX tasks_due ON tasks (run_at);

-- How many conversations stand where. Kept by triggers, so that no change can forget it and no page has to count a
-- million rows. 16 zero bytes mean "nobody"; the channel is kept only where neither a person nor a team holds it.
CREATE TABLE conversation_counts (
    workspace_id BLOB NOT NULL,
    status TEXT NOT NULL,
    assignee_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    channel_id BLOB NOT NULL,
    conversations INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, status, assignee_id, team_id, channel_id)
) WITHOUT ROWID;

CREATE TRIGGER conversations_count_insert AFTER INSERT ON conversations BEGIN
    INSERT INTO conversation_counts VALUES (
        NEW.workspace_id, NEW.status, coalesce(NEW.assignee_id, zeroblob(16)), coalesce(NEW.team_id, zeroblob(16)),
        CASE WHEN NEW.assignee_id IS NULL AND NEW.team_id IS NULL THEN NEW.channel_id ELSE zeroblob(16) END, 1
    ) ON CONFLICT DO UPDATE SET conversations = conversations + 1;
END;

CREATE TRIGGER conversations_count_delete AFTER DELETE ON conversations BEGIN
    UPDATE conversation_counts SET conversations = conversations - 1
    WHERE workspace_id = OLD.workspace_id AND status = OLD.status
      AND assignee_id = coalesce(OLD.assignee_id, zeroblob(16)) AND team_id = coalesce(OLD.team_id, zeroblob(16))
      AND channel_id = CASE WHEN OLD.assignee_id IS NULL AND OLD.team_id IS NULL THEN OLD.channel_id ELSE zeroblob(16) END;
END;

CREATE TRIGGER conversations_count_update
AFTER UPDATE OF status, assignee_id, team_id, channel_id ON conversations
WHEN OLD.status <> NEW.status OR OLD.assignee_id IS NOT NEW.assignee_id OR OLD.team_id IS NOT NEW.team_id
  OR OLD.channel_id <> NEW.channel_id
BEGIN
    UPDATE conversation_counts SET conversations = conversations - 1
    WHERE workspace_id = OLD.workspace_id AND status = OLD.status
      AND assignee_id = coalesce(OLD.assignee_id, zeroblob(16)) AND team_id = coalesce(OLD.team_id, zeroblob(16))
      AND channel_id = CASE WHEN OLD.assignee_id IS NULL AND OLD.team_id IS NULL THEN OLD.channel_id ELSE zeroblob(16) END;
    INSERT INTO conversation_counts VALUES (
        NEW.workspace_id, NEW.status, coalesce(NEW.assignee_id, zeroblob(16)), coalesce(NEW.team_id, zeroblob(16)),
        CASE WHEN NEW.assignee_id IS NULL AND NEW.team_id IS NULL THEN NEW.channel_id ELSE zeroblob(16) END, 1
    ) ON CONFLICT DO UPDATE SET conversations = conversations + 1;
END;
