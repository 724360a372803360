SELECT service, week, count(*)
FROM outcomes
WHERE succeeded = 1
  AND (service, environment, number) NOT IN (SELECT service, environment, number FROM voided)
GROUP BY service, week
ORDER BY week, service
