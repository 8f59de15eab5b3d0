-- What people set for themselves (U-15): the language of the interface, and whether single letters are shortcuts.
ALTER TABLE users ADD COLUMN language text;
ALTER TABLE users ADD COLUMN shortcuts boolean NOT NULL DEFAULT TRUE;
