//! Who watches which task, so that whoever changes one can tell; a task that nobody
//! watches costs one look into an empty map.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use pith_model::TaskId;
use tokio::sync::watch;

/// The tasks that are watched in this process.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<TaskId, watch::Sender<()>>>);

impl Watched {
    /// Tells those who watch a task that its row changed.
    pub(crate) fn changed(&self, task: TaskId) {
        let watched = self.0.lock().expect("nobody panics while holding it");
        if let Some(sender) = watched.get(&task) {
            sender.send_replace(());
        }
    }

    /// The tasks that are watched.
    pub(crate) fn ids(&self) -> Vec<TaskId> {
        let watched = self.0.lock().expect("nobody panics while holding it");
        watched.keys().copied().collect()
    }

    /// Watches a task from now on.
    pub(crate) fn watch(self: &Arc<Self>, task: TaskId) -> Watcher {
        let mut watched = self.0.lock().expect("nobody panics while holding it");
        let sender = watched
            .entry(task)
            .or_insert_with(|| watch::Sender::new(()));
        Watcher {
            task,
            receiver: sender.subscribe(),
            watched: Arc::clone(self),
        }
    }
}

/// Waits for changes of one task.
#[derive(Debug)]
pub struct Watcher {
    task: TaskId,
    receiver: watch::Receiver<()>,
    watched: Arc<Watched>,
}

impl Watcher {
    /// Waits until the task's row may have changed since the last call, or since the
    /// watch began. Changes that come fast are told once.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The sender stays as long as anybody watches.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = self
            .watched
            .0
            .lock()
            .expect("nobody panics while holding it");
        if let Some(sender) = watched.get(&self.task)
            && sender.receiver_count() <= 1
        {
            watched.remove(&self.task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_those_who_watch_are_told_and_the_last_one_ends_it() {
        let watched = Arc::new(Watched::default());
        let mut one = watched.watch(TaskId(1));
        let other = watched.watch(TaskId(1));
        watched.changed(TaskId(2));
        watched.changed(TaskId(1));
        watched.changed(TaskId(1));
        one.changed().await;
        drop(other);
        assert_eq!(watched.ids(), [TaskId(1)]);
        drop(one);
        assert_eq!(watched.ids(), []);
    }
}
