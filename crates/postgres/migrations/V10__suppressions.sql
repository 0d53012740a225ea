-- Addresses that must not be written to. list: minus the account's number. hash: keyed, of the account and the address,
-- as in the table erased. reason: see contact::suppression. address, raw_log: null once the person is erased.
CREATE TABLE suppression (
    list       bigint NOT NULL,
    hash       bytea NOT NULL,
    reason     bigint NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    address    text,
    raw_log    text,
    PRIMARY KEY (list, hash, reason)
);
CREATE INDEX suppression_created_at ON suppression (list, created_at, hash, reason);
CREATE INDEX suppression_expires_at ON suppression (expires_at) WHERE expires_at IS NOT NULL;
