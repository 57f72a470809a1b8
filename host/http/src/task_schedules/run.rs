//! Makes the tasks of schedules when they are due.
//!
//! Invariant: a run's task, and the moment of the next run, are written in one
//! transaction that holds the schedule's row: of several servers one makes the task.

use std::sync::Arc;
use std::time::Duration;

use pith_db::task::NewTask;
use pith_db::task_schedule::{self, Schedule};
use pith_model::Timestamp;
use serde_json::{Value, json};

use super::settings::{fields_of, following};
use crate::app::App;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::order;
use crate::tasks::order_of;

/// How often the schedules are looked at without need: other servers change them too.
const LOOK: Duration = Duration::from_secs(2);

/// When to look again at a schedule that another server is busy with, in microseconds.
const SOON: i64 = 50_000;

/// Runs until the server stops.
pub(crate) async fn run(app: Arc<App>) {
    loop {
        let pause = match run_due(&app).await {
            Ok(next) => until(next),
            Err(error) => {
                tracing::error!("schedules could not be looked at: {error:?}");
                LOOK
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = app.schedules_changed.notified() => {}
            () = app.closing.cancelled() => return,
        }
    }
}

/// How long until the next is due, or until the next look.
fn until(next: Option<Timestamp>) -> Duration {
    let now = Timestamp::now();
    next.map_or(LOOK, |next| {
        let left = u64::try_from(next.0 - now.0).unwrap_or(0);
        Duration::from_micros(left).min(LOOK)
    })
}

/// Makes the tasks that are due; when the next one is.
async fn run_due(app: &Arc<App>) -> Result<Option<Timestamp>> {
    loop {
        let due = {
            let mut connection = app.database.read().await?;
            task_schedule::next(&mut connection).await?
        };
        let Some(schedule) = due else {
            return Ok(None);
        };
        let next = schedule.settings.next_dispatch;
        if next.is_none_or(|next| next > Timestamp::now()) {
            return Ok(next);
        }
        // One generation of each plugin for the whole order, made before the transaction:
        // it asks the database too, and the writer may be the only connection.
        let new = new_task(&app.pinned(), &schedule).await;
        if !make(app, &schedule, new).await? {
            let soon = Timestamp::now().0.saturating_add(SOON);
            return Ok(Some(Timestamp(soon)));
        }
        app.scheduler.wake();
    }
}

/// Makes the task of a run and sets when the next one is due; not if another server did
/// it, or the schedule was changed meanwhile.
async fn make(app: &Arc<App>, schedule: &Schedule, new: Result<NewTask>) -> Result<bool> {
    let mut transaction = app.database.write_durably().await?;
    if !task_schedule::take(&mut transaction, schedule).await? {
        return Ok(false);
    }
    // Only now: what passed while waiting for the transaction is not made up for.
    let now = Timestamp::now();
    let name = &schedule.settings.name;
    let made = match new {
        Ok(new) => {
            let (task, uuid) = app.scheduler.dispatch_in(&mut transaction, new).await?;
            tracing::info!("schedule {name:?} made task {uuid}");
            Ok(task)
        }
        Err(error) => {
            tracing::warn!("schedule {name:?} could not make its task: {error:?}");
            Err(told(&error, now))
        }
    };
    let following = following(&schedule.settings, now);
    task_schedule::note_run(&mut transaction, schedule.id, following, made).await?;
    transaction.commit().await?;
    Ok(true)
}

/// The task of a schedule, on behalf of whoever made the schedule.
async fn new_task(app: &Arc<App>, schedule: &Schedule) -> Result<NewTask> {
    let user = match schedule.user {
        Some(id) => {
            let mut connection = app.database.read().await?;
            pith_db::user::by_id(&mut connection, id).await?
        }
        None => None,
    };
    let user = user
        .filter(|user| user.is_active)
        .ok_or_else(Error::forbidden)?;
    // What he may do now, and not what he might when he made the schedule.
    let context = Context::of_user(app, user).await?;
    let settings = &schedule.settings;
    let fields = fields_of(settings);
    let order = order_of(&context, &settings.plugin, &settings.type_name, fields).await?;
    order::new_task(&context, order)
}

/// What the schedule shows of a run that made no task.
fn told(error: &Error, now: Timestamp) -> Value {
    let errors = if error.is_clients() {
        json!(error.field_errors())
    } else {
        json!({"detail": "The server failed to do this; its log says why."})
    };
    json!({"at": now, "errors": errors})
}
