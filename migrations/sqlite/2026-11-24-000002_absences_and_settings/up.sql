-- Dated deactivations and returns (U-8), the rule for people who are not active any more (G-1), settings of the
-- workspace (W-4). Why somebody is or will be away stands in status_reason and status_note, whether they are already
-- away or not.

ALTER TABLE users ADD COLUMN status_note TEXT;
ALTER TABLE users ADD COLUMN deactivates_at INTEGER;
ALTER TABLE users ADD COLUMN deactivation_refused_at INTEGER;
ALTER TABLE users ADD COLUMN returns_at INTEGER;
ALTER TABLE users ADD COLUMN absence_plan TEXT;
ALTER TABLE users ADD COLUMN absence_set_by BLOB;
ALTER TABLE users ADD COLUMN inactivity_warned_at INTEGER;
CREATE INDEX users_deactivating ON users (deactivates_at) WHERE deactivates_at IS NOT NULL;
CREATE INDEX users_returning ON users (returns_at) WHERE returns_at IS NOT NULL;

ALTER TABLE workspaces ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE workspaces ADD COLUMN retention_years INTEGER;
ALTER TABLE workspaces ADD COLUMN retention_deletes BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE workspaces ADD COLUMN inactivity_days INTEGER;
ALTER TABLE workspaces ADD COLUMN inactivity_roles TEXT NOT NULL DEFAULT '[]';
ALTER TABLE workspaces ADD COLUMN inactivity_next_at INTEGER;
CREATE INDEX workspaces_inactivity ON workspaces (inactivity_next_at) WHERE inactivity_next_at IS NOT NULL;
