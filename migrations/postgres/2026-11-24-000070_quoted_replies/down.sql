ALTER TABLE channel_mail DROP COLUMN quotes;
