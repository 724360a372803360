-- What each deployment came to. Times are microseconds since 1970, UTC.

CREATE TABLE outcomes (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,            -- of the last report by time
    week TEXT NOT NULL,             -- the Monday of the week in which that is
    succeeded INTEGER NOT NULL,
    PRIMARY KEY (service, environment, number)
) STRICT, WITHOUT ROWID;

-- Those that somebody has said never were.
CREATE TABLE voided (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (service, environment, number)
) STRICT, WITHOUT ROWID;
