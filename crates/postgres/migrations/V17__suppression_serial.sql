-- Each change that adds suppressions to an account has a number, and its rows have it too. What a node knows of suppressed
-- addresses in memory continues from there.
ALTER TABLE suppression ADD COLUMN serial bigint NOT NULL DEFAULT 0;
CREATE INDEX suppression_serial ON suppression (list, serial);

-- The last number of each account: changes are made one after the other.
CREATE TABLE suppression_change (
    list   bigint PRIMARY KEY,
    serial bigint NOT NULL
);
INSERT INTO suppression_change (list, serial) SELECT DISTINCT list, 0 FROM suppression;
