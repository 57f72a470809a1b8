//! Server processes that run tasks: `workers/`.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list;
use pith_db::worker::{self, Worker};
use pith_model::Root;
use pith_model::reference::{Kind, core_prn};
use serde_json::json;

use crate::context::Context;
use crate::document::{self, Href, Object};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Parameter, Resource};
use crate::page;
use crate::query::{self, Query};
use crate::routes::{Routes, get};
use crate::status::PULP_VERSION;

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/workers/",
            get(
                Operation::new("workers_list", "List workers").lists(&WORKER, FILTERS),
                list,
            ),
        )
        .route(
            "/workers/{id}/",
            get(
                Operation::new("workers_read", "Inspect a worker").reads(&WORKER),
                read,
            ),
        )
}

/// What the document says of a worker.
pub(crate) static WORKER: Resource = Resource::new(
    "Worker",
    "A server process that runs tasks.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "When it started.").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "").read_only(),
        Field::time("last_heartbeat", "When it last said that it lives.").read_only(),
        Field::object("versions", "What it runs.").read_only(),
        Field::href(
            "current_task",
            "Always null: `tasks/?worker=` lists its tasks.",
        )
        .nullable()
        .read_only(),
    ],
);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<Worker>(),
    &[
        IDENTITY[0],
        IDENTITY[1],
        IDENTITY[2],
        IDENTITY[3],
        Parameter::boolean("online", "Whether it lives."),
        Parameter::boolean("missing", "Whether it was not heard of for too long."),
    ],
);

/// Writes a worker.
pub(crate) fn write(object: &mut Object<'_>, worker: &Worker, root: Root) {
    object
        .field(
            "pulp_href",
            Href(root, format_args!("workers/{}/", worker.uuid)),
        )
        .field("prn", core_prn(Kind::Worker, worker.uuid))
        .field("pulp_created", worker.pulp_created)
        .field("pulp_last_updated", worker.last_heartbeat)
        .field("name", &worker.name)
        .field("last_heartbeat", worker.last_heartbeat)
        .field(
            "versions",
            json!({"core": PULP_VERSION, "pith": worker.version}),
        )
        // A process runs many tasks at a time; `tasks/?worker=` lists them.
        .field("current_task", ());
}

/// `GET workers/`
async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.identify(worker::UUID)?;
    for (parameter, when_true) in [("online", true), ("missing", false)] {
        query.filter(parameter, |text| {
            let wanted = match text {
                "true" | "True" | "1" => when_true,
                "false" | "False" | "0" => !when_true,
                _ => return Err(Error::invalid(parameter, "Must be a valid boolean.")),
            };
            Ok(worker::is_online(wanted))
        })?;
    }
    let selection = query.select(&list::filters::<Worker>(), context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<Worker>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| {
            write(object, row, context.root);
        },
    ))
}

/// `GET workers/<id>/`
async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let worker = worker::by_uuid(&mut connection, uuid_in_path(&id)?)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(document::object(Some(&projection), |object| {
        write(object, &worker, context.root);
    }))
}
