-- The tags of a page's conversations are found by conversation. An index that begins with the workspace looks as good to a
-- planner without statistics, and reads every tag there is.
DROP INDEX conversation_tags_by_tag;
CREATE INDEX conversation_tags_by_tag ON conversation_tags (tag_id, conversation_id);
