-- What only questions need: made when the model is level, from what is there then.

CREATE INDEX IF NOT EXISTS releases_by_service ON releases (service);
