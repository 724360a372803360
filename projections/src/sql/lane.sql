INSERT OR REPLACE INTO sql_lanes
SELECT l.service, l.environment, ran.version, ran.number, ?3, d.actor, d.commit_id,
       d.intent, coalesce(begun.number, open.number), failed.number, f.finished_at, ?4, ?2
FROM lanes l
LEFT JOIN (SELECT at, record, version, number FROM effects
           WHERE lane = ?1 ORDER BY at DESC, record DESC LIMIT 1) ran
LEFT JOIN (SELECT number FROM sql_failures
           WHERE lane = ?1 ORDER BY at DESC, record DESC LIMIT 1) failed
LEFT JOIN (SELECT max(number) AS number FROM sql_open WHERE lane = ?1) open
LEFT JOIN (SELECT max(number) AS number FROM sql_open WHERE lane = ?1 AND begun = 1) begun
LEFT JOIN sql_deployments d ON d.service = l.service AND d.environment = l.environment
     AND d.number = ran.number
LEFT JOIN sql_deployments f ON f.service = l.service AND f.environment = l.environment
     AND f.number = failed.number
WHERE l.id = ?1
