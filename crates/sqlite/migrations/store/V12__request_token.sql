-- Who sent a request: the public part of the token, user:ID or job:ID. Requests of before do not say it.
ALTER TABLE request ADD COLUMN token TEXT NOT NULL DEFAULT '';
-- Requests of a job: there are many, and pages show them together.
CREATE INDEX request_of_job ON request (account, token, accepted_at) WHERE token >= 'job:' AND token < 'job;';
