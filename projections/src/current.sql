-- What runs where. Times are microseconds since 1970, UTC.

CREATE TABLE lanes (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    service TEXT NOT NULL,
    version INTEGER NOT NULL,       -- of the stream
    at INTEGER NOT NULL,            -- of the last fact by time
    recorded_at INTEGER NOT NULL,   -- of the last fact by record
    late INTEGER NOT NULL,          -- 1 once a fact came in after a later one
    open TEXT NOT NULL,             -- JSON: what has not ended, see timeline/tail.rs
    running INTEGER,                -- from here on as in facts
    since INTEGER,
    begun INTEGER,
    waiting INTEGER,
    waiting_count INTEGER NOT NULL,
    failed INTEGER,
    failed_at INTEGER,
    doubted INTEGER,
    doubt INTEGER,
    UNIQUE (environment, service)
) STRICT;

CREATE TABLE deployments (
    lane INTEGER NOT NULL,
    number INTEGER NOT NULL,
    version TEXT NOT NULL,
    commit_id TEXT,
    actor TEXT NOT NULL,            -- JSON
    intent TEXT NOT NULL,           -- JSON
    requested_at INTEGER NOT NULL,
    error TEXT,
    configuration TEXT,             -- JSON: digests by name; null if nobody said
    labels INTEGER,                 -- of label_sets; null if it has none
    digests TEXT,                   -- of the artifacts; null if nobody said
    approvals TEXT,                 -- JSON: who has to agree, and who has; null if nobody has to
    PRIMARY KEY (lane, number)
) STRICT, WITHOUT ROWID;

-- The labels that deployments have, each set of them once: few differ, and a row is read for each cell.
CREATE TABLE label_sets (
    id INTEGER PRIMARY KEY,
    labels TEXT NOT NULL UNIQUE     -- JSON: values by name
) STRICT;

-- What each lane was after each thing that happened in it, by when it happened.
CREATE TABLE facts (
    lane INTEGER NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    kind INTEGER NOT NULL,          -- see timeline.rs
    number INTEGER,
    target TEXT,
    running INTEGER,                -- what runs
    since INTEGER,                  -- since when its content has run without a break
    begun INTEGER,                  -- the newest deployment that has begun and not ended
    waiting INTEGER,                -- the newest one that has neither begun nor ended
    waiting_count INTEGER NOT NULL, -- how many of these there are
    failed INTEGER,
    failed_at INTEGER,
    doubted INTEGER,                -- the deployment that left the lane in doubt
    doubt INTEGER,                  -- why: see timeline.rs
    PRIMARY KEY (lane, at, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE environments (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What was said of environments, as it was said: few rows, folded when asked for.
CREATE TABLE declarations (
    environment TEXT NOT NULL,
    at INTEGER NOT NULL,
    position INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    schema INTEGER NOT NULL,
    data TEXT NOT NULL,             -- JSON: the event
    PRIMARY KEY (environment, at, position)
) STRICT, WITHOUT ROWID;
