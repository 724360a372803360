-- Every release that was registered or deployed.

CREATE TABLE releases (
    id INTEGER PRIMARY KEY,         -- by when it was first heard of: see sort_key.rs
    service TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest TEXT NOT NULL,         -- JSON: as registered, else as deployed first
    registered INTEGER NOT NULL,
    blocked TEXT,                   -- JSON: the block in force
    first_seen_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    UNIQUE (service, version)
) STRICT;

-- What bears the name of a release: more than one row is a tag that moved.
CREATE TABLE contents (
    release INTEGER NOT NULL,
    place INTEGER NOT NULL,         -- from 0, in the order in which they were heard of
    manifest TEXT NOT NULL,         -- JSON: the version, the commit and the artifacts
    first_seen_at INTEGER NOT NULL, -- microseconds since 1970, UTC
    PRIMARY KEY (release, place)
) STRICT, WITHOUT ROWID;
