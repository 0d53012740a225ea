-- The members of segments. segment_feed: how far each list with segments has come; step: raised by each write; saved: a
-- checksum of its saved filters; suppressed: the last change of suppressions that was read, if a filter asks for them;
-- due: the first time of segment_due. followed_segment: what is followed, by a number that is given once in a list; hash: of the
-- filter; scanned: while the first membership is computed, the last contact that was read. segment_block: a bit for each
-- member among 2,048 contacts. segment_due: when a contact that does not change enters or leaves. segment_event: who
-- joined or left; its list is the negative number of the account, and number is 0 after an erasure. segment_serial: the
-- last number of an event of the account. segment_day: counts at the end of a day, and who joined or left during it.
CREATE TABLE segment_feed (
    list       bigint PRIMARY KEY,
    account    bigint NOT NULL,
    step       bigint NOT NULL,
    cursor     bytea NOT NULL,
    saved      bigint NOT NULL,
    suppressed bigint,
    next_no    bigint NOT NULL,
    building   boolean NOT NULL,
    due        bigint
);
CREATE TABLE followed_segment (
    list    bigint NOT NULL,
    no      bigint NOT NULL,
    segment bytea NOT NULL,
    hash    bigint NOT NULL,
    scanned bigint,
    members bigint NOT NULL,
    PRIMARY KEY (list, no)
);
CREATE TABLE segment_block (
    list  bigint NOT NULL,
    block bigint NOT NULL,
    no    bigint NOT NULL,
    bits  bytea NOT NULL,
    PRIMARY KEY (list, block, no)
);
CREATE TABLE segment_due (
    list   bigint NOT NULL,
    no     bigint NOT NULL,
    number bigint NOT NULL,
    at     bigint NOT NULL,
    PRIMARY KEY (list, no, number)
);
CREATE INDEX segment_due_at ON segment_due (list, at);
CREATE TABLE segment_event (
    list    bigint NOT NULL,
    serial  bigint NOT NULL,
    of_list bigint NOT NULL,
    segment bytea NOT NULL,
    number  bigint NOT NULL,
    joined  boolean NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (list, serial)
);
CREATE INDEX segment_event_contact ON segment_event (list, of_list, number);
CREATE TABLE segment_serial (
    list   bigint PRIMARY KEY,
    serial bigint NOT NULL
);
CREATE TABLE segment_day (
    list    bigint NOT NULL,
    segment bytea NOT NULL,
    day     bigint NOT NULL,
    members bigint NOT NULL,
    joined  bigint NOT NULL,
    gone    bigint NOT NULL,
    PRIMARY KEY (list, segment, day)
);
-- The last event of segments that an account webhook has delivered, if it has such events.
ALTER TABLE webhook ADD COLUMN segments bigint;
