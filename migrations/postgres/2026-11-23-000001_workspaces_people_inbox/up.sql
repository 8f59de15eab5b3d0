-- The workspace, its people and their work. The same tables stand in both databases: ids are 16 bytes, instants are
-- microseconds, and every reference stays inside one workspace because its key begins with workspace_id.

CREATE TABLE installation (
    name text NOT NULL PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE setup_links (
    token_hash text NOT NULL PRIMARY KEY,
    created_at timestamptz NOT NULL
);

CREATE TABLE workspaces (
    id uuid NOT NULL PRIMARY KEY,
    slug text NOT NULL UNIQUE,
    name text NOT NULL,
    time_zone text NOT NULL,
    sender_name text NOT NULL,
    support_contact text NOT NULL,
    invite_days integer NOT NULL,
    undo_hours integer NOT NULL,
    next_conversation bigint NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    email text NOT NULL,
    email_key text NOT NULL,
    full_name text NOT NULL,
    display_name text NOT NULL,
    name_key text NOT NULL,
    password_hash text,
    status text NOT NULL,
    status_reason text,
    status_changed_at timestamptz NOT NULL,
    beta_access boolean NOT NULL,
    time_zone text,
    last_seen_at timestamptz,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT users_email UNIQUE (workspace_id, email_key)
);
CREATE INDEX users_by_name ON users (workspace_id, status, name_key, id);
CREATE INDEX users_by_email ON users (email_key);

CREATE TABLE roles (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    standard text,
    name text NOT NULL,
    name_key text NOT NULL,
    description text NOT NULL,
    position integer NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT roles_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE role_permissions (
    workspace_id uuid NOT NULL,
    role_id uuid NOT NULL,
    permission text NOT NULL,
    PRIMARY KEY (role_id, permission),
    FOREIGN KEY (workspace_id, role_id) REFERENCES roles (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE user_roles (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    PRIMARY KEY (user_id, role_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, role_id) REFERENCES roles (workspace_id, id)
);
CREATE INDEX user_roles_by_role ON user_roles (workspace_id, role_id, user_id);

CREATE TABLE teams (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL,
    name_key text NOT NULL,
    description text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT teams_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE team_members (
    workspace_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    is_lead boolean NOT NULL,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (team_id, user_id),
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX team_members_by_user ON team_members (user_id, team_id);

CREATE TABLE channels (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    kind text NOT NULL,
    name text NOT NULL,
    name_key text NOT NULL,
    address text NOT NULL,
    address_key text NOT NULL,
    default_team_id uuid,
    created_at timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT channels_name UNIQUE (workspace_id, name_key),
    CONSTRAINT channels_address UNIQUE (workspace_id, kind, address_key),
    FOREIGN KEY (workspace_id, default_team_id) REFERENCES teams (workspace_id, id)
);

CREATE TABLE channel_members (
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (channel_id, user_id),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX channel_members_by_user ON channel_members (user_id, channel_id);

CREATE TABLE invites (
    user_id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    invited_by uuid,
    invited_at timestamptz NOT NULL,
    sent_at timestamptz,
    times_sent integer NOT NULL,
    expires_at timestamptz NOT NULL,
    outbox_id uuid,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX invites_by_workspace ON invites (workspace_id, invited_at);

-- Every link that was ever made for an invite, so that a dead one can say why it is dead.
CREATE TABLE invite_links (
    token_hash text NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    user_id uuid NOT NULL,
    state text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX invite_links_by_user ON invite_links (user_id, state);

CREATE TABLE password_links (
    token_hash text NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX password_links_by_user ON password_links (user_id);

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    key_hash text NOT NULL UNIQUE,
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    state text NOT NULL,
    address text NOT NULL,
    device text NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_by_user ON sessions (user_id, last_seen_at);

-- One row for each attempt to log in: the history of a user, and what slows guessing down. The account is kept as a
-- hash, because an unknown address may be somebody's.
CREATE TABLE login_attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid REFERENCES workspaces (id),
    user_id uuid,
    account_hash text NOT NULL,
    address text NOT NULL,
    device text NOT NULL,
    succeeded boolean NOT NULL,
    at timestamptz NOT NULL,
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX login_attempts_by_account ON login_attempts (account_hash, at);
CREATE INDEX login_attempts_by_address ON login_attempts (address, at);
CREATE INDEX login_attempts_by_user ON login_attempts (user_id, at);

CREATE TABLE contacts (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT contacts_email UNIQUE (workspace_id, email_key)
);

CREATE TABLE conversations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    number bigint NOT NULL,
    channel_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    subject text NOT NULL,
    preview text NOT NULL,
    status text NOT NULL,
    priority integer NOT NULL,
    assignee_id uuid,
    team_id uuid,
    snoozed_until timestamptz,
    woken_at timestamptz,
    waiting_since timestamptz,
    last_activity_at timestamptz NOT NULL,
    closed_at timestamptz,
    continues bigint,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
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
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL,
    conversation_id bigint NOT NULL,
    kind text NOT NULL,
    author_id uuid,
    body text NOT NULL,
    html text,
    email_message_id text,
    outbox_id uuid,
    created_at timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, author_id) REFERENCES users (workspace_id, id)
);
CREATE INDEX messages_by_conversation ON messages (workspace_id, conversation_id, id);
CREATE INDEX messages_by_email ON messages (workspace_id, email_message_id) WHERE email_message_id IS NOT NULL;

CREATE TABLE attachments (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    message_id bigint NOT NULL,
    file_name text NOT NULL,
    content_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX attachments_by_message ON attachments (workspace_id, message_id);

-- Every mail that came in, once: what was made of it, or why it could not be read.
CREATE TABLE received_mails (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    sha256 text NOT NULL,
    size bigint NOT NULL,
    message_id bigint,
    problem text,
    received_at timestamptz NOT NULL,
    CONSTRAINT received_mails_once UNIQUE (workspace_id, channel_id, sha256),
    FOREIGN KEY (workspace_id, channel_id) REFERENCES channels (workspace_id, id),
    FOREIGN KEY (workspace_id, message_id) REFERENCES messages (workspace_id, id)
);
CREATE INDEX received_mails_quarantined ON received_mails (workspace_id, received_at) WHERE problem IS NOT NULL;

CREATE TABLE conversation_reads (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    conversation_id bigint NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, conversation_id),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);

CREATE TABLE tags (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    name text NOT NULL,
    name_key text NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT tags_name UNIQUE (workspace_id, name_key)
);

CREATE TABLE conversation_tags (
    workspace_id uuid NOT NULL,
    conversation_id bigint NOT NULL,
    tag_id uuid NOT NULL,
    PRIMARY KEY (conversation_id, tag_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, tag_id) REFERENCES tags (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX conversation_tags_by_tag ON conversation_tags (workspace_id, tag_id, conversation_id);

CREATE TABLE bulk_jobs (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    kind text NOT NULL,
    cause text NOT NULL,
    subject_id uuid,
    undoes uuid,
    filter text NOT NULL,
    target text NOT NULL,
    state text NOT NULL,
    expected bigint,
    total bigint NOT NULL,
    done bigint NOT NULL,
    skipped bigint NOT NULL,
    started_by uuid,
    submission text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    undo_until timestamptz NOT NULL,
    UNIQUE (workspace_id, id),
    CONSTRAINT bulk_jobs_submission UNIQUE (workspace_id, submission),
    CONSTRAINT bulk_jobs_undoes UNIQUE (workspace_id, undoes)
);
CREATE INDEX bulk_jobs_by_time ON bulk_jobs (workspace_id, created_at);

CREATE TABLE bulk_items (
    workspace_id uuid NOT NULL,
    job_id uuid NOT NULL,
    position bigint NOT NULL,
    conversation_id bigint NOT NULL,
    to_user_id uuid,
    to_team_id uuid,
    from_user_id uuid,
    from_team_id uuid,
    expected_version bigint,
    outcome text NOT NULL,
    version_after bigint,
    PRIMARY KEY (job_id, position),
    FOREIGN KEY (workspace_id, job_id) REFERENCES bulk_jobs (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX bulk_items_by_outcome ON bulk_items (job_id, outcome, position);

-- What happened, for good: ids and plain values only, so that deleting a person needs no rewriting.
CREATE TABLE audit_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    cause text,
    job_id uuid,
    name text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid,
    conversation_id bigint,
    from_user_id uuid,
    to_user_id uuid,
    from_team_id uuid,
    to_team_id uuid,
    details text NOT NULL,
    address text,
    request_id text
);
CREATE INDEX audit_events_by_subject ON audit_events (workspace_id, subject_id, id);
CREATE INDEX audit_events_by_conversation ON audit_events (workspace_id, conversation_id, id)
    WHERE conversation_id IS NOT NULL;

CREATE TABLE outbox (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    kind text NOT NULL,
    to_name text NOT NULL,
    to_address text NOT NULL,
    from_name text NOT NULL,
    from_address text,
    subject text NOT NULL,
    text_body text NOT NULL,
    html_body text NOT NULL,
    email_message_id text NOT NULL,
    in_reply_to text,
    email_references text NOT NULL,
    state text NOT NULL,
    attempts integer NOT NULL,
    problem text,
    next_try_at timestamptz NOT NULL,
    locked_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    UNIQUE (workspace_id, id)
);
CREATE INDEX outbox_by_time ON outbox (workspace_id, created_at);
CREATE INDEX outbox_due ON outbox (next_try_at) WHERE state = 'queued';

-- Work for later. A row is claimed by moving locked_until ahead and is deleted when it is done.
CREATE TABLE tasks (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    kind text NOT NULL,
    subject_id uuid NOT NULL,
    run_at timestamptz NOT NULL,
    locked_until timestamptz,
    attempts integer NOT NULL,
    problem text,
    created_at timestamptz NOT NULL
);
CREATE INDEX tasks_due ON tasks (run_at);

-- How many conversations stand where. Kept by triggers, so that no change can forget it and no page has to count a
-- million rows. Changes are appended as differences and summed when read, so that two transactions never wait for one
-- row; a task folds them together now and then. The zero uuid means "nobody"; the channel is kept only where neither a
-- person nor a team holds the conversation.
CREATE TABLE conversation_counts (
    workspace_id uuid NOT NULL,
    status text NOT NULL,
    assignee_id uuid NOT NULL,
    team_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    conversations bigint NOT NULL
);
CREATE INDEX conversation_counts_by_workspace ON conversation_counts (workspace_id, status);

CREATE FUNCTION conversations_count_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversation_counts
    SELECT workspace_id, status, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'),
           coalesce(team_id, '00000000-0000-0000-0000-000000000000'),
           CASE WHEN assignee_id IS NULL AND team_id IS NULL THEN channel_id
                ELSE '00000000-0000-0000-0000-000000000000' END, count(*)
    FROM new_rows GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;

CREATE FUNCTION conversations_count_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversation_counts
    SELECT workspace_id, status, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'),
           coalesce(team_id, '00000000-0000-0000-0000-000000000000'),
           CASE WHEN assignee_id IS NULL AND team_id IS NULL THEN channel_id
                ELSE '00000000-0000-0000-0000-000000000000' END, -count(*)
    FROM old_rows GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;

CREATE FUNCTION conversations_count_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO conversation_counts
    SELECT workspace_id, status, assignee_id, team_id, channel_id, sum(n) FROM (
        SELECT workspace_id, status, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000') AS assignee_id,
               coalesce(team_id, '00000000-0000-0000-0000-000000000000') AS team_id,
               CASE WHEN assignee_id IS NULL AND team_id IS NULL THEN channel_id
                    ELSE '00000000-0000-0000-0000-000000000000' END AS channel_id, 1 AS n
        FROM new_rows
        UNION ALL
        SELECT workspace_id, status, coalesce(assignee_id, '00000000-0000-0000-0000-000000000000'),
               coalesce(team_id, '00000000-0000-0000-0000-000000000000'),
               CASE WHEN assignee_id IS NULL AND team_id IS NULL THEN channel_id
                    ELSE '00000000-0000-0000-0000-000000000000' END, -1
        FROM old_rows
    ) AS changes
    GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0;
    RETURN NULL;
END $$;

CREATE TRIGGER conversations_count_insert AFTER INSERT ON conversations
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION conversations_count_insert();
CREATE TRIGGER conversations_count_delete AFTER DELETE ON conversations
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION conversations_count_delete();
CREATE TRIGGER conversations_count_update AFTER UPDATE ON conversations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION conversations_count_update();
