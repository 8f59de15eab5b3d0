CREATE INDEX login_attempts_by_address ON login_attempts (address, at);
DROP INDEX login_attempts_by_network;
ALTER TABLE login_attempts DROP COLUMN network;
