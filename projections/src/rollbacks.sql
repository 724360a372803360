-- Deployments that went back. The ids are those of `deployments`.

CREATE TABLE rollbacks (
    id INTEGER PRIMARY KEY,
    requested_at INTEGER NOT NULL,  -- microseconds since 1970, UTC
    lane INTEGER NOT NULL,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    actor TEXT NOT NULL,            -- the id
    status TEXT NOT NULL,
    declared INTEGER NOT NULL,      -- 1: somebody asked for it, as corrected
    reported INTEGER NOT NULL,      -- 1: somebody asked for it, as it was recorded first
    inferred INTEGER NOT NULL       -- 1: it is one by what it did
) STRICT;
