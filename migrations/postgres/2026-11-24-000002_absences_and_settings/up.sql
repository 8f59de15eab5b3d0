-- Dated deactivations and returns (U-8), the rule for people who are not active any more (G-1), settings of the
-- workspace (W-4). Why somebody is or will be away stands in status_reason and status_note, whether they are already
-- away or not.

ALTER TABLE users ADD COLUMN status_note text;
ALTER TABLE users ADD COLUMN deactivates_at timestamptz;
ALTER TABLE users ADD COLUMN deactivation_refused_at timestamptz;
ALTER TABLE users ADD COLUMN returns_at timestamptz;
ALTER TABLE users ADD COLUMN absence_plan text;
ALTER TABLE users ADD COLUMN absence_set_by uuid;
ALTER TABLE users ADD COLUMN inactivity_warned_at timestamptz;
CREATE INDEX users_deactivating ON users (deactivates_at) WHERE deactivates_at IS NOT NULL;
CREATE INDEX users_returning ON users (returns_at) WHERE returns_at IS NOT NULL;

ALTER TABLE workspaces ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE workspaces ADD COLUMN retention_years integer;
ALTER TABLE workspaces ADD COLUMN retention_deletes boolean NOT NULL DEFAULT FALSE;
ALTER TABLE workspaces ADD COLUMN inactivity_days integer;
ALTER TABLE workspaces ADD COLUMN inactivity_roles text NOT NULL DEFAULT '[]';
ALTER TABLE workspaces ADD COLUMN inactivity_next_at timestamptz;
CREATE INDEX workspaces_inactivity ON workspaces (inactivity_next_at) WHERE inactivity_next_at IS NOT NULL;
