-- The words of each conversation: of its subject, its messages and notes, its contact. Which they are is the program's
-- rule (src/domain/search.rs), so that both databases find the same; docs/decisions says why.
CREATE TABLE search_documents (
    conversation_id BIGINT NOT NULL PRIMARY KEY,
    workspace_id UUID NOT NULL,
    words TSVECTOR NOT NULL,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);
CREATE INDEX search_documents_by_word ON search_documents USING GIN (words);
