-- Accounts are applied by turns. Up to the position in the table setting, all is applied; of an account that is here,
-- all up to this later one.
CREATE TABLE ahead (
    account  INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;
