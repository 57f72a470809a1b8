//! Runs one task from its row to its end.

use std::sync::Arc;
use std::time::Duration;

use pith_content::error::{Code, Error};
use pith_content::progress::Progress;
use pith_db::task_life::{self, Claimed, Ending};
use pith_model::task::{TaskError, TaskState};
use pith_model::{TaskId, WorkerId};
use pith_plugin::Generation;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::carry_out::carry_out;
use crate::commit::{Commit, Created, Outcome};
use crate::heads::Heads;
use crate::profile::MemoryProfile;
use crate::scheduler::Shared;
use crate::watch::Watched;
use crate::work::Work;
use crate::{Toolbox, group};

/// How often a running task's progress is written.
const PROGRESS: Duration = Duration::from_millis(500);

/// How often a commit is tried that other transactions come in between of.
pub(crate) const ATTEMPTS: usize = 10;

/// A task that runs in this process, known to whoever may call it off.
pub(crate) struct Running {
    id: TaskId,
    cancel: CancellationToken,
    shared: Arc<Shared>,
}

impl Running {
    pub(crate) fn new(id: TaskId, shared: &Arc<Shared>) -> Self {
        let cancel = CancellationToken::new();
        let mut running = shared
            .running
            .lock()
            .expect("nobody panics while holding it");
        running.insert(id, cancel.clone());
        drop(running);
        Self {
            id,
            cancel,
            shared: Arc::clone(shared),
        }
    }

    /// Calls the task off.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self
            .shared
            .running
            .lock()
            .expect("nobody panics while holding it");
        running.remove(&self.id);
    }
}

/// What a kind of task works with.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) toolbox: Toolbox,
    pub(crate) task: Claimed,
    pub(crate) progress: Progress,
    /// What earlier tasks of its group made.
    pub(crate) heads: Heads,
    pub(crate) cancel: CancellationToken,
}

impl Context {
    /// The plugin's generation that the task runs on from beginning to end.
    pub(crate) fn generation(&self, plugin: &str) -> Result<Arc<Generation>, TaskError> {
        self.toolbox.plugins.current(plugin).ok_or_else(|| {
            TaskError::new(
                "unavailable",
                format!("the plugin {plugin:?} is not in service"),
            )
        })
    }

    /// The task as a plugin's call sees it.
    pub(crate) fn caller(
        &self,
        params: Value,
        checkpoint: Option<Value>,
    ) -> pith_plugin::call::Caller {
        pith_plugin::call::Caller {
            id: self.task.uuid.to_string(),
            task: Arc::new(pith_content::task::TaskHandle::new(
                params,
                self.progress.clone(),
                checkpoint,
            )),
            cancel: self.cancel.clone(),
        }
    }
}

/// A failure of the host's own as a task's error.
pub(crate) fn failed(error: Error) -> TaskError {
    TaskError::new(error.code.as_str(), error.message)
}

/// A failure of the database as a task's error.
pub(crate) fn failed_db(error: pith_db::Error) -> TaskError {
    failed(error.into())
}

/// The row that a task was made for is gone.
pub(crate) fn gone(what: &str) -> TaskError {
    TaskError::new(
        "not-found",
        format!("the {what} was deleted before the task ran"),
    )
}

pub(crate) struct Runner {
    pub(crate) toolbox: Toolbox,
    pub(crate) worker: WorkerId,
    pub(crate) stop: CancellationToken,
    pub(crate) watched: Arc<Watched>,
}

impl Runner {
    /// Runs a claimed task; how many tasks can run now that could not before.
    pub(crate) async fn run(&self, task: Claimed, running: Running) -> u64 {
        let span = tracing::info_span!("task", task.id = %task.uuid);
        let uuid = task.uuid;
        let id = task.id;
        self.watched.changed(id);
        let ended = async {
            if task.leads {
                group::run(self, task, &running).await
            } else {
                self.run_one(task, &running).await
            }
        };
        let ended = ended.instrument(span).await;
        self.watched.changed(id);
        match ended {
            Ok(runnable) => runnable,
            Err(error) => {
                // The row stays `running`; when the lease ends, somebody buries it.
                tracing::error!(%error, "task {uuid} could not be ended: {error}");
                0
            }
        }
    }

    /// What a task of this process works with.
    pub(crate) fn context(&self, task: Claimed, running: &Running, heads: &Heads) -> Context {
        Context {
            toolbox: self.toolbox.pinned(),
            task,
            progress: Progress::default(),
            heads: heads.clone(),
            cancel: running.cancel.clone(),
        }
    }

    async fn run_one(&self, task: Claimed, running: &Running) -> pith_db::Result<u64> {
        let context = self.context(task, running, &Heads::default());
        let uuid = context.task.uuid;
        tracing::debug!("task {uuid} ({}) begins", context.task.name);
        match self.supervise(&context).await {
            Ok(commit) => match self.complete(&context, commit.as_ref()).await {
                Ok(Some(runnable)) => {
                    commit.committed(&self.toolbox.services).await;
                    tracing::debug!("task {uuid} completed");
                    Ok(runnable)
                }
                Ok(None) => {
                    tracing::warn!("task {uuid} was taken from this process before it ended");
                    Ok(0)
                }
                Err(error) => self.fail(&context, failed(error)).await,
            },
            Err(error) => self.fail(&context, error).await,
        }
    }

