-- What only questions need: made when the model is level, from what is there then.

CREATE INDEX IF NOT EXISTS changes_by_name ON changes (name, position);
