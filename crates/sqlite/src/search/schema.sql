-- The search index of a store, in a file of its own: all of it can be built again from the contacts.
-- feed: how far each list has come; scanned: see SearchState. entry: what is indexed of 64 contacts, exactly what
-- word_index and phone_index were given, since FTS5 needs the same text to delete it; entries.rs has the form.
CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE feed (
    list    INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    cursor  BLOB NOT NULL,
    scanned INTEGER
);
CREATE TABLE entry (block INTEGER PRIMARY KEY, texts BLOB NOT NULL);
-- ascii: what is not ASCII is part of a word. Words come folded and with one space between them.
CREATE VIRTUAL TABLE word_index USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii', prefix = '1 2 3 4 5 6 7 8'
);
-- A B-tree of phone numbers would write a page for almost each of them.
CREATE VIRTUAL TABLE phone_index USING fts5 (phone, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
-- Merges are ours: FTS5's own would hold up a commit for up to seconds. usermerge: of many segments at once, so that
-- what is indexed is written again less often. hashsize: bytes of the words of a step; with the default of 1 MiB a step
-- makes several segments.
INSERT INTO word_index (word_index, rank)
VALUES ('automerge', 0), ('crisismerge', 500), ('usermerge', 16), ('hashsize', 16777216);
INSERT INTO phone_index (phone_index, rank) VALUES ('automerge', 0), ('crisismerge', 500), ('usermerge', 16);
