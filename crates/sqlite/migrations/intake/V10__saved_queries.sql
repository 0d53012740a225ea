-- Saved filters of lists. kind: 0 a segment, 1 a view of the console. content: of a segment its filter as JSON, of a view
-- the query of its address.
CREATE TABLE saved_query (
    list       INTEGER NOT NULL REFERENCES list (no),
    id         BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    name       TEXT NOT NULL,
    content    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (list, id),
    UNIQUE (list, kind, name)
) STRICT, WITHOUT ROWID;
