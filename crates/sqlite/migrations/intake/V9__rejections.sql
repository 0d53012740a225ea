-- Requests that were rejected, counted by the hour. token: the public part. No bodies and no texts: these may hold
-- personal data.
CREATE TABLE rejection (
    account INTEGER NOT NULL,
    hour    INTEGER NOT NULL,
    token   TEXT NOT NULL,
    method  TEXT NOT NULL,
    status  INTEGER NOT NULL,
    code    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (account, hour, token, method, status, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejection_hour ON rejection (hour);
