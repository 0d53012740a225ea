-- Users of the console: an address to sign in with, and an argon2id hash of the password in its PHC form.
ALTER TABLE user ADD COLUMN address TEXT;
ALTER TABLE user ADD COLUMN password TEXT;
CREATE UNIQUE INDEX user_address ON user (address);

-- Who is signed in. hash: SHA-256 of what the cookie holds, which has 256 random bits.
CREATE TABLE session (
    hash       BLOB PRIMARY KEY,
    user       INTEGER NOT NULL REFERENCES user (no),
    agent      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user);

-- One-time links. hash: as above. user: whose password it sets; null where it makes the first account.
CREATE TABLE link (
    hash       BLOB PRIMARY KEY,
    user       INTEGER REFERENCES user (no),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_user ON link (user);

-- When a token was used last, to the minute.
ALTER TABLE token ADD COLUMN used_at INTEGER;
