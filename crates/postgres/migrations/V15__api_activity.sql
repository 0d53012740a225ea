-- Requests that were rejected, counted by the hour. token: the public part. No bodies and no texts: these may hold
-- personal data.
CREATE TABLE rejection (
    account bigint NOT NULL,
    hour    bigint NOT NULL,
    token   text COLLATE "C" NOT NULL,
    method  text COLLATE "C" NOT NULL,
    status  bigint NOT NULL,
    code    text COLLATE "C" NOT NULL,
    count   bigint NOT NULL,
    last_at bigint NOT NULL,
    PRIMARY KEY (account, hour, token, method, status, code)
);
CREATE INDEX rejection_hour ON rejection (hour);

-- Who sent a request: the public part of the token, user:ID or job:ID. Requests of before do not say it, nor those
-- that a node of an earlier version applies.
ALTER TABLE request ADD COLUMN token text COLLATE "C" NOT NULL DEFAULT '';
-- Requests of a job: there are many, and pages show them together.
CREATE INDEX request_of_job ON request (account, token, accepted_at) WHERE token >= 'job:' AND token < 'job;';
