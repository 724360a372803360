SELECT s.labels, count(*)
FROM (SELECT id, running FROM lanes WHERE running IS NOT NULL LIMIT ?1) l
JOIN deployments d ON d.lane = l.id AND d.number = l.running
JOIN label_sets s ON s.id = d.labels
GROUP BY s.id
