-- Failures that a new password made good: they stay in the history and slow nobody down any more.
ALTER TABLE login_attempts ADD COLUMN forgiven BOOLEAN NOT NULL DEFAULT 0;
-- What else is slowed down: links for forgotten passwords, and typing one's password again. Nothing but hashes of who and
-- where, for as long as they count.
CREATE TABLE knocks (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key_hash TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX knocks_by_key ON knocks (key_hash, at);
CREATE INDEX knocks_by_time ON knocks (at);
