INSERT OR REPLACE INTO sql_lanes
SELECT l.service, l.environment, ran.version, ran.number, d.finished_at, d.actor, d.commit_id,
       d.intent, open.number, failed.number, f.finished_at,
       failed.at IS NOT NULL
       AND (ran.at IS NULL OR (failed.at, failed.record) > (ran.at, ran.record)),
       ?2
FROM lanes l
LEFT JOIN (SELECT at, record, version, number FROM effects
           WHERE lane = ?1 ORDER BY at DESC, record DESC LIMIT 1) ran
LEFT JOIN (SELECT at, record, number FROM sql_failures
           WHERE lane = ?1 ORDER BY at DESC, record DESC LIMIT 1) failed
LEFT JOIN (SELECT max(o.number) AS number FROM sql_deployments o
           WHERE (o.service, o.environment) = (SELECT service, environment FROM lanes WHERE id = ?1)
             AND o.void = 0 AND o.status IN ('requested', 'started')) open
LEFT JOIN sql_deployments d ON d.service = l.service AND d.environment = l.environment
     AND d.number = ran.number
LEFT JOIN sql_deployments f ON f.service = l.service AND f.environment = l.environment
     AND f.number = failed.number
WHERE l.id = ?1
