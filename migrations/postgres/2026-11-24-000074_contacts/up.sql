-- Contacts are edited, have several addresses, and two that are one person become one.
ALTER TABLE contacts ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN name_key text NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE contacts ADD COLUMN merged_into uuid;
UPDATE contacts SET name_key = lower(name);
CREATE INDEX contacts_by_name ON contacts (workspace_id, name_key, id);
CREATE INDEX contacts_by_age ON contacts (workspace_id, created_at, id);

CREATE TABLE contact_merges (
    id uuid NOT NULL PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    kept_id uuid NOT NULL,
    merged_id uuid NOT NULL,
    merged_at timestamptz NOT NULL,
    undone_at timestamptz,
    FOREIGN KEY (workspace_id, kept_id) REFERENCES contacts (workspace_id, id),
    FOREIGN KEY (workspace_id, merged_id) REFERENCES contacts (workspace_id, id)
);
CREATE INDEX contact_merges_by_kept ON contact_merges (workspace_id, kept_id, merged_at);

-- What a merge moved, so that it can be put back.
CREATE TABLE contact_merge_conversations (
    merge_id uuid NOT NULL REFERENCES contact_merges (id),
    conversation_id bigint NOT NULL REFERENCES conversations (id),
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    PRIMARY KEY (merge_id, conversation_id)
);

CREATE TABLE contact_merge_addresses (
    merge_id uuid NOT NULL REFERENCES contact_merges (id),
    email_key text NOT NULL,
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    PRIMARY KEY (merge_id, email_key)
);

-- All addresses of a contact, the one that replies go to first.
CREATE TABLE contact_addresses (
    workspace_id uuid NOT NULL REFERENCES workspaces (id),
    email_key text NOT NULL,
    contact_id uuid NOT NULL,
    email text NOT NULL,
    position integer NOT NULL,
    CONSTRAINT contact_addresses_once PRIMARY KEY (workspace_id, email_key),
    FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id)
);
CREATE INDEX contact_addresses_by_contact ON contact_addresses (workspace_id, contact_id, position);
INSERT INTO contact_addresses (workspace_id, email_key, contact_id, email, position)
    SELECT workspace_id, email_key, id, email, 0 FROM contacts;
