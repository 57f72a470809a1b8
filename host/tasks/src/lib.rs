//! Runs tasks: scheduler, locks, workers, and one kind of task a file.
