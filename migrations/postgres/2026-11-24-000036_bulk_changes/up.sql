-- What a conversation was before a bulk change of something else than its holder, so that it can be put back.
ALTER TABLE bulk_items ADD COLUMN kept_status TEXT;
ALTER TABLE bulk_items ADD COLUMN kept_snoozed_until TIMESTAMPTZ;
ALTER TABLE bulk_items ADD COLUMN kept_closed_at TIMESTAMPTZ;
ALTER TABLE bulk_items ADD COLUMN kept_priority INTEGER;
