-- The search index of a store, in a file of its own: all of it can be built again from the contacts.
-- feed: how far each list has come; scanned: see SearchState. entry: what is indexed of each contact: words is exactly
-- what word_index was given, since FTS5 needs the same text to delete it; phone: see search::Phone.
CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE feed (
    list    INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    cursor  BLOB NOT NULL,
    scanned INTEGER
);
CREATE TABLE entry (id INTEGER PRIMARY KEY, words TEXT NOT NULL, phone INTEGER);
CREATE INDEX entry_phone ON entry (id >> 40, phone) WHERE phone IS NOT NULL;
-- ascii: what is not ASCII is part of a word. Words come folded and with one space between them.
CREATE VIRTUAL TABLE word_index USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii', prefix = '1 2 3 4 5 6 7 8'
);
-- Merges are ours: FTS5's own would hold up a commit for up to seconds.
INSERT INTO word_index (word_index, rank) VALUES ('automerge', 0);
INSERT INTO word_index (word_index, rank) VALUES ('crisismerge', 500);
