-- Unsent answers: one for each user and conversation (C-12). `version` and `composer` tell an open window whether what it shows is what is
-- kept; `begun_by` is whose draft it was before somebody took it over.
CREATE TABLE drafts (
    workspace_id uuid NOT NULL,
    conversation_id bigint NOT NULL,
    author_id uuid NOT NULL,
    is_note boolean NOT NULL,
    body text NOT NULL,
    version bigint NOT NULL,
    composer text NOT NULL,
    begun_by uuid,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, conversation_id, author_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, author_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX drafts_by_author ON drafts (workspace_id, author_id, updated_at, conversation_id);
