-- Raised with every change of who and what a workspace has: its people and their standing, teams, channels, tags, roles. What was
-- read of them holds as long as the stamp stands.
CREATE TABLE rosters (
    workspace_id BLOB NOT NULL PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
    stamp INTEGER NOT NULL
);
INSERT INTO rosters (workspace_id, stamp) SELECT id, 1 FROM workspaces;
CREATE TRIGGER workspaces_roster AFTER INSERT ON workspaces BEGIN
    INSERT INTO rosters (workspace_id, stamp) VALUES (NEW.id, 1);
END;
CREATE TRIGGER users_roster_insert AFTER INSERT ON users BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER users_roster_update AFTER UPDATE OF full_name, display_name, name_key, status, status_changed_at ON users BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER users_roster_delete AFTER DELETE ON users BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER teams_roster_insert AFTER INSERT ON teams BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER teams_roster_update AFTER UPDATE ON teams BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER teams_roster_delete AFTER DELETE ON teams BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER channels_roster_insert AFTER INSERT ON channels BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER channels_roster_update AFTER UPDATE ON channels BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER channels_roster_delete AFTER DELETE ON channels BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER tags_roster_insert AFTER INSERT ON tags BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER tags_roster_update AFTER UPDATE ON tags BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER tags_roster_delete AFTER DELETE ON tags BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER roles_roster_insert AFTER INSERT ON roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER roles_roster_update AFTER UPDATE ON roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER roles_roster_delete AFTER DELETE ON roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER role_permissions_roster_insert AFTER INSERT ON role_permissions BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER role_permissions_roster_update AFTER UPDATE ON role_permissions BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER role_permissions_roster_delete AFTER DELETE ON role_permissions BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER user_roles_roster_insert AFTER INSERT ON user_roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER user_roles_roster_update AFTER UPDATE ON user_roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER user_roles_roster_delete AFTER DELETE ON user_roles BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER team_members_roster_insert AFTER INSERT ON team_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER team_members_roster_update AFTER UPDATE ON team_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER team_members_roster_delete AFTER DELETE ON team_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
CREATE TRIGGER channel_members_roster_insert AFTER INSERT ON channel_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER channel_members_roster_update AFTER UPDATE ON channel_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER channel_members_roster_delete AFTER DELETE ON channel_members BEGIN
    UPDATE rosters SET stamp = stamp + 1 WHERE workspace_id = OLD.workspace_id;
END;
