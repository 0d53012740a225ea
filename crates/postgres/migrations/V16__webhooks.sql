-- Account webhooks, and how far each has come in the changes of its account's contacts. events: names, as JSON. parallel:
-- whether several messages may be out at a time. batch: events of a message at most. cursor: behind the last event that
-- was delivered. attempts: failed ones of the message that is due. paused_end: why it is paused, see DeliveryEnd.
-- skipped_at: when changes were left out, since they were not stored any more. lease: raised by each claim. node: who
-- works it; it counts for as long as that node is heard of.
CREATE TABLE webhook (
    account       bigint NOT NULL,
    no            bigint NOT NULL,
    title         text NOT NULL,
    uri           text NOT NULL,
    receiver      text NOT NULL,
    events        text NOT NULL,
    domain        text,
    parallel      boolean NOT NULL,
    batch         bigint NOT NULL,
    created_at    bigint NOT NULL,
    cursor        bytea NOT NULL,
    attempts      bigint NOT NULL,
    next_at       bigint NOT NULL,
    failing_since bigint,
    paused_at     bigint,
    paused_end    bigint,
    skipped_at    bigint,
    lease         bigint NOT NULL,
    node          bytea,
    PRIMARY KEY (account, no)
);