    /// Carries the work out, and measures it if that was asked for.
    pub(crate) async fn supervise(&self, context: &Context) -> Result<Box<dyn Commit>, TaskError> {
        let profile = MemoryProfile::begin(&context.task.work);
        let ended = self.watch_over(context).await;
        if let Some(profile) = profile {
            let database = &self.toolbox.services.database;
            profile.end(database, context.task.id).await;
        }
        ended
    }

    /// Carries the work out, writes progress meanwhile, and drops it when called off.
    async fn watch_over(&self, context: &Context) -> Result<Box<dyn Commit>, TaskError> {
        let work: Work = serde_json::from_value(context.task.work.clone())
            .map_err(|_| TaskError::new("internal", "the task's work cannot be read"))?;
        let mut tick = interval(PROGRESS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        // In a task of its own, so that a panic is this task's failure and no other's.
        let mut carried = tokio::spawn(carry_out(context.clone(), work).in_current_span());
        loop {
            tokio::select! {
                ended = &mut carried => {
                    return ended.unwrap_or_else(|error| {
                        tracing::error!(%error, "task {} panicked: {error}", context.task.uuid);
                        Err(TaskError::new("internal", "the server broke while it ran the task; its log says where"))
                    });
                }
                () = context.cancel.cancelled() => {
                    // A plugin's call ends by itself; everything else is dropped.
                    if tokio::time::timeout(Duration::from_millis(300), &mut carried).await.is_err() {
                        carried.abort();
                    }
                    return Err(TaskError::new("cancelled", "the task was called off"));
                }
                _ = tick.tick() => self.write_progress(context).await,
            }
        }
    }

    async fn write_progress(&self, context: &Context) {
        let Some(progress) = context.progress.take_changed() else {
            return;
        };
        let written = async {
            let mut transaction = self.toolbox.services.database.write().await?;
            task_life::set_progress(&mut transaction, context.task.id, progress).await?;
            transaction.commit().await?;
            self.watched.changed(context.task.id);
            Ok::<(), pith_db::Error>(())
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "progress of {} was not written: {error}", context.task.uuid);
        }
    }

    /// Makes the results visible and ends the task, in one transaction.
    async fn complete(&self, context: &Context, commit: &dyn Commit) -> Result<Option<u64>, Error> {
        let mut attempt = 0;
        loop {
            match self.try_complete(context, commit).await {
                Err(error) if error.code == Code::Unavailable && attempt < ATTEMPTS => {
                    attempt += 1;
                    tokio::time::sleep(pith_content::ingest::REMOVAL_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    async fn try_complete(
        &self,
        context: &Context,
        commit: &dyn Commit,
    ) -> Result<Option<u64>, Error> {
        let database = &self.toolbox.services.database;
        let mut transaction = if commit.is_durable() {
            database.write_durably().await?
        } else {
            // There is next to nothing to write: nobody waits long for the task's queues.
            database.write_in(&context.task.locks).await?
        };
        let outcome = commit.commit(&mut transaction).await?;
        let ending = completed(context, outcome);
        let runnable = task_life::finish(&mut transaction, context.task.id, self.worker, ending)
            .await
            .map_err(transient)?;
        if runnable.is_none() {
            return Ok(None);
        }
        transaction.commit().await.map_err(transient)?;
        Ok(runnable)
    }

    async fn fail(&self, context: &Context, error: TaskError) -> pith_db::Result<u64> {
        if let Err(error) =
            pith_content::version::discard_of_task(&self.toolbox.services, context.task.id).await
        {
            tracing::error!(%error, "what task {} left could not be cleared: {error}", context.task.uuid);
        }
        let (state, error) = self.ending_of(context, error);
        if let Some(error) = &error {
            tracing::warn!(%error, "task {} ({}) failed: {error}", context.task.uuid, context.task.name);
        }
        let ending = failure(context, state, error);
        let mut transaction = self.toolbox.services.database.write().await?;
        let runnable =
            task_life::finish(&mut transaction, context.task.id, self.worker, ending).await?;
        transaction.commit().await?;
        Ok(runnable.unwrap_or(0))
    }

    /// What an error that ended a task's work makes of the task: whoever called it off,
    /// or stopped the server, meant it to end.
    pub(crate) fn ending_of(
        &self,
        context: &Context,
        error: TaskError,
    ) -> (TaskState, Option<TaskError>) {
        if self.stop.is_cancelled() {
            let error = TaskError::new(
                "worker-stopped",
                "the server was stopped while the task ran",
            );
            (TaskState::Failed, Some(error))
        } else if context.cancel.is_cancelled() {
            (TaskState::Canceled, None)
        } else {
            (TaskState::Failed, Some(error))
        }
    }
}

/// How a task ends whose results are visible.
pub(crate) fn completed(context: &Context, outcome: Outcome) -> Ending {
    context.progress.end("completed");
    Ending {
        state: TaskState::Completed,
        error: None,
        result: outcome.result,
        progress: context.progress.json(),
        created: Created::json(&outcome.created),
    }
}

/// How a task ends that made nothing visible.
pub(crate) fn failure(context: &Context, state: TaskState, error: Option<TaskError>) -> Ending {
    context.progress.end(match state {
        TaskState::Canceled => "canceled",
        TaskState::Skipped => "skipped",
        _ => "failed",
    });
    Ending {
        state,
        error,
        result: None,
        progress: context.progress.json(),
        created: json!([]),
    }
}

/// Another transaction came in between: worth another attempt.
pub(crate) fn transient(error: pith_db::Error) -> Error {
    if error.is_transient() {
        Error::unavailable("other transactions always came in between")
    } else {
        error.into()
    }
}
