UPDATE facts
SET running = ?4, since = ?5, begun = ?6, waiting = ?7, waiting_count = ?8, failed = ?9,
    failed_at = ?10, doubted = ?11, doubt = ?12
WHERE lane = ?1 AND at = ?2 AND position = ?3
