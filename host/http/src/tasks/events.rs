//! What happens to a task, told while it happens: server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Path;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use pith_db::task::{self, Task};
use pith_model::TaskId;
use pith_tasks::Watcher;
use serde_json::Value;

use super::{find, find_typed, shape};
use crate::context::Context;
use crate::document::Object;
use crate::error::Result;

/// Often enough for proxies that cut silent connections.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// `GET tasks/<id>/events/`
pub(super) async fn events(context: Context, Path(id): Path<String>) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &id).await?
    };
    Ok(follow(context, task.id))
}

/// `GET tasks/<plugin>/<type>/<id>/events/`
pub(super) async fn typed(
    context: Context,
    Path(path): Path<(String, String, String)>,
) -> Result<Response> {
    let task = {
        let mut connection = context.app.database.read().await?;
        find_typed(&mut connection, &path).await?
    };
    Ok(follow(context, task.id))
}

/// Where a client stands.
struct Follower {
    context: Context,
    id: TaskId,
    watcher: Watcher,
    /// What was told last: the state, and the progress reports.
    told: Option<(&'static str, Value)>,
    is_over: bool,
}

/// Begins before the first look at the row, so that no change falls between.
fn follow(context: Context, id: TaskId) -> Response {
    let follower = Follower {
        watcher: context.app.scheduler.watch(id),
        context,
        id,
        told: None,
        is_over: false,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok::<Event, Infallible>(event), follower))
    });
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::new().interval(HEARTBEAT))
        .into_response();
    // A proxy that gathers answers would keep events back.
    response
        .headers_mut()
        .insert("x-accel-buffering", http::HeaderValue::from_static("no"));
    response
}

impl Follower {
    /// The next event; none when the task is over and that was told, when it was
    /// deleted, and when the server stops.
    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        loop {
            if self.told.is_some() {
                tokio::select! {
                    () = self.watcher.changed() => {}
                    () = self.context.app.closing.cancelled() => return None,
                }
            }
            match self.look().await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!("events of a task end early: {error:?}");
                    return None;
                }
            }
        }
    }

    /// Looks at the row; what is new there.
    async fn look(&mut self) -> Result<Option<Event>> {
        let mut connection = self.context.app.database.read().await?;
        let task = task::by_id(&mut connection, self.id)
            .await?
            .ok_or_else(crate::error::Error::not_found)?;
        let state = task.state.as_str();
        let (same_state, same_progress) = match &self.told {
            Some((told, progress)) => (*told == state, *progress == task.progress),
            None => (false, false),
        };
        if same_state && same_progress {
            return Ok(None);
        }
        self.is_over = task.state.is_over();
        self.told = Some((state, task.progress.clone()));
        if same_state {
            return Ok(Some(
                Event::default()
                    .event("progress")
                    .data(task.progress.to_string()),
            ));
        }
        let children = task::children_of(&mut connection, &[task.id]).await?;
        let text = self.whole(&task, &children);
        Ok(Some(Event::default().event("state").data(text)))
    }

    fn whole(&self, task: &Task, children: &shape::Children) -> String {
        let mut buffer = Vec::with_capacity(1024);
        let mut object = Object::begin(&mut buffer, None);
        shape::write(&mut object, task, self.context.root, children);
        object.end();
        String::from_utf8(buffer).unwrap_or_default()
    }
}
