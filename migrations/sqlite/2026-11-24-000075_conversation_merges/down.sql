DROP INDEX conversations_merged;
ALTER TABLE conversations DROP COLUMN merged_into;
