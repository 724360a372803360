SELECT * FROM main.sql_lanes l
WHERE NOT EXISTS (
    SELECT 1 FROM main.sql_upcoming u
    WHERE u.service = l.service AND u.environment = l.environment)
UNION ALL
SELECT service, environment, version, number, since, actor, commit_id, intent, in_progress,
       last_failed, last_failed_at, uncertain, stream_version
FROM main.sql_upcoming u
WHERE u.valid_from = (
    SELECT max(valid_from) FROM main.sql_upcoming o
    WHERE o.service = u.service AND o.environment = u.environment AND o.valid_from <= :now)
