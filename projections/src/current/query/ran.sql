-- CROSS JOIN: the facts are read from the instant backwards, and no further than anybody wants to know.
-- Kind 0, a request, changes nothing of what runs.
SELECT facts.running, facts.since, deployments.version
FROM facts CROSS JOIN deployments
  ON deployments.lane = facts.lane AND deployments.number = facts.running
WHERE facts.lane = ?1 AND facts.at <= ?2 AND facts.recorded_at <= ?3 AND facts.kind <> 0
ORDER BY facts.at DESC, facts.position DESC
