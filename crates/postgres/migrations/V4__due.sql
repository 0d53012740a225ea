-- Where webhooks are due. A row for each list and receiver with a delivery that is pending and that nobody has out;
-- next_at: when the first of them is due, or before. Whoever claims goes from receiver to receiver, whatever each has
-- waiting, and asks each list by itself: on Citus no statement can do that over all lists.
CREATE TABLE due (
    list     bigint NOT NULL,
    receiver text COLLATE "C" NOT NULL,
    next_at  bigint NOT NULL,
    PRIMARY KEY (receiver, list)
) WITH (fillfactor = 50);
INSERT INTO due SELECT list, receiver, min(next_at) FROM delivery WHERE state = 0 AND node IS NULL
    GROUP BY list, receiver;

-- The deliveries behind such a row, the first that is due in front.
CREATE INDEX delivery_due ON delivery (list, receiver, next_at, position) WHERE state = 0 AND node IS NULL;
DROP INDEX delivery_pending;
