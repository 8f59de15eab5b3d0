-- The chain that makes a change of the audit trail evident: each event gets a number and the hash of itself and of the
-- hash before it. Written some instants after the event, by a task of its own.
ALTER TABLE audit_events ADD COLUMN seq INTEGER;
ALTER TABLE audit_events ADD COLUMN hash TEXT;
CREATE UNIQUE INDEX audit_events_chain ON audit_events (workspace_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_events_unsealed ON audit_events (workspace_id, id) WHERE seq IS NULL;
CREATE INDEX audit_events_by_time ON audit_events (workspace_id, at, id);
CREATE INDEX audit_events_by_actor ON audit_events (workspace_id, actor_id, at, id);

-- Where each workspace's chain ends.
CREATE TABLE audit_chains (
    workspace_id BLOB NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    sealed INTEGER NOT NULL,
    hash TEXT NOT NULL
);
