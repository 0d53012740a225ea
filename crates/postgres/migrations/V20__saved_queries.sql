-- Saved filters of lists. kind: 0 a segment, 1 a view of the console. content: of a segment its filter as JSON, of a view
-- the query of its address.
CREATE TABLE saved_query (
    list       bigint NOT NULL,
    id         bytea NOT NULL,
    kind       bigint NOT NULL,
    name       text NOT NULL,
    content    text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (list, id),
    UNIQUE (list, kind, name)
);
