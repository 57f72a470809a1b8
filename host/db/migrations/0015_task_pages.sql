-- A task is made and ended in as few pages as can be: each is written anew with every change.
-- What finds running and waiting tasks among all by their state finds these.
DROP INDEX task_unfinished;
-- Most tasks have no parent.
DROP INDEX task_parent;
CREATE INDEX task_parent ON task (parent_id) WHERE parent_id IS NOT NULL;

ALTER TABLE task_lock RENAME TO task_lock_before;
DROP INDEX task_lock_task;
CREATE TABLE task_lock (
    resource {text} NOT NULL,
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    exclusive {bool} NOT NULL,
    -- 0 waits, 1 is held, 2 is only a note.
    standing {int} NOT NULL,
    PRIMARY KEY (resource, standing, task_id)
){clustered};
INSERT INTO task_lock (resource, task_id, exclusive, standing)
    SELECT resource, task_id, exclusive, standing FROM task_lock_before;
DROP TABLE task_lock_before;
CREATE INDEX task_lock_task ON task_lock (task_id);
