-- The consent ledger: what each batch said of flags, see src/apply/ledger.rs. A contact's records are a chain through the
-- rows, from the position in the contact back. Nothing is ever taken out; erasing empties contents.
CREATE TABLE consent (
    list     bigint NOT NULL,
    position bigint NOT NULL,
    records  bytea NOT NULL,
    PRIMARY KEY (list, position)
);

-- Where the records of a contact begin that was removed; 0 where it has none.
ALTER TABLE departed ADD COLUMN consent bigint NOT NULL DEFAULT 0;
