-- Every attempt to send a webhook, for a week, and of an account the last ones only. webhook: the number of an account
-- webhook, 0 for the status webhook of a request. number: which attempt of its delivery it was, 0 for a test. met: see
-- DeliveryEnd. answer: the beginning of the receiver's answer; it may hold personal data, and goes when a person of the
-- account is erased.
CREATE TABLE delivery_attempt (
    account  INTEGER NOT NULL,
    id       BLOB NOT NULL,
    webhook  INTEGER NOT NULL,
    request  BLOB,
    uri      TEXT NOT NULL,
    receiver TEXT NOT NULL,
    number   INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    took     INTEGER NOT NULL,
    met      INTEGER NOT NULL,
    status   INTEGER,
    answer   TEXT
) STRICT;
CREATE UNIQUE INDEX delivery_attempt_id ON delivery_attempt (account, id);
CREATE INDEX delivery_attempt_at ON delivery_attempt (at);

-- Deliveries that were given up, by when: those that are to be sent again are looked for here.
CREATE INDEX delivery_failed ON delivery (last_at) WHERE state = 2;
-- When somebody of an account was erased last: the answers of attempts that were out then are not stored.
CREATE INDEX erased_at ON erased (account, erased_at);
