-- What each batch changed, see src/history.rs. One row a batch, at the end of the table: a contact's history is a
-- chain through the rows, from the position in the contact's header back.
CREATE TABLE history (
    position   INTEGER PRIMARY KEY,
    request    BLOB NOT NULL UNIQUE,
    account    INTEGER NOT NULL,
    list       INTEGER NOT NULL,
    list_id    BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    token      TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    changes    BLOB NOT NULL
) STRICT;
CREATE INDEX history_list ON history (list);

-- Where the history of a contact begins that was removed.
CREATE TABLE departed (
    contact  INTEGER PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT;
CREATE INDEX departed_position ON departed (position);

-- Who bore an identifier once, and until which position: the hash of the table identifier.
CREATE TABLE former_bearer (
    hash     INTEGER NOT NULL,
    contact  INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (hash, contact, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX former_bearer_position ON former_bearer (position);
CREATE INDEX former_bearer_contact ON former_bearer (contact);

-- Identifiers of people who were erased: a keyed hash is all that is kept of them.
CREATE TABLE erased (
    account   INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY (account, hash)
) STRICT, WITHOUT ROWID;

-- Accounts that had somebody erased, until nothing of it is left in the free pages of the files.
CREATE TABLE scrub (
    account INTEGER PRIMARY KEY
) STRICT;

-- How many items of a request failed. Results of failures hold what was asked for: erasing looks there.
ALTER TABLE request ADD COLUMN failed INTEGER NOT NULL DEFAULT 1;
CREATE INDEX request_failed ON request (account) WHERE failed > 0;
