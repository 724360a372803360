SELECT d.document, e.at, e.record, q.at, q.record
FROM deployments d
LEFT JOIN effects e ON e.lane = d.lane AND e.number = d.number
LEFT JOIN doubts q ON q.lane = d.lane AND q.number = d.number
WHERE d.lane = ?1 AND instr(d.document, '"changes":') > 0
