-- What people set for themselves (U-15): the language of the interface, and whether single letters are shortcuts.
ALTER TABLE users ADD COLUMN language TEXT;
ALTER TABLE users ADD COLUMN shortcuts BOOLEAN NOT NULL DEFAULT TRUE;
