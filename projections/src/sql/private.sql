-- What lanes and rollbacks are told from, beside the ledger.

CREATE TABLE sql_failures (
    lane INTEGER NOT NULL,          -- of the ledger
    at INTEGER NOT NULL,            -- microseconds since 1970, UTC
    record INTEGER NOT NULL,        -- the stream's version
    number INTEGER NOT NULL,
    PRIMARY KEY (lane, at, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX sql_failures_by_number ON sql_failures (lane, number);

CREATE INDEX sql_open ON sql_deployments (service, environment, number)
WHERE void = 0 AND status IN ('requested', 'started');

CREATE INDEX rollbacks_by_lane ON rollbacks (service, environment);
