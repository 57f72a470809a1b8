//! The workers of this process: they claim tasks, say that they live, and end what dead
//! processes left.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use pith_db::task_life::{self, Claimed};
use pith_db::worker::HEARTBEAT;
use pith_db::{Database, Dialect, Result};
use pith_model::{TaskId, Timestamp, WorkerId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::Toolbox;
use crate::bury::{bury_the_dead, bury_the_forgotten};
use crate::run::{Runner, Running};
use crate::scheduler::{READY_CHANNEL, Scheduler};

/// How often progress is written and called-off tasks are looked for: well within the
/// second that a user is promised.
const BEAT: Duration = Duration::from_millis(400);

/// How often tasks are looked for without having been told: what was told to a process
/// that died at that moment.
const LOOK: Duration = Duration::from_secs(2);

/// How long a stop waits for tasks to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the workers run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stays the same over restarts of one installation.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// How many tasks run at once.
    pub slots: usize,
}

/// The workers of this process.
#[derive(Debug)]
pub struct Workers {
    toolbox: Toolbox,
    scheduler: Scheduler,
    options: Options,
    pub(crate) id: WorkerId,
    /// Of this process's row.
    pub uuid: Uuid,
    /// One for each task that may run at once.
    places: Arc<Semaphore>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Workers {
    /// Registers this process and ends what its earlier life left.
    pub async fn register(
        toolbox: Toolbox,
        scheduler: Scheduler,
        options: Options,
    ) -> Result<Self> {
        let mut transaction = toolbox.services.database.write().await?;
        let (id, uuid) =
            pith_db::worker::insert(&mut transaction, &options.name, &options.version).await?;
        transaction.commit().await?;
        let workers = Self {
            toolbox,
            scheduler,
            id,
            uuid,
            places: Arc::new(Semaphore::new(options.slots.max(1))),
            options,
            stop: CancellationToken::new(),
            tracker: TaskTracker::new(),
        };
        workers.bury_the_dead().await?;
        Ok(workers)
    }

    fn database(&self) -> &Database {
        &self.toolbox.services.database
    }

    /// Starts working; returns at once.
    pub fn start(self: &Arc<Self>) {
        let shared = self.scheduler.shared();
        shared.workers.get_or_init(|| Arc::downgrade(self));
        tokio::spawn(Arc::clone(self).claim_tasks());
        tokio::spawn(Arc::clone(self).keep_alive());
        tokio::spawn(Arc::clone(self).beat());
        if self.database().dialect() == Dialect::Postgres {
            tokio::spawn(Arc::clone(self).listen());
        }
    }

    /// Stops claiming, stops what runs, and says goodbye.
    pub async fn shut_down(&self) {
        self.stop.cancel();
        let running: Vec<CancellationToken> = {
            let shared = self.scheduler.shared();
            let running = shared
                .running
                .lock()
                .expect("nobody panics while holding it");
            running.values().cloned().collect()
        };
        for token in running {
            token.cancel();
        }
        self.tracker.close();
        if tokio::time::timeout(PATIENCE, self.tracker.wait())
            .await
            .is_err()
        {
            tracing::warn!("some tasks did not stop in time; the next start ends them");
            return;
        }
        let goodbye = async {
            let mut transaction = self.database().write().await?;
            pith_db::worker::delete(&mut transaction, self.id).await?;
            transaction.commit().await
        };
        if let Err(error) = goodbye.await {
            tracing::warn!(%error, "this process could not say goodbye: {error}");
        }
    }

    /// A place for a task that can run now, if one is free.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.stop.is_cancelled() {
            return None;
        }
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Runs a task of this worker's until it ends, and gives its place free; returns at once.
    pub(crate) fn run(&self, task: Claimed, place: OwnedSemaphorePermit) {
        let running = Running::new(task.id, self.scheduler.shared());
        if self.stop.is_cancelled() {
            // It may have come too late for those who stop what runs.
            running.cancel();
        }
        let runner = self.runner();
        let scheduler = self.scheduler.clone();
        self.tracker.spawn(async move {
            if runner.run(task, running).await > 0 {
                scheduler.shared().ready.notify_one();
            }
            // While tasks are left, whoever claims them waits for the place itself.
            drop(place);
        });
    }

