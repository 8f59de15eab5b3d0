-- What a person was called and where they were reached before: mails about them that went to others name them so. Kept
-- until they are deleted or unlinked, which erases those mails, and shown nowhere.
CREATE TABLE former_names (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    email text NOT NULL,
    full_name text NOT NULL,
    display_name text NOT NULL,
    PRIMARY KEY (user_id, email, full_name, display_name),
    FOREIGN KEY (workspace_id, user_id) REFERENCES users (workspace_id, id) ON DELETE CASCADE
);
