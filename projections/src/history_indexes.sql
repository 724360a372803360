-- What only questions need: made when the model is level, from what is there then. Each lists its
-- rows by their id, and so by when they were requested.

CREATE INDEX IF NOT EXISTS entries_by_service ON entries (service);
CREATE INDEX IF NOT EXISTS entries_by_environment ON entries (environment);
CREATE INDEX IF NOT EXISTS entries_by_lane ON entries (service, environment);
CREATE INDEX IF NOT EXISTS entries_by_actor ON entries (actor);
-- Whoever deploys often is asked about with an outcome, which this tells without the row.
CREATE INDEX IF NOT EXISTS entries_by_actor_in ON entries (actor, environment, id, status);
CREATE INDEX IF NOT EXISTS entries_by_version ON entries (version);
CREATE INDEX IF NOT EXISTS entries_by_commit ON entries (commit_id) WHERE commit_id IS NOT NULL;
-- Of what most deployments are nobody asks for a list. What asks for another says the condition, too.
CREATE INDEX IF NOT EXISTS entries_by_status ON entries (status) WHERE status <> 'succeeded';
CREATE INDEX IF NOT EXISTS entries_by_intent ON entries (intent) WHERE intent NOT IN ('deploy', 'unknown');
CREATE INDEX IF NOT EXISTS entries_by_classification ON entries (classification) WHERE classification <> 'new';
CREATE INDEX IF NOT EXISTS entries_by_void ON entries (void) WHERE void = 1;
CREATE INDEX IF NOT EXISTS entries_by_taken_back ON entries (taken_back) WHERE taken_back = 1;
CREATE INDEX IF NOT EXISTS entries_by_contradicted ON entries (contradicted) WHERE contradicted = 1;
-- Who has a label, whatever its value.
CREATE INDEX IF NOT EXISTS labels_by_name ON labels (name, id);
