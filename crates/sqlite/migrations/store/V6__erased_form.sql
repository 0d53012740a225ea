-- In which form of an address the hash was made: 0 by full case folding, as the first version did, 1 exactly.
ALTER TABLE erased ADD COLUMN form INTEGER NOT NULL DEFAULT 0;
