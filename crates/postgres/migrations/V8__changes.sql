-- The last changes of the catalogue, by its version: whose they are. A version that is not here was of any account, or
-- was made by a node of before there was this table.
CREATE TABLE catalogue_change (
    version bigint PRIMARY KEY,
    account bigint NOT NULL
);
