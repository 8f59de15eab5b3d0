-- Lists under a name: whose they are, who is shown them, and the query of their address.
CREATE TABLE saved_views (
    id UUID NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    query TEXT NOT NULL,
    audience TEXT NOT NULL,
    team_id UUID,
    owner_id UUID NOT NULL,
    version BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id) ON DELETE CASCADE,
    FOREIGN KEY (workspace_id, owner_id) REFERENCES users (workspace_id, id)
);
CREATE INDEX saved_views_by_name ON saved_views (workspace_id, name_key, id);
-- They stand beside every list, so they belong to the roster.
CREATE CONSTRAINT TRIGGER saved_views_roster_insert AFTER INSERT ON saved_views
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER saved_views_roster_update AFTER UPDATE ON saved_views
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER saved_views_roster_delete AFTER DELETE ON saved_views
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
