-- What a command (`ingest-mail`, `user reset-password` …) changed while a server runs on the same file: which open pages
-- are to look again. The server takes the rows within half a second.
CREATE TABLE live_changes (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    signal TEXT NOT NULL
);
