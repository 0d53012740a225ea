-- Requests of an account by the time at which they were accepted; list is there so that counting those of a list
-- does not read the rows.
CREATE INDEX request_account ON request (account, accepted_at, list);
