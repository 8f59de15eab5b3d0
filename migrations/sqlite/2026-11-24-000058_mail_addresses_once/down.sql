DROP INDEX channels_mail;
ALTER TABLE channels DROP COLUMN mail_key;
