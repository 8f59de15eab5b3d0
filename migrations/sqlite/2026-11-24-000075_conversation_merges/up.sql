-- Where a conversation went on that is one with another.
ALTER TABLE conversations ADD COLUMN merged_into INTEGER;
CREATE INDEX conversations_merged ON conversations (workspace_id, merged_into) WHERE merged_into IS NOT NULL;
