-- Tasks in groups, on schedules, and found by what they held and made.

CREATE TABLE task_group (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    description {text} NOT NULL,
    -- Whether the results of its tasks appear together or not at all.
    atomic {bool} NOT NULL,
    pulp_created {int} NOT NULL
);

ALTER TABLE task ADD COLUMN group_id {int} REFERENCES task_group (id) ON DELETE SET NULL;
-- Of an atomic group: its first task, which holds the locks of all and is the one that is
-- claimed. Set on every task of the group, the first included.
ALTER TABLE task ADD COLUMN leader_id {int};
CREATE INDEX task_group_tasks ON task (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX task_leader ON task (leader_id) WHERE leader_id IS NOT NULL;
CREATE INDEX task_type ON task (plugin, type_name, id);
CREATE INDEX task_created_at ON task (pulp_created);
CREATE INDEX task_started_at ON task (started_at);
CREATE INDEX task_finished_at ON task (finished_at);

-- What tasks made, so that the maker of a thing is found: paths below an API root, and PRNs.
CREATE TABLE task_created (
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    path {text} NOT NULL,
    prn {text} NOT NULL
);
CREATE INDEX task_created_task ON task_created (task_id);
CREATE INDEX task_created_path ON task_created (path);
CREATE INDEX task_created_prn ON task_created (prn);

-- Locks stay when their task is over, as a note of what it held.
ALTER TABLE task_lock RENAME TO task_lock_before;
CREATE TABLE task_lock (
    resource {text} NOT NULL,
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    exclusive {bool} NOT NULL,
    -- 0 waits, 1 is held, 2 is only a note.
    standing {int} NOT NULL,
    PRIMARY KEY (resource, standing, task_id)
);
INSERT INTO task_lock (resource, task_id, exclusive, standing)
    SELECT resource, task_id, exclusive, CASE WHEN granted THEN 1 ELSE 0 END
    FROM task_lock_before;
DROP TABLE task_lock_before;
CREATE INDEX task_lock_task ON task_lock (task_id);

-- A group may prepare several versions of one repository, one upon the other.
ALTER TABLE pending_version RENAME TO pending_version_before;
CREATE TABLE pending_version (
    repository_id {int} NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    number {int} NOT NULL,
    task_id {int} NOT NULL,
    PRIMARY KEY (repository_id, number)
);
INSERT INTO pending_version (repository_id, number, task_id)
    SELECT repository_id, number, task_id FROM pending_version_before;
DROP TABLE pending_version_before;
CREATE INDEX pending_version_task ON pending_version (task_id);

CREATE TABLE task_schedule (
    id {id},
    uuid {uuid} NOT NULL UNIQUE,
    name {text} NOT NULL UNIQUE,
    pulp_created {int} NOT NULL,
    pulp_last_updated {int} NOT NULL,
    plugin {text} NOT NULL,
    type_name {text} NOT NULL,
    task_name {text} NOT NULL,
    -- As a client gave them; checked anew at each run.
    parameters {json} NOT NULL,
    -- Microseconds; none for one that follows a calendar or runs once.
    dispatch_interval {int},
    -- A cron expression, in UTC.
    cron {text},
    -- None when it will not run any more, or is switched off.
    next_dispatch {int},
    enabled {bool} NOT NULL DEFAULT TRUE,
    last_task_id {int} REFERENCES task (id) ON DELETE SET NULL,
    user_id {int} REFERENCES app_user (id) ON DELETE CASCADE,
    -- Why the last run could not be made.
    last_error {json}
);
CREATE INDEX task_schedule_due ON task_schedule (next_dispatch) WHERE enabled;
