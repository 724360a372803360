-- What SQL is asked of. Times are text, ISO 8601 in UTC with six decimals of a second
-- ('2026-03-02T10:00:00.000000Z'): they sort by time, and SQLite's date functions read them.
-- Truth values are 1 and 0, durations whole milliseconds. What nobody said is NULL.

-- The log: every event, as it was written.
CREATE TABLE sql_events (
    position INTEGER PRIMARY KEY,   -- its place in the log; they ascend and have gaps on a cluster
    stream TEXT NOT NULL,           -- 'lane-checkout@production'
    version INTEGER NOT NULL,       -- its place in the stream, from 0
    id TEXT NOT NULL,
    type TEXT NOT NULL,             -- 'DeploymentSucceeded'
    schema INTEGER NOT NULL,        -- which shape data has, from 1
    recorded_at TEXT NOT NULL,      -- when the log learned of it
    at TEXT,                        -- when it happened, as whoever told it saw it
    actor TEXT NOT NULL,            -- the id of who is answerable
    actor_kind TEXT NOT NULL,       -- 'person', 'service' or 'system'
    service TEXT,                   -- of lanes and releases
    environment TEXT,               -- of lanes and environments
    number INTEGER,                 -- the deployment in its lane
    data TEXT NOT NULL,             -- JSON: data ->> '$.release.version'
    metadata TEXT NOT NULL          -- JSON: actor, idempotency_key, correlation_id, source
) STRICT;

-- Every deployment: one attempt to put a release into a lane, which is a service in an environment.
CREATE TABLE sql_deployments (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    number INTEGER NOT NULL,        -- its place in the lane, from 1
    version TEXT NOT NULL,          -- of the release that it puts there
    commit_id TEXT,
    status TEXT NOT NULL,           -- requested, rejected, started, succeeded, failed, cancelled
    intent TEXT NOT NULL,           -- deploy, rollback, roll_forward, retry, unknown; as corrected
    classification TEXT NOT NULL,   -- new, rollback, reapply, restore: by what the lane ran before
    actor TEXT NOT NULL,            -- the id of who asked for it
    actor_kind TEXT NOT NULL,
    actor_name TEXT,
    reason TEXT,
    requested_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    duration_ms INTEGER,            -- from start to finish
    replaced_number INTEGER,        -- what it replaced, once it has succeeded
    replaced_version TEXT,
    error TEXT,                     -- of the failure that was reported last
    failed_step TEXT,
    ended_because TEXT,             -- why it was rejected or cancelled
    approvals_needed INTEGER NOT NULL,
    approved_by TEXT NOT NULL,      -- JSON: the ids of who agreed
    crossed TEXT NOT NULL,          -- JSON: the guard rails that it crossed: freeze, one_at_a_time, …
    health TEXT,                    -- healthy, degraded, unhealthy; as reported last
    void INTEGER NOT NULL,          -- 1: corrected never to have taken place
    blamed INTEGER NOT NULL,        -- 1: blamed for harm, and not cleared since
    contradicted INTEGER NOT NULL,  -- 1: reports of how it ended disagree
    taken_back_by INTEGER,          -- the number of the rollback that took it back, in the same lane
    external_id TEXT,
    url TEXT,
    labels TEXT NOT NULL,           -- JSON: labels ->> '$.team'
    release TEXT NOT NULL,          -- JSON: version, commit, artifacts, notes, changes
    position INTEGER NOT NULL,      -- of its last event in the log
    PRIMARY KEY (service, environment, number)
) STRICT;

-- What each lane is now: what is recorded for later is not there yet.
CREATE TABLE sql_lanes (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    version TEXT,                   -- what runs; NULL where nothing does
    number INTEGER,                 -- the deployment that put it there
    since TEXT,                     -- since when that content has run without a break
    actor TEXT,                     -- the id of who asked for it
    commit_id TEXT,
    intent TEXT,
    in_progress INTEGER,            -- the newest deployment that has begun and not ended; else that waits
    last_failed INTEGER,            -- the deployment that failed last
    last_failed_at TEXT,
    uncertain INTEGER NOT NULL,     -- 1: nobody knows what is really there
    stream_version INTEGER NOT NULL,
    PRIMARY KEY (service, environment)
) STRICT;

-- Deployments that went back: those that somebody asked for, and those that are one by what they did.
CREATE TABLE sql_rollbacks (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    number INTEGER NOT NULL,        -- the deployment that went back
    declared INTEGER NOT NULL,      -- 1: somebody asked for a rollback; else it is inferred
    status TEXT NOT NULL,
    from_number INTEGER,            -- what it left
    from_version TEXT,
    to_number INTEGER,              -- what it brought back
    to_version TEXT,
    reverts TEXT NOT NULL,          -- JSON: the numbers of what it took back, newest first
    reason TEXT,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    requested_at TEXT NOT NULL,
    finished_at TEXT,
    left_at TEXT,                   -- when what it left had come to its own end, well or not
    ran_for_ms INTEGER,             -- how long what it left had run
    PRIMARY KEY (service, environment, number)
) STRICT;
