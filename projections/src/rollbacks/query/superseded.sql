SELECT later.number, later.version, later.at
FROM effects later
WHERE later.lane = ?1 AND later.version IS NOT NULL
  AND (later.at, later.record) > (?2, ?3) AND (later.at, later.record) <= (?4, ?5)
  AND NOT EXISTS (
      SELECT 1 FROM effects earlier
      WHERE earlier.lane = later.lane AND earlier.version = later.version
        AND (earlier.at, earlier.record) < (later.at, later.record))
ORDER BY later.at, later.record
LIMIT 1
