ALTER TABLE channels DROP COLUMN version;
ALTER TABLE channels DROP COLUMN default_user_id;
