-- How many checkpoints a repository keeps, and how tasks used memory.

ALTER TABLE repository ADD COLUMN retain_checkpoints {int};

-- What was measured of a task because its maker asked for it.
CREATE TABLE task_profile (
    task_id {int} NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    -- Whoever knows it may download the profile.
    download_key {uuid} NOT NULL UNIQUE,
    body {text} NOT NULL,
    PRIMARY KEY (task_id, name)
);
