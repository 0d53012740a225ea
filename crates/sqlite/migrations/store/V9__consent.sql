-- The consent ledger: what each batch said of flags, see src/apply/ledger.rs. A contact's records are a chain through the
-- rows, from the position in the contact back. Nothing is ever taken out; erasing empties contents.
CREATE TABLE consent (
    position INTEGER PRIMARY KEY,
    list     INTEGER NOT NULL,
    records  BLOB NOT NULL
) STRICT;
CREATE INDEX consent_list ON consent (list);

-- Where the records of a contact begin that was removed; 0 where it has none.
ALTER TABLE departed ADD COLUMN consent INTEGER NOT NULL DEFAULT 0;
