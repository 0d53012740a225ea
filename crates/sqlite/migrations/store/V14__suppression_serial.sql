-- Each change that adds suppressions to an account has a number, and its rows have it too. What the server knows of
-- suppressed addresses in memory continues from there.
ALTER TABLE suppression ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
CREATE INDEX suppression_serial ON suppression (account, serial);

-- The last number of each account.
CREATE TABLE suppression_change (
    account INTEGER PRIMARY KEY,
    serial  INTEGER NOT NULL
) STRICT;
INSERT INTO suppression_change (account, serial) SELECT DISTINCT account, 0 FROM suppression;
