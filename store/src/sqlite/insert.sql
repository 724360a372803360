INSERT INTO events (
    position, stream, version, type,
    schema, readable_from, ignorable, recorded_at,
    id, data, metadata
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
