-- Whether replies repeat the message that they answer, below the signature.
ALTER TABLE channel_mail ADD COLUMN quotes boolean NOT NULL DEFAULT false;
