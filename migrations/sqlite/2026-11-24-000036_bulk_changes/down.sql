ALTER TABLE bulk_items DROP COLUMN kept_priority;
ALTER TABLE bulk_items DROP COLUMN kept_closed_at;
ALTER TABLE bulk_items DROP COLUMN kept_snoozed_until;
ALTER TABLE bulk_items DROP COLUMN kept_status;