    async fn claim_tasks(self: Arc<Self>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let told = tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.scheduler.shared().ready.notified() => true,
                _ = look.tick() => false,
            };
            loop {
                // As many as there are places, at least one.
                let Ok(mut free) = Arc::clone(&self.places).acquire_owned().await else {
                    return;
                };
                while let Ok(more) = Arc::clone(&self.places).try_acquire_owned() {
                    free.merge(more);
                }
                if self.stop.is_cancelled() {
                    return;
                }
                let claimed = match self.claim(free.num_permits(), told).await {
                    Ok(claimed) => claimed,
                    Err(error) => {
                        tracing::error!(%error, "tasks could not be claimed: {error}");
                        break;
                    }
                };
                let all = claimed.len() == free.num_permits();
                for task in claimed {
                    let Some(place) = free.split(1) else { break };
                    self.run(task, place);
                }
                if !all {
                    break;
                }
            }
        }
    }

    fn runner(&self) -> Runner {
        Runner {
            toolbox: self.toolbox.clone(),
            worker: self.id,
            stop: self.stop.clone(),
            watched: Arc::clone(&self.scheduler.shared().watched),
        }
    }

    async fn claim(&self, limit: usize, told: bool) -> Result<Vec<Claimed>> {
        if !told {
            let mut connection = self.database().read().await?;
            if !task_life::any_ready(&mut connection).await? {
                return Ok(Vec::new());
            }
        }
        let mut transaction = self.database().write().await?;
        let claimed = task_life::claim(&mut transaction, self.id, limit).await?;
        transaction.commit().await?;
        Ok(claimed)
    }

    /// Renews the lease, and takes the tasks of those who did not renew theirs.
    async fn keep_alive(self: Arc<Self>) {
        let mut tick = interval(HEARTBEAT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut suspects = HashSet::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let alive = async {
                let mut transaction = self.database().write().await?;
                let alive = pith_db::worker::beat(&mut transaction, self.id).await?;
                transaction.commit().await?;
                if self.database().dialect() == Dialect::Postgres {
                    self.bury_the_dead().await?;
                }
                let shared = self.scheduler.shared();
                bury_the_forgotten(&self.toolbox, shared, self.id, &mut suspects).await?;
                Ok::<_, pith_db::Error>(alive)
            };
            match alive.await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::error!(
                        "other servers gave this process up because it was silent for too long; \
                         it stops, and whatever watches it should start it again"
                    );
                    self.shut_down().await;
                    std::process::exit(1);
                }
                Err(error) => tracing::error!(%error, "the lease could not be renewed: {error}"),
            }
        }
    }

    async fn bury_the_dead(&self) -> Result<()> {
        let shared = self.scheduler.shared();
        bury_the_dead(&self.toolbox, shared, &self.options.name, self.id).await
    }

    /// Looks for tasks that another process called off, and for changes of tasks that
    /// somebody watches here and another process runs: a question for all of them.
    async fn beat(self: Arc<Self>) {
        if self.database().dialect() == Dialect::Sqlite {
            // One process: whoever calls off a task tells it directly.
            return;
        }
        let mut tick = interval(BEAT);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen: HashMap<TaskId, Timestamp> = HashMap::new();
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let looked = async {
                self.look_for_called_off().await?;
                self.look_at_watched(&mut seen).await
            };
            if let Err(error) = looked.await {
                tracing::warn!(%error, "could not look at what other processes did: {error}");
            }
        }
    }

    async fn look_for_called_off(&self) -> Result<()> {
        let idle = {
            let shared = self.scheduler.shared();
            shared
                .running
                .lock()
                .expect("nobody panics while holding it")
                .is_empty()
        };
        if idle {
            return Ok(());
        }
        let mut connection = self.database().read().await?;
        let tasks = task_life::to_cancel(&mut connection, self.id).await?;
        for task in tasks {
            self.scheduler.stop(task);
        }
        Ok(())
    }

    async fn look_at_watched(&self, seen: &mut HashMap<TaskId, Timestamp>) -> Result<()> {
        let watched = &self.scheduler.shared().watched;
        let ids = watched.ids();
        if ids.is_empty() {
            seen.clear();
            return Ok(());
        }
        let mut connection = self.database().read().await?;
        let now = task_life::last_changes(&mut connection, &ids).await?;
        for id in &ids {
            // One that is gone is told again and again, until its watcher sees it.
            if !now.contains_key(id) || now.get(id) != seen.get(id) {
                watched.changed(*id);
            }
        }
        *seen = now;
        Ok(())
    }

    /// Hears from other processes that a task may be ready.
    async fn listen(self: Arc<Self>) {
        let Some(pool) = self.database().postgres().cloned() else {
            return;
        };
        loop {
            let heard = async {
                let mut listener = sqlx::postgres::PgListener::connect_with(&pool).await?;
                listener.listen(READY_CHANNEL).await?;
                loop {
                    listener.recv().await?;
                    self.scheduler.shared().ready.notify_one();
                }
                #[expect(unreachable_code, reason = "names the type of the block")]
                Ok::<(), sqlx::Error>(())
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                ended = heard => {
                    if let Err(error) = ended {
                        tracing::warn!(%error, "listening for tasks broke off: {error}");
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
