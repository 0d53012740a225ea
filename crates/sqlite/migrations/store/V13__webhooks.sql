-- Account webhooks, and how far each has come in the changes of its account's contacts. events: names, as JSON. parallel:
-- whether several messages may be out at a time. batch: events of a message at most. cursor: behind the last event that
-- was delivered. attempts: failed ones of the message that is due. paused_end: why it is paused, see DeliveryEnd.
-- skipped_at: when changes were left out, since they were not stored any more.
CREATE TABLE webhook (
    account       INTEGER NOT NULL,
    no            INTEGER NOT NULL,
    title         TEXT NOT NULL,
    uri           TEXT NOT NULL,
    receiver      TEXT NOT NULL,
    events        TEXT NOT NULL,
    domain        TEXT,
    parallel      INTEGER NOT NULL,
    batch         INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    cursor        BLOB NOT NULL,
    attempts      INTEGER NOT NULL,
    next_at       INTEGER NOT NULL,
    failing_since INTEGER,
    paused_at     INTEGER,
    paused_end    INTEGER,
    skipped_at    INTEGER,
    lease         INTEGER NOT NULL,
    PRIMARY KEY (account, no)
) STRICT, WITHOUT ROWID;
