//! Where tasks are made and called off; workers are told, in this process at once and
//! in others through the database.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use pith_db::task::NewTask;
use pith_db::task_life::{self, Cancelled, Claimed};
use pith_db::{Connection, Database, Dialect, Result, Transaction, sql};
use pith_model::TaskId;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::watch::{Watched, Watcher};
use crate::worker::Workers;

/// The channel on which PostgreSQL tells other processes that a task can run.
pub(crate) const READY_CHANNEL: &str = "pith_task_ready";

/// How long news of tasks for other processes are gathered.
const MOMENT: Duration = Duration::from_millis(5);

/// How often a task is called off anew that another transaction changes at the same time.
const ATTEMPTS: usize = 10;

/// Makes tasks; cheap to clone.
#[derive(Clone, Debug)]
pub struct Scheduler {
    database: Database,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// A task may be ready.
    pub(crate) ready: Notify,
    /// Tasks that run in this process.
    pub(crate) running: Mutex<HashMap<TaskId, CancellationToken>>,
    /// The workers of this process, once they are there.
    pub(crate) workers: OnceLock<Weak<Workers>>,
    /// Other processes are about to be told that a task may be ready.
    announces: AtomicBool,
    /// Tasks that somebody watches from this process.
    pub(crate) watched: Arc<Watched>,
}

impl Scheduler {
    /// A scheduler over a database.
    pub fn new(database: Database) -> Self {
        Self {
            database,
            shared: Arc::default(),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Makes a task. It runs as soon as its locks and a worker are free: at once, if they
    /// are free now.
    pub async fn dispatch(&self, task: NewTask) -> Result<(TaskId, Uuid)> {
        let scheduler = self.clone();
        // In a task of its own, so that whoever goes away in the middle leaves none that
        // is said to run and does not.
        let made = tokio::spawn(async move { scheduler.make(task).await });
        made.await
            .map_err(|_| pith_db::Error::Unexpected("a task that could not be made".into()))?
    }

    async fn make(&self, new: NewTask) -> Result<(TaskId, Uuid)> {
        let workers = self.shared.workers.get().and_then(Weak::upgrade);
        let place = workers.as_ref().and_then(|workers| workers.place());
        let worker = place.as_ref().and(workers.as_ref()).map(|own| own.id);
        let (name, plugin, work) = (new.name.clone(), new.plugin.clone(), new.work.clone());
        let (user, locks) = (new.user, new.locks.clone());
        let mut transaction = self.database.write_in(&locks).await?;
        let (id, uuid, runs) = pith_db::task::insert_for(&mut transaction, new, worker).await?;
        transaction.commit().await?;
        if !runs {
            self.announce_soon();
        }
        let task = Claimed {
            id,
            uuid,
            name,
            plugin,
            work,
            leads: false,
            user,
            locks,
        };
        match (workers, place) {
            (Some(workers), Some(place)) if runs => workers.run(task, place),
            _ => self.shared.ready.notify_one(),
        }
        Ok((id, uuid))
    }

    /// Makes a task in a transaction of the caller's, who calls [`Scheduler::wake`] when
    /// it is committed.
    pub async fn dispatch_in(
        &self,
        transaction: &mut Transaction,
        task: NewTask,
    ) -> Result<(TaskId, Uuid)> {
        let made = pith_db::task::insert(transaction, task).await?;
        announce(transaction).await?;
        Ok(made)
    }

    /// Tells the workers of this process that a task may be ready.
    pub fn wake(&self) {
        self.shared.ready.notify_one();
    }

    /// Watches a task from now on, whichever process runs it.
    pub fn watch(&self, task: TaskId) -> Watcher {
        self.shared.watched.watch(task)
    }

    /// Makes a group of tasks, in their order.
    pub async fn dispatch_group(
        &self,
        description: &str,
        atomic: bool,
        tasks: Vec<NewTask>,
    ) -> Result<(Uuid, Vec<TaskId>)> {
        let mut transaction = self.database.write().await?;
        let made =
            pith_db::task_group::insert(&mut transaction, description, atomic, tasks).await?;
        transaction.commit().await?;
        self.announce_soon();
        self.shared.ready.notify_one();
        Ok(made)
    }

    /// Calls a task off, of an atomic group all of them. One that runs stops within a second.
    pub async fn cancel(&self, task: TaskId) -> Result<Cancelled> {
        let mut attempt = 1;
        let cancelled = loop {
            match self.call_off(task).await {
                // Whoever ends the tasks of a group just now has the same rows in another order.
                Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
                outcome => break outcome?,
            }
        };
        self.shared.watched.changed(task);
        match cancelled {
            Cancelled::Asked(running) => self.stop(running),
            Cancelled::Ended(_) => self.shared.ready.notify_one(),
            Cancelled::TooLate => {}
        }
        Ok(cancelled)
    }

    /// Tells other processes that a task may be ready: once for all who ask within a moment,
    /// and outside of their transactions, for PostgreSQL lets those that notify commit one
    /// after the other. A process that dies before has others look for themselves.
    fn announce_soon(&self) {
        if self.database.dialect() != Dialect::Postgres
            || self.shared.announces.swap(true, Ordering::SeqCst)
        {
            return;
        }
        let scheduler = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(MOMENT).await;
            scheduler.shared.announces.store(false, Ordering::SeqCst);
            let announced = async { announce(&mut scheduler.database.read().await?).await };
            if let Err(error) = announced.await {
                tracing::warn!(%error, "other processes were not told of a task: {error}");
            }
        });
    }

    async fn call_off(&self, task: TaskId) -> Result<Cancelled> {
        let mut transaction = self.database.write().await?;
        let cancelled = task_life::cancel(&mut transaction, task).await?;
        if let Cancelled::Ended(runnable) = cancelled
            && runnable > 0
        {
            announce(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(cancelled)
    }

    /// Stops a task if it runs in this process; others look for themselves.
    pub(crate) fn stop(&self, task: TaskId) {
        let running = self
            .shared
            .running
            .lock()
            .expect("nobody panics while holding it");
        if let Some(token) = running.get(&task) {
            token.cancel();
        }
    }
}

/// Tells other processes, when this transaction commits, that a task may be ready.
pub(crate) async fn announce(connection: &mut Connection) -> Result<()> {
    if connection.dialect() == Dialect::Postgres {
        sql("SELECT pg_notify(?, '')")
            .bind(READY_CHANNEL)
            .execute(connection)
            .await?;
    }
    Ok(())
}
