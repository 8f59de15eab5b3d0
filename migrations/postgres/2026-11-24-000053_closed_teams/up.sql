-- A team that is deleted is closed at once; its row stays until its conversations have moved and can't be put back any more.
ALTER TABLE teams ADD COLUMN closed_at timestamptz;
ALTER TABLE teams ADD COLUMN closed_job uuid;
ALTER TABLE teams ADD COLUMN closed_to uuid;
-- The team that a channel sent its conversations to before that one was closed.
ALTER TABLE channels ADD COLUMN former_team_id uuid;
