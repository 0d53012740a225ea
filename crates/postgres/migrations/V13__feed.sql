-- Contacts that were erased, in the place of the erase among the changes of their list: the change feed reports them.
-- position: that of the fence that the erase had in the list.
CREATE TABLE tombstone (
    list      bigint NOT NULL,
    position  bigint NOT NULL,
    number    bigint NOT NULL,
    request   bytea NOT NULL,
    token     text NOT NULL,
    erased_at bigint NOT NULL,
    PRIMARY KEY (list, position, number)
);
CREATE INDEX tombstone_erased_at ON tombstone (erased_at);

-- The last change of each list that retention has deleted: the change feed begins behind it.
CREATE TABLE history_floor (
    list     bigint PRIMARY KEY,
    position bigint NOT NULL,
    request  bytea NOT NULL
);

-- Changes are appended once and read once or twice: compressing them costs more than it saves.
ALTER TABLE history ALTER COLUMN changes SET STORAGE EXTERNAL;
