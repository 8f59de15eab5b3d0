-- Who gets a channel's new conversations, if it is a person, and a version by which two who edit it at once are told apart.
ALTER TABLE channels ADD COLUMN default_user_id uuid REFERENCES users (id);
ALTER TABLE channels ADD COLUMN version bigint NOT NULL DEFAULT 1;
