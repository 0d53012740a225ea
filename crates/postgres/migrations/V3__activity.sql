-- What was done, by the minute since 1970: what charts are made of. Lists are applied side by side, so each has rows
-- of its own.
CREATE TABLE activity (
    account     bigint NOT NULL,
    minute      bigint NOT NULL,
    list        bigint NOT NULL,
    created     bigint NOT NULL,
    updated     bigint NOT NULL,
    unchanged   bigint NOT NULL,
    removed     bigint NOT NULL,
    failed      bigint NOT NULL,
    applied     bigint NOT NULL,
    accepted    bigint NOT NULL,
    delivered   bigint NOT NULL,
    undelivered bigint NOT NULL,
    PRIMARY KEY (account, minute, list)
) WITH (fillfactor = 50);
CREATE INDEX activity_minute ON activity (minute);

-- What the last attempt of a webhook met with, see DeliveryEnd, and when.
ALTER TABLE delivery ADD COLUMN last_end bigint;
ALTER TABLE delivery ADD COLUMN last_at bigint;
