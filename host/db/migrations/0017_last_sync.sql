-- The newest sync of a repository, or from a remote, by its PRN.
CREATE TABLE last_sync (
    resource {text} PRIMARY KEY,
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE
);
-- A task that is forgotten is looked for here.
CREATE INDEX last_sync_task ON last_sync (task_id);

-- When a sync found something new.
ALTER TABLE sync_checkpoint ADD COLUMN synced {int};
