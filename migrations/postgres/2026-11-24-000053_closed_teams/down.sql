ALTER TABLE channels DROP COLUMN former_team_id;
ALTER TABLE teams DROP COLUMN closed_to;
ALTER TABLE teams DROP COLUMN closed_job;
ALTER TABLE teams DROP COLUMN closed_at;
