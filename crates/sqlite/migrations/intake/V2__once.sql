-- Whether a batch may bring people back who were erased.
ALTER TABLE batch ADD COLUMN restore_erased INTEGER NOT NULL DEFAULT 0;

-- Idempotency keys, written with their batch. warnings: those of its answer, as JSON.
CREATE TABLE once (
    account     INTEGER NOT NULL,
    list        INTEGER NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    request     BLOB NOT NULL,
    warnings    TEXT NOT NULL,
    used_at     INTEGER NOT NULL,
    PRIMARY KEY (account, list, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX once_used_at ON once (used_at);
