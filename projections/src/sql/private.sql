-- What lanes and rollbacks are told from, beside the ledger.

CREATE TABLE sql_failures (
    lane INTEGER NOT NULL,          -- of the ledger
    at INTEGER NOT NULL,            -- microseconds since 1970, UTC
    record INTEGER NOT NULL,        -- the stream's version
    number INTEGER NOT NULL,
    PRIMARY KEY (lane, at, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX sql_failures_by_number ON sql_failures (lane, number);

-- The deployments that have not ended.
CREATE TABLE sql_open (
    lane INTEGER NOT NULL,          -- of the ledger
    begun INTEGER NOT NULL,         -- 1: anything of it was carried out
    number INTEGER NOT NULL,
    PRIMARY KEY (lane, begun, number)
) STRICT, WITHOUT ROWID;

-- When the latest of what is recorded of a lane happened or happens.
CREATE TABLE sql_latest (
    lane INTEGER PRIMARY KEY,       -- of the ledger
    latest INTEGER NOT NULL         -- microseconds since 1970, UTC
) STRICT;

-- What lanes of which something is recorded for later are from each instant on; `lanes` tells of
-- these as of now.
CREATE TABLE sql_upcoming (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    version TEXT,                   -- from here on as in lanes
    number INTEGER,
    since TEXT,
    actor TEXT,
    commit_id TEXT,
    intent TEXT,
    in_progress INTEGER,
    last_failed INTEGER,
    last_failed_at TEXT,
    uncertain INTEGER NOT NULL,
    stream_version INTEGER NOT NULL,
    PRIMARY KEY (service, environment, valid_from)
) STRICT, WITHOUT ROWID;

CREATE INDEX rollbacks_by_lane ON rollbacks (service, environment);
