-- What deployments are found by. The ids are those of `deployments`.

CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    requested_at INTEGER NOT NULL,  -- microseconds since 1970, UTC
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    actor TEXT NOT NULL,            -- the id
    version TEXT NOT NULL,
    commit_id TEXT,                 -- in small letters
    status TEXT NOT NULL,
    intent TEXT NOT NULL,           -- the kind
    classification TEXT NOT NULL,
    duration_ms INTEGER,            -- until it is over, null
    void INTEGER NOT NULL,          -- 1: it was corrected never to have taken place
    contradicted INTEGER NOT NULL,  -- 1: reports of how it ended disagree
    taken_back INTEGER NOT NULL     -- 1: a rollback took it back
) STRICT;

CREATE TABLE labels (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (name, value, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
    artifact TEXT NOT NULL,         -- a name or a digest
    id INTEGER NOT NULL,
    PRIMARY KEY (artifact, id)
) STRICT, WITHOUT ROWID;

-- The words alone: what they stood in is the document.
CREATE VIRTUAL TABLE search USING fts5 (
    words, content = '', contentless_delete = 1,
    tokenize = "unicode61 remove_diacritics 2"
);
