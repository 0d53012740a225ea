-- The back half of a store (PATH): contacts, the results of requests, and the webhooks that are to leave.
-- It is written in large transactions, each with the journal position that it has reached.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

-- id: the list's number times 2^40, plus the contact's number in the list.
-- A list's contacts lie together, in the order in which they were made.
CREATE TABLE contact (
    id       INTEGER PRIMARY KEY,
    document BLOB NOT NULL
) STRICT;

-- hash: keyed, over list, kind and identifier. It is not unique; the document decides.
CREATE TABLE identifier (
    hash   INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (hash, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE list (
    list     INTEGER PRIMARY KEY,
    -- The number of the next contact: never given twice.
    next     INTEGER NOT NULL,
    contacts INTEGER NOT NULL
) STRICT;

-- The identifiers that a contact had until an item of a batch changed them: results told before show these.
CREATE TABLE former_identifiers (
    contact     INTEGER NOT NULL,
    position    INTEGER NOT NULL,
    item        INTEGER NOT NULL,
    identifiers BLOB NOT NULL,
    PRIMARY KEY (contact, position, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX former_identifiers_position ON former_identifiers (position);

CREATE TABLE request (
    position     INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    account      INTEGER NOT NULL,
    list         INTEGER NOT NULL,
    list_id      BLOB NOT NULL,
    kind         INTEGER NOT NULL,
    accepted_at  INTEGER NOT NULL,
    processed_at INTEGER NOT NULL,
    results      BLOB NOT NULL,
    webhook      TEXT
) STRICT;
CREATE INDEX request_processed_at ON request (processed_at);

-- One row per request with a webhook. state: 0 pending, 1 delivered, 2 failed.
CREATE TABLE delivery (
    position INTEGER PRIMARY KEY,
    receiver TEXT NOT NULL,
    state    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_pending ON delivery (receiver, next_at) WHERE state = 0;
