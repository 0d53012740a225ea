-- Rows that each batch rewrites have their number in the key: the newest version is the last in the index, and is found
-- without the older ones, also where a transaction that stays open keeps these from being vacuumed.
ALTER TABLE queue DROP CONSTRAINT queue_pkey;
ALTER TABLE queue ADD CONSTRAINT queue_pkey PRIMARY KEY (list, last);
ALTER TABLE progress DROP CONSTRAINT progress_pkey;
ALTER TABLE progress ADD CONSTRAINT progress_pkey PRIMARY KEY (list, next);

-- Their size says nothing about how many dead rows they have.
ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE progress SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE batch SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0);
