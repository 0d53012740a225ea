-- What is left of a source that was removed: what a contact from it cost.
CREATE TABLE removed_source (
    no      INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    cac     BLOB NOT NULL
) STRICT;

-- Variables that were removed, until their values are gone from the list's contacts.
-- cursor: those with a row id up to it hold none any more.
CREATE TABLE removed_variable (
    list   INTEGER NOT NULL,
    number INTEGER NOT NULL,
    cursor INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE token ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0;

-- The lists that a token is limited to; a token without rows is limited to none.
-- They stay when a list goes: such a token must not come to see everything.
CREATE TABLE token_list (
    token TEXT NOT NULL,
    list  BLOB NOT NULL,
    PRIMARY KEY (token, list)
) STRICT, WITHOUT ROWID;
