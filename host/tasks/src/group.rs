//! Runs the tasks of an atomic group one after the other and makes their results visible
//! in one transaction.
//!
//! Invariant: nothing of the group is visible before all of it is. Each task sees what
//! the ones before it made ([`Heads`]); the first one holds the locks of all.

use pith_content::error::{Code, Error};
use pith_db::Transaction;
use pith_db::task_life::{self, Claimed};
use pith_model::task::{TaskError, TaskState};

use crate::commit::Commit;
use crate::heads::Heads;
use crate::run::{ATTEMPTS, Context, Runner, Running, completed, failed, failure, transient};

/// A task whose work is done and not visible.
struct Prepared {
    context: Context,
    commit: Box<dyn Commit>,
}

/// Runs a group; how many tasks can run now that could not before.
pub(crate) async fn run(
    runner: &Runner,
    leader: Claimed,
    running: &Running,
) -> pith_db::Result<u64> {
    let database = &runner.toolbox.services.database;
    let mut connection = database.read().await?;
    let tasks = task_life::of_leader(&mut connection, leader.id).await?;
    drop(connection);
    let ended = run_all(runner, &tasks, running).await;
    for task in &tasks {
        runner.watched.changed(task.id);
    }
    ended
}

async fn run_all(runner: &Runner, tasks: &[Claimed], running: &Running) -> pith_db::Result<u64> {
    let database = &runner.toolbox.services.database;
    let heads = Heads::default();
    let mut prepared: Vec<Prepared> = Vec::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        if at > 0 {
            let mut transaction = database.write().await?;
            task_life::begin_follower(&mut transaction, task.id, runner.worker).await?;
            transaction.commit().await?;
        }
        runner.watched.changed(task.id);
        tracing::debug!("task {} ({}) begins, in a group", task.uuid, task.name);
        let context = runner.context(task.clone(), running, &heads);
        match runner.supervise(&context).await {
            Ok(commit) => prepared.push(Prepared { context, commit }),
            Err(error) => {
                let rest = &tasks[at + 1..];
                return fail(runner, prepared, context, rest, error).await;
            }
        }
    }
    match complete(runner, &prepared).await {
        Ok(Some(runnable)) => {
            for one in &prepared {
                one.commit.committed(&runner.toolbox.services).await;
            }
            Ok(runnable)
        }
        Ok(None) => {
            tracing::warn!("a group was taken from this process before it ended");
            Ok(0)
        }
        Err((at, error)) => {
            // What comes after the culprit ended as badly as what came before.
            let culprit = prepared.remove(at);
            fail(runner, prepared, culprit.context, &[], failed(error)).await
        }
    }
}

/// Makes everything visible; an error says which task of the group caused it.
async fn complete(runner: &Runner, prepared: &[Prepared]) -> Result<Option<u64>, (usize, Error)> {
    let mut attempt = 0;
    loop {
        match try_complete(runner, prepared).await {
            Err((_, error)) if error.code == Code::Unavailable && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(pith_content::ingest::REMOVAL_PAUSE).await;
            }
            other => return other,
        }
    }
}

async fn try_complete(
    runner: &Runner,
    prepared: &[Prepared],
) -> Result<Option<u64>, (usize, Error)> {
    let database = &runner.toolbox.services.database;
    let begun = if prepared.iter().any(|one| one.commit.is_durable()) {
        database.write_durably().await
    } else {
        database.write().await
    };
    let mut transaction = begun.map_err(|error| (0, error.into()))?;
    let mut runnable = 0;
    for (at, one) in prepared.iter().enumerate() {
        match end(runner, &mut transaction, one).await {
            Ok(Some(more)) => runnable += more,
            Ok(None) => return Ok(None),
            Err(error) => return Err((at, error)),
        }
    }
    let committed = transaction.commit().await;
    committed.map_err(|error| (0, transient(error)))?;
    Ok(Some(runnable))
}

async fn end(
    runner: &Runner,
    transaction: &mut Transaction,
    one: &Prepared,
) -> Result<Option<u64>, Error> {
    let outcome = one.commit.commit(transaction).await?;
    let ending = completed(&one.context, outcome);
    task_life::finish(transaction, one.context.task.id, runner.worker, ending)
        .await
        .map_err(transient)
}

/// Takes everything back and ends all tasks of the group: the one that failed with its
/// error, those that had done their work with a hint at it, and the rest unrun.
async fn fail(
    runner: &Runner,
    prepared: Vec<Prepared>,
    culprit: Context,
    rest: &[Claimed],
    error: TaskError,
) -> pith_db::Result<u64> {
    let (state, error) = runner.ending_of(&culprit, error);
    let because = match &error {
        Some(error) => {
            let uuid = culprit.task.uuid;
            tracing::warn!(%error, "task {uuid} failed, and its group with it: {error}");
            Some(TaskError::new(
                "group-failed",
                format!("nothing was kept, because task {uuid} of the same group failed: {error}"),
            ))
        }
        None => None,
    };
    let services = &runner.toolbox.services;
    let begun = std::iter::once(&culprit).chain(prepared.iter().rev().map(|one| &one.context));
    for context in begun {
        let discarded = pith_content::version::discard_of_task(services, context.task.id).await;
        if let Err(error) = discarded {
            let uuid = context.task.uuid;
            tracing::error!(%error, "what task {uuid} left could not be cleared: {error}");
        }
    }
    let mut transaction = services.database.write().await?;
    let mut runnable = 0;
    for one in &prepared {
        let ending = failure(&one.context, state, because.clone());
        let id = one.context.task.id;
        let more = task_life::finish(&mut transaction, id, runner.worker, ending).await?;
        runnable += more.unwrap_or(0);
    }
    for task in rest {
        let (state, error) = match state {
            TaskState::Canceled => (TaskState::Canceled, None),
            _ => (TaskState::Skipped, because.as_ref()),
        };
        task_life::finish_waiting(&mut transaction, task.id, state, error).await?;
    }
    let ending = failure(&culprit, state, error);
    let more = task_life::finish(&mut transaction, culprit.task.id, runner.worker, ending).await?;
    runnable += more.unwrap_or(0);
    transaction.commit().await?;
    Ok(runnable)
}
