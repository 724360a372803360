-- Every deployment whole, what took effect in each lane, and what was left in doubt. Times are
-- microseconds since 1970, UTC.

CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    UNIQUE (service, environment)
) STRICT;

CREATE TABLE deployments (
    id INTEGER PRIMARY KEY,         -- by when it was requested: see sort_key.rs
    lane INTEGER NOT NULL,
    number INTEGER NOT NULL,
    position INTEGER NOT NULL,      -- of its last event
    actor TEXT NOT NULL,            -- JSON: who requested it
    document TEXT NOT NULL,         -- JSON: the deployment, folded
    classification TEXT NOT NULL,   -- JSON
    before_number INTEGER,          -- what ran when it took effect; until then, when it was requested
    before_version TEXT,
    taken_back_by INTEGER,          -- the number of the rollback that took it back first
    UNIQUE (lane, number)
) STRICT;

-- What changed what ran. A removal has neither number nor version.
CREATE TABLE effects (
    lane INTEGER NOT NULL,
    at INTEGER NOT NULL,
    record INTEGER NOT NULL,        -- the stream's version
    number INTEGER,
    version TEXT,
    commit_id TEXT,                 -- what nobody stated is null
    digests TEXT,
    configuration TEXT,             -- JSON
    declared INTEGER NOT NULL,      -- 1: somebody says that it is a rollback, as corrected
    restores INTEGER,               -- to which deployment's release
    PRIMARY KEY (lane, at, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX effects_by_version ON effects (lane, version, at, record)
WHERE version IS NOT NULL;

-- What left its lane in doubt and did not take effect.
CREATE TABLE doubts (
    lane INTEGER NOT NULL,
    at INTEGER NOT NULL,
    record INTEGER NOT NULL,
    number INTEGER NOT NULL,
    version TEXT NOT NULL,
    digests TEXT,
    PRIMARY KEY (lane, at, record)
) STRICT, WITHOUT ROWID;
