-- Users of the console: an address to sign in with, and an argon2id hash of the password in its PHC form.
ALTER TABLE account_user ADD COLUMN address text COLLATE "C";
ALTER TABLE account_user ADD COLUMN password text;
CREATE UNIQUE INDEX account_user_address ON account_user (address);

-- Who is signed in. hash: SHA-256 of what the cookie holds, which has 256 random bits.
CREATE TABLE session (
    hash       bytea PRIMARY KEY,
    user_no    bigint NOT NULL,
    agent      text NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX session_of_user ON session (user_no);

-- One-time links. hash: as above. user_no: whose password it sets; null where it makes the first account.
CREATE TABLE link (
    hash       bytea PRIMARY KEY,
    user_no    bigint,
    expires_at bigint NOT NULL
);
CREATE INDEX link_user ON link (user_no);

-- When a token was used last, to the minute.
ALTER TABLE token ADD COLUMN used_at bigint;
