-- Raised with every change, so that a stale form is noticed.
ALTER TABLE roles ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
