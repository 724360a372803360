-- What only questions need: made when the model is level, from what is there then.

CREATE INDEX IF NOT EXISTS rollbacks_by_service ON rollbacks (service);
CREATE INDEX IF NOT EXISTS rollbacks_by_environment ON rollbacks (environment);
CREATE INDEX IF NOT EXISTS rollbacks_by_actor ON rollbacks (actor);
CREATE INDEX IF NOT EXISTS effects_by_number ON effects (lane, number);
CREATE INDEX IF NOT EXISTS doubts_by_number ON doubts (lane, number);
-- What changed something for good: word for word as it is asked for.
CREATE INDEX IF NOT EXISTS deployments_changing ON deployments (lane)
WHERE instr(document, '"changes":') > 0;
