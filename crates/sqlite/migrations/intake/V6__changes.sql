-- The last changes of the catalogue, by its version: whose they are. A version that is not here was of any account.
CREATE TABLE catalogue_change (
    version INTEGER PRIMARY KEY,
    account INTEGER NOT NULL
) STRICT;
