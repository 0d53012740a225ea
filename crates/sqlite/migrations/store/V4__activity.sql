-- What was done, by the minute since 1970: what charts are made of. One thread applies, so a row is enough for all
-- lists of an account.
CREATE TABLE activity (
    account     INTEGER NOT NULL,
    minute      INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    unchanged   INTEGER NOT NULL,
    removed     INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    applied     INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    delivered   INTEGER NOT NULL,
    undelivered INTEGER NOT NULL,
    PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_minute ON activity (minute);

-- What the last attempt of a webhook met with, see DeliveryEnd, and when.
ALTER TABLE delivery ADD COLUMN last_end INTEGER;
ALTER TABLE delivery ADD COLUMN last_at INTEGER;
