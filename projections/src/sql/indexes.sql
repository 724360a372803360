-- What is found without reading a whole table.

CREATE INDEX IF NOT EXISTS events_by_stream ON sql_events (stream, version);
CREATE INDEX IF NOT EXISTS events_by_type ON sql_events (type, at);
CREATE INDEX IF NOT EXISTS events_by_recorded_at ON sql_events (recorded_at);
CREATE INDEX IF NOT EXISTS events_by_lane ON sql_events (service, environment, number);
CREATE INDEX IF NOT EXISTS deployments_by_requested_at ON sql_deployments (requested_at);
CREATE INDEX IF NOT EXISTS deployments_by_environment ON sql_deployments (environment, requested_at);
CREATE INDEX IF NOT EXISTS deployments_by_version ON sql_deployments (service, version);
CREATE INDEX IF NOT EXISTS deployments_by_actor ON sql_deployments (actor, requested_at);
CREATE INDEX IF NOT EXISTS deployments_by_status ON sql_deployments (status, requested_at);
CREATE INDEX IF NOT EXISTS lanes_by_environment ON sql_lanes (environment);
CREATE INDEX IF NOT EXISTS rollbacks_by_requested_at ON sql_rollbacks (requested_at);
CREATE INDEX IF NOT EXISTS rollbacks_by_actor ON sql_rollbacks (actor);
