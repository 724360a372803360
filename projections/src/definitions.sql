-- Every projection that users wrote, and each change to one.

CREATE TABLE definitions (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,      -- the position of the event that defined it so
    language TEXT NOT NULL,
    source TEXT NOT NULL,
    defined_at INTEGER NOT NULL,    -- microseconds since 1970, UTC
    actor TEXT NOT NULL,            -- JSON: who defined it so
    paused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    what TEXT NOT NULL,             -- defined, paused, resumed, dropped
    at INTEGER NOT NULL,            -- microseconds since 1970, UTC
    actor TEXT NOT NULL,            -- JSON
    language TEXT,                  -- of what was defined
    source TEXT
) STRICT;
