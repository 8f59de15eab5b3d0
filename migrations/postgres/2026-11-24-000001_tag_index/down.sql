DROP INDEX conversation_tags_by_tag;
CREATE INDEX conversation_tags_by_tag ON conversation_tags (workspace_id, tag_id, conversation_id);
