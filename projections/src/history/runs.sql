SELECT l.environment, e.number, e.at,
       (SELECT later.at FROM effects later
        WHERE later.lane = e.lane AND (later.at, later.record) > (e.at, e.record)
        ORDER BY later.at, later.record LIMIT 1)
FROM lanes l
JOIN effects e ON e.lane = l.id AND e.version = ?2
WHERE l.service = ?1
ORDER BY l.environment, e.at, e.record
