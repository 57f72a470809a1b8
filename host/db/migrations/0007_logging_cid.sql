-- Clients look for the tasks of one of their requests.
CREATE INDEX task_logging_cid ON task (logging_cid);
