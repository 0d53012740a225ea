-- Imports and changes of many contacts that run on the server. state: see JobState. subject, faults and the part 0
-- (what a run goes on from) may hold personal data, and are deleted when a person is erased.
CREATE TABLE job (
    account        INTEGER NOT NULL,
    id             BLOB NOT NULL,
    list           INTEGER NOT NULL,
    user           BLOB NOT NULL,
    created_at     INTEGER NOT NULL,
    changed_at     INTEGER NOT NULL,
    directory      BLOB,
    description    BLOB NOT NULL,
    subject        BLOB,
    state          INTEGER NOT NULL,
    dry_run        INTEGER NOT NULL,
    stop_requested INTEGER NOT NULL,
    progress       BLOB,
    faults         BLOB,
    parts          INTEGER NOT NULL,
    lease          INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX job_active ON job (state) WHERE state IN (1, 2);

-- number: 0 is what a run goes on from; from 1 on, what it has put out.
CREATE TABLE job_part (
    account INTEGER NOT NULL,
    job     BLOB NOT NULL,
    number  INTEGER NOT NULL,
    list    INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (account, job, number)
) STRICT;
