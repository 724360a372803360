-- What deployments are found by. The ids are those of `deployments`, so every
-- index below lists its rows by when they were requested.

CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    requested_at INTEGER NOT NULL,  -- microseconds since 1970, UTC
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    actor TEXT NOT NULL,            -- the id
    version TEXT NOT NULL,
    commit_id TEXT,
    status TEXT NOT NULL,
    intent TEXT NOT NULL,           -- the kind
    classification TEXT NOT NULL
) STRICT;

CREATE INDEX entries_by_service ON entries (service);
CREATE INDEX entries_by_environment ON entries (environment);
CREATE INDEX entries_by_lane ON entries (service, environment);
CREATE INDEX entries_by_actor ON entries (actor);
CREATE INDEX entries_by_version ON entries (version);
CREATE INDEX entries_by_commit ON entries (commit_id) WHERE commit_id IS NOT NULL;
-- Of what most deployments are nobody asks for a list.
CREATE INDEX entries_by_status ON entries (status) WHERE status <> 'succeeded';
CREATE INDEX entries_by_intent ON entries (intent) WHERE intent NOT IN ('deploy', 'unknown');
CREATE INDEX entries_by_classification ON entries (classification) WHERE classification <> 'new';

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
