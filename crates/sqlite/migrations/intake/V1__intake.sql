-- The front half of a store (PATH.intake): who may send, what lists there are, and the batches that wait.
-- It is written in small commits only, so that accepting a batch and making a list never wait for applying.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    no              INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    enabled         INTEGER NOT NULL DEFAULT 1,
    -- Standard Webhooks secrets in their text form; the previous one signs too until its time is up.
    webhook_secret  TEXT NOT NULL,
    previous_secret TEXT,
    previous_until  INTEGER,
    created_at      INTEGER NOT NULL
) STRICT;

-- Users and tokens outlive their account, so that a token of a removed account is told so.
CREATE TABLE user (
    no         INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    account    INTEGER NOT NULL,
    name       TEXT NOT NULL,
    enabled    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX user_account ON user (account);

CREATE TABLE token (
    key         TEXT PRIMARY KEY,
    -- SHA-256 of the secret part, which has 256 random bits of its own.
    secret_hash BLOB NOT NULL,
    user        INTEGER NOT NULL REFERENCES user (no),
    name        TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER,
    revoked_at  INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX token_user ON token (user);

CREATE TABLE list (
    no            INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL UNIQUE,
    account       INTEGER NOT NULL,
    name          TEXT NOT NULL,
    is_default    INTEGER NOT NULL,
    -- Numbers of variables are never given twice: contacts refer to them.
    next_variable INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX list_account ON list (account);

CREATE TABLE variable (
    list   INTEGER NOT NULL REFERENCES list (no),
    number INTEGER NOT NULL,
    name   TEXT NOT NULL,
    type   TEXT NOT NULL CHECK (type IN ('string', 'date')),
    PRIMARY KEY (list, number),
    UNIQUE (list, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    no                 INTEGER PRIMARY KEY AUTOINCREMENT,
    id                 BLOB NOT NULL UNIQUE,
    account            INTEGER NOT NULL,
    name               TEXT NOT NULL,
    customer_source_id TEXT,
    cac                BLOB,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    UNIQUE (account, name),
    UNIQUE (account, customer_source_id)
) STRICT;

-- AUTOINCREMENT: a position is never given twice, even when the table has run empty.
CREATE TABLE batch (
    position         INTEGER PRIMARY KEY AUTOINCREMENT,
    request          BLOB NOT NULL UNIQUE,
    account          INTEGER NOT NULL,
    list             INTEGER NOT NULL,
    list_id          BLOB NOT NULL,
    token            TEXT NOT NULL,
    kind             INTEGER NOT NULL,
    accepted_at      INTEGER NOT NULL,
    webhook          TEXT,
    webhook_receiver TEXT,
    -- CRC-32 of the items: SQLite does not notice a page that the disk has changed.
    items_check      INTEGER NOT NULL,
    items            BLOB NOT NULL
) STRICT;
