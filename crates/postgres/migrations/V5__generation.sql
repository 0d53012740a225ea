-- How often a webhook was sent again by hand. An attempt that was out meanwhile does not end the new ones.
ALTER TABLE delivery ADD COLUMN generation bigint NOT NULL DEFAULT 0;
