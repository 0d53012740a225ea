-- Contacts that were erased, in the place of the erase among the changes of their list: the change feed reports them.
-- position: that of the erase.
CREATE TABLE tombstone (
    list      INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    request   BLOB NOT NULL,
    token     TEXT NOT NULL,
    erased_at INTEGER NOT NULL,
    PRIMARY KEY (list, position, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstone_erased_at ON tombstone (erased_at);

-- The last change of each list that retention has deleted: the change feed begins behind it.
CREATE TABLE history_floor (
    list     INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    request  BLOB NOT NULL
) STRICT;
