-- Lists under a name: whose they are, who is shown them, and the query of their address.
CREATE TABLE saved_views (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    query TEXT NOT NULL,
    audience TEXT NOT NULL,
    team_id BLOB,
    owner_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, owner_id) REFERENCES users (workspace_id, id)
);
CREATE INDEX saved_views_by_name ON saved_views (workspace_id, name_key, id);
-- They stand beside every list, so they belong to the roster.
CREATE TRIGGER saved_views_roster_insert AFTER INSERT ON saved_views BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER saved_views_roster_update AFTER UPDATE ON saved_views BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER saved_views_roster_delete AFTER DELETE ON saved_views BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
