-- The search index. It can be built again from the contacts. search_feed: how far each list has come; scanned: see
-- SearchState. search_entry: what is indexed of each contact: keyed hashes of the beginnings of its words, of its whole
-- words and of the last digits of its phone number, so that no index keeps a name that was erased.
CREATE TABLE search_feed (
    list    bigint PRIMARY KEY,
    version bigint NOT NULL,
    cursor  bytea NOT NULL,
    scanned bigint
);
CREATE TABLE search_entry (
    list   bigint NOT NULL,
    number bigint NOT NULL,
    terms  int[] NOT NULL,
    PRIMARY KEY (list, number)
);
CREATE INDEX search_entry_terms ON search_entry USING gin (terms);
