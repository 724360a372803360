-- What only questions need: made when the model is level, from what is there then.

CREATE INDEX IF NOT EXISTS rollbacks_by_service ON rollbacks (service);
CREATE INDEX IF NOT EXISTS rollbacks_by_environment ON rollbacks (environment);
CREATE INDEX IF NOT EXISTS rollbacks_by_actor ON rollbacks (actor);
