-- What a command changed while a server runs on the same file: which open pages are to look again. Stays empty here:
-- PostgreSQL tells all instances itself (NOTIFY), with the commit.
CREATE TABLE live_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    signal text NOT NULL
);
