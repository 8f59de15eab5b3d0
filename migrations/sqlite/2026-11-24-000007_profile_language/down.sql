ALTER TABLE users DROP COLUMN shortcuts;
ALTER TABLE users DROP COLUMN language;
