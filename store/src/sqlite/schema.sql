-- Format 1 of the log's file. The table `log` keeps its shape in every later format,
-- so that an older Shiplog can always tell that a file is too new for it.

CREATE TABLE log (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    id INTEGER NOT NULL,                -- 32 bits, unsigned
    format INTEGER NOT NULL
) STRICT;

-- Names are long and repeated; ids keep a record little larger than its bytes.
-- A stream's version is that of its last event and is kept nowhere else.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE types (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY,       -- from 1, given by the one writer
    stream INTEGER NOT NULL,
    version INTEGER NOT NULL,           -- from 0, without gaps
    type INTEGER NOT NULL,
    schema INTEGER NOT NULL,
    readable_from INTEGER NOT NULL,
    ignorable INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,       -- microseconds since 1970, UTC; never decreases in a stream
    id BLOB NOT NULL UNIQUE,            -- 16 bytes
    data BLOB NOT NULL,                 -- UTF-8 JSON, as written
    metadata BLOB NOT NULL,             -- UTF-8 JSON, as written
    UNIQUE (stream, version)
) STRICT;
