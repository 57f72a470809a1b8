//! Ends tasks that nobody runs: those of processes that died, and those that this process
//! was given without hearing of it, as when its connection broke while it committed.

use std::collections::HashSet;

use pith_content::version::{discard_of_task, discard_of_worker};
use pith_db::task_life::{self, Lost};
use pith_db::{Result, worker};
use pith_model::task::TaskError;
use pith_model::{TaskId, WorkerId};

use crate::Toolbox;
use crate::scheduler::{Shared, announce};

/// What a task is told whose process died.
fn worker_lost() -> TaskError {
    TaskError::new(
        "worker-lost",
        "the server process that ran the task ended before the task did",
    )
}

/// What a task is told whose process never heard of it.
fn never_begun() -> TaskError {
    TaskError::new(
        "worker-lost",
        "the server process that was to run the task lost the database in that moment",
    )
}

/// Ends the tasks of dead processes, and of earlier lives of the one called `name`.
pub(crate) async fn bury_the_dead(
    toolbox: &Toolbox,
    shared: &Shared,
    name: &str,
    own: WorkerId,
) -> Result<()> {
    let services = &toolbox.services;
    let mut connection = services.database.read().await?;
    let dead = worker::dead(&mut connection, name, own).await?;
    drop(connection);
    for dead in dead {
        if let Err(error) = discard_of_worker(services, dead).await {
            tracing::error!(%error, "what a dead process left could not be cleared: {error}");
            continue;
        }
        let mut transaction = services.database.write().await?;
        let lost = task_life::running_of(&mut transaction, dead).await?;
        for task in &lost {
            task_life::fail_lost(&mut transaction, dead, task, &worker_lost()).await?;
        }
        worker::delete(&mut transaction, dead).await?;
        announce(&mut transaction).await?;
        transaction.commit().await?;
        if !lost.is_empty() {
            tracing::warn!("ended {} tasks of a server process that died", lost.len());
        }
        shared.ready.notify_one();
    }
    Ok(())
}

/// Ends tasks that are said to run in this process and do not. `suspects` are those that
/// looked so the last time: one that was claimed a moment ago is not known here yet.
pub(crate) async fn bury_the_forgotten(
    toolbox: &Toolbox,
    shared: &Shared,
    own: WorkerId,
    suspects: &mut HashSet<TaskId>,
) -> Result<()> {
    let database = &toolbox.services.database;
    let mut connection = database.read().await?;
    let rows = task_life::running_of(&mut connection, own).await?;
    drop(connection);
    let forgotten: Vec<Lost> = {
        let running = shared
            .running
            .lock()
            .expect("nobody panics while holding it");
        rows.into_iter()
            .filter(|row| !running.contains_key(&row.leader.unwrap_or(row.id)))
            .collect()
    };
    let before = std::mem::take(suspects);
    for task in forgotten {
        if !before.contains(&task.id) {
            suspects.insert(task.id);
            continue;
        }
        if let Err(error) = discard_of_task(&toolbox.services, task.id).await {
            tracing::error!(%error, "what a task left could not be cleared: {error}");
            continue;
        }
        let mut transaction = database.write().await?;
        task_life::fail_lost(&mut transaction, own, &task, &never_begun()).await?;
        announce(&mut transaction).await?;
        transaction.commit().await?;
        tracing::warn!("ended a task that nobody ran");
        shared.watched.changed(task.id);
        shared.ready.notify_one();
    }
    Ok(())
}
