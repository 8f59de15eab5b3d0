-- Unsent answers: one for each user and conversation (C-12). `version` and `composer` tell an open window whether what it shows is what is
-- kept; `begun_by` is whose draft it was before somebody took it over.
CREATE TABLE drafts (
    workspace_id BLOB NOT NULL,
    conversation_id INTEGER NOT NULL,
    author_id BLOB NOT NULL,
    is_note BOOLEAN NOT NULL,
    body TEXT NOT NULL,
    version INTEGER NOT NULL,
    composer TEXT NOT NULL,
    begun_by BLOB,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, conversation_id, author_id),
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, author_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX drafts_by_author ON drafts (workspace_id, author_id, updated_at, conversation_id);
