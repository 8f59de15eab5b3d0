-- Failures that a new password made good: they stay in the history and slow nobody down any more.
ALTER TABLE login_attempts ADD COLUMN forgiven boolean NOT NULL DEFAULT false;
-- What else is slowed down: links for forgotten passwords, and typing one's password again. Nothing but hashes of who and
-- where, for as long as they count.
CREATE TABLE knocks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_hash text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX knocks_by_key ON knocks (key_hash, at);
CREATE INDEX knocks_by_time ON knocks (at);
