-- The open page that a message was sent from: a form that is posted twice sends once. `turn` counts what one page saves of a draft, so that
-- what it saved earlier and what arrives later is not taken for the latest.
ALTER TABLE messages ADD COLUMN composer TEXT;
CREATE UNIQUE INDEX messages_by_composer ON messages (workspace_id, composer) WHERE composer IS NOT NULL;
ALTER TABLE drafts ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
