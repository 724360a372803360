UPDATE facts
SET running = ?4, since = ?5, in_progress = ?6, failed = ?7, failed_at = ?8, uncertain = ?9
WHERE lane = ?1 AND at = ?2 AND position = ?3
