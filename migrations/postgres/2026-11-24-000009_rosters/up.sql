-- Raised with every change of who and what a workspace has: its people and their standing, teams, channels, tags, roles. What was
-- read of them holds as long as the stamp stands.
CREATE TABLE rosters (
    workspace_id UUID NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    stamp BIGINT NOT NULL
);
INSERT INTO rosters (workspace_id, stamp) SELECT id, 1 FROM workspaces;
CREATE FUNCTION rosters_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rosters (workspace_id, stamp) VALUES (NEW.id, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER workspaces_roster AFTER INSERT ON workspaces FOR EACH ROW EXECUTE FUNCTION rosters_begin();
-- At the very end of a transaction, so that its lock is the last one and held for a moment only; and once for each transaction.
CREATE FUNCTION rosters_raise() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.workspace_id ELSE NEW.workspace_id END;
BEGIN
    IF current_setting('baton.roster', true) IS DISTINCT FROM changed::text THEN
        UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = changed;
        PERFORM set_config('baton.roster', changed::text, true);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER users_roster_insert AFTER INSERT ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER users_roster_update AFTER UPDATE OF full_name, display_name, name_key, status, status_changed_at ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER users_roster_delete AFTER DELETE ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER teams_roster_insert AFTER INSERT ON teams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER teams_roster_update AFTER UPDATE ON teams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER teams_roster_delete AFTER DELETE ON teams
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channels_roster_insert AFTER INSERT ON channels
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channels_roster_update AFTER UPDATE ON channels
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channels_roster_delete AFTER DELETE ON channels
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER tags_roster_insert AFTER INSERT ON tags
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER tags_roster_update AFTER UPDATE ON tags
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER tags_roster_delete AFTER DELETE ON tags
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER roles_roster_insert AFTER INSERT ON roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER roles_roster_update AFTER UPDATE ON roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER roles_roster_delete AFTER DELETE ON roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER role_permissions_roster_insert AFTER INSERT ON role_permissions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER role_permissions_roster_update AFTER UPDATE ON role_permissions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER role_permissions_roster_delete AFTER DELETE ON role_permissions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER user_roles_roster_insert AFTER INSERT ON user_roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER user_roles_roster_update AFTER UPDATE ON user_roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER user_roles_roster_delete AFTER DELETE ON user_roles
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER team_members_roster_insert AFTER INSERT ON team_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER team_members_roster_update AFTER UPDATE ON team_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER team_members_roster_delete AFTER DELETE ON team_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channel_members_roster_insert AFTER INSERT ON channel_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channel_members_roster_update AFTER UPDATE ON channel_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
CREATE CONSTRAINT TRIGGER channel_members_roster_delete AFTER DELETE ON channel_members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rosters_raise();
