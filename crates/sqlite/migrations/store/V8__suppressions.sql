-- Addresses that must not be written to. hash: keyed, of the account and the address, as in the table erased. reason: see
-- contact::suppression. address, raw_log: null once the person is erased. Rows are looked up by the index alone.
CREATE TABLE suppression (
    no         INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL,
    hash       BLOB NOT NULL,
    reason     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    address    TEXT,
    raw_log    TEXT,
    UNIQUE (account, hash, reason)
) STRICT;
CREATE INDEX suppression_created_at ON suppression (account, created_at, hash, reason);
CREATE INDEX suppression_expires_at ON suppression (expires_at) WHERE expires_at IS NOT NULL;
