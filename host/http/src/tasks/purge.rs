//! Forgetting many tasks that are over.

use std::time::Duration;

use axum::response::Response;
use pith_model::Timestamp;
use pith_model::task::{Lock, TaskState};
use pith_tasks::work::Work;
use serde_json::{Value, json};

use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::Form;
use crate::openapi::Field;
use crate::openapi::resource::object;
use crate::order::{self, Order};

/// Who purges holds this.
const PURGE: &str = "core.purge";

/// How long tasks are kept if nothing is said, as in Pulp.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// What a client can say.
const FIELDS: &[Field] = &[
    Field::time(
        "finished_before",
        "Those that ended before; 30 days ago if not given.",
    ),
    Field::texts(
        "states",
        "Those that ended so; completed ones if not given.",
    ),
];

/// What it takes.
pub(super) fn described() -> Value {
    object(FIELDS)
}

/// `POST tasks/purge/`
pub(super) async fn purge(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    let before = match form.text("finished_before") {
        Some(text) => Timestamp::parse(&text).unwrap_or_else(|| {
            form.wrong(
                "finished_before",
                "Expected a moment such as 2026-01-31T12:00:00Z.",
            );
            Timestamp::now()
        }),
        None => Timestamp::now().minus(KEPT),
    };
    let states = match form.list("states") {
        None => vec![TaskState::Completed],
        Some(list) => list
            .iter()
            .filter_map(|one| state(&mut form, one))
            .collect(),
    };
    form.finish()?;
    let words: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    let order = Order::core(
        "pulpcore.app.tasks.purge.purge",
        "purges",
        json!({"finished_before": before, "states": words}),
        Work::Purge {
            before: before.0,
            states,
            user: (!context.access()?.is_everything()).then_some(context.user()?.id.0),
        },
        vec![Lock::exclusive(PURGE)],
    );
    order::accept(&context, order).await
}

/// A state in which a task is over.
fn state(form: &mut Form, given: &Value) -> Option<TaskState> {
    let state = given.as_str().and_then(TaskState::parse);
    let state = state.filter(|state| state.is_over());
    if state.is_none() {
        let message = format!(
            "{given} is not a valid choice. Choices are: completed, failed, canceled, skipped."
        );
        form.wrong("states", message);
    }
    state
}
