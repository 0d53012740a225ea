-- The members of segments. segment_feed: how far each list with segments has come; step: raised by each write; saved: a
-- checksum of its saved filters; suppressed: the last change of suppressions that was read, if a filter asks for them;
-- due: the first time of segment_due. followed_segment: what is followed, by a number that is given once in a list; hash: of the
-- filter; scanned: while the first membership is computed, the last contact that was read. segment_block: a bit for each
-- member among 2,048 contacts. segment_due: when a contact that does not change enters or leaves. segment_event: who
-- joined or left; its list is the negative number of the account, and number is 0 after an erasure. segment_serial: the
-- last number of an event of the account. segment_day: counts at the end of a day, and who joined or left during it.
CREATE TABLE segment_feed (
    list       INTEGER PRIMARY KEY,
    account    INTEGER NOT NULL,
    step       INTEGER NOT NULL,
    cursor     BLOB NOT NULL,
    saved      INTEGER NOT NULL,
    suppressed INTEGER,
    next_no    INTEGER NOT NULL,
    building   INTEGER NOT NULL,
    due        INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE followed_segment (
    list    INTEGER NOT NULL,
    no      INTEGER NOT NULL,
    segment BLOB NOT NULL,
    hash    INTEGER NOT NULL,
    scanned INTEGER,
    members INTEGER NOT NULL,
    PRIMARY KEY (list, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE segment_block (
    list  INTEGER NOT NULL,
    block INTEGER NOT NULL,
    no    INTEGER NOT NULL,
    bits  BLOB NOT NULL,
    PRIMARY KEY (list, block, no)
) STRICT, WITHOUT ROWID;
CREATE TABLE segment_due (
    list   INTEGER NOT NULL,
    no     INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (list, no, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_due_at ON segment_due (list, at);
CREATE TABLE segment_event (
    list    INTEGER NOT NULL,
    serial  INTEGER NOT NULL,
    of_list INTEGER NOT NULL,
    segment BLOB NOT NULL,
    number  INTEGER NOT NULL,
    joined  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (list, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_event_contact ON segment_event (list, of_list, number);
CREATE TABLE segment_serial (
    list   INTEGER PRIMARY KEY,
    serial INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE segment_day (
    list    INTEGER NOT NULL,
    segment BLOB NOT NULL,
    day     INTEGER NOT NULL,
    members INTEGER NOT NULL,
    joined  INTEGER NOT NULL,
    gone    INTEGER NOT NULL,
    PRIMARY KEY (list, segment, day)
) STRICT, WITHOUT ROWID;
-- The last event of segments that an account webhook has delivered, if it has such events.
ALTER TABLE webhook ADD COLUMN segments INTEGER;
