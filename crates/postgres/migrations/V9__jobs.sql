-- Imports and changes of many contacts that run on the server. state: see JobState. subject, faults and the part 0
-- (what a run goes on from) may hold personal data, and are deleted when a person is erased. runner: the node that
-- runs the job; it counts for as long as that node is heard of.
CREATE TABLE job (
    list           bigint NOT NULL,
    account        bigint NOT NULL,
    id             bytea NOT NULL,
    user_id        bytea NOT NULL,
    created_at     bigint NOT NULL,
    changed_at     bigint NOT NULL,
    directory      bytea,
    description    bytea NOT NULL,
    subject        bytea,
    state          bigint NOT NULL,
    dry_run        boolean NOT NULL,
    stop_requested boolean NOT NULL,
    progress       bytea,
    faults         bytea,
    parts          bigint NOT NULL,
    lease          bigint NOT NULL,
    runner         bytea,
    PRIMARY KEY (list, account, id)
) WITH (fillfactor = 50);
CREATE INDEX job_of_account ON job (account, id);
CREATE INDEX job_active ON job (state) WHERE state IN (1, 2);

-- number: 0 is what a run goes on from; from 1 on, what it has put out.
CREATE TABLE job_part (
    list    bigint NOT NULL,
    account bigint NOT NULL,
    job     bytea NOT NULL,
    number  bigint NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (list, account, job, number)
);
