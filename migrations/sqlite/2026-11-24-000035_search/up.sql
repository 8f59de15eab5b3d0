-- The words of each conversation: of its subject, its messages and notes, its contact. Which they are is the program's
-- rule (src/domain/search.rs), so that both databases find the same; docs/decisions says why.
CREATE TABLE search_documents (
    conversation_id INTEGER NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    words TEXT NOT NULL,
    FOREIGN KEY (workspace_id, conversation_id) REFERENCES conversations (workspace_id, id) ON DELETE CASCADE
);

-- The words are words already, so the tokenizer only splits at spaces. What is taken out leaves no trace.
CREATE VIRTUAL TABLE search_words USING fts5(
    words, content='search_documents', content_rowid='conversation_id', columnsize=0, detail=none, tokenize='ascii'
);
INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_documents_delete AFTER DELETE ON search_documents BEGIN
    INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', OLD.conversation_id, OLD.words);
END;
