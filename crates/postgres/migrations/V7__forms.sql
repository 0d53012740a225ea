-- In which form of an address the hash was made: 0 by full case folding, as the first version did, 1 exactly.
ALTER TABLE erased ADD COLUMN form bigint NOT NULL DEFAULT 0;

-- Which forms of what is stored a node reads, see src/storage/postgres/node.rs. Nodes of before say nothing.
ALTER TABLE node ADD COLUMN forms bigint;
