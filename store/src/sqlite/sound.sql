SELECT
    version = (SELECT max(version) FROM events AS others WHERE others.stream = events.stream)
    AND stream IN (SELECT id FROM streams)
    AND type IN (SELECT id FROM types)
FROM events
ORDER BY position DESC
LIMIT 1
