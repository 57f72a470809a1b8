//! Cleaning up what nobody refers to: `orphans/cleanup/`.

use axum::response::Response;
use pith_db::unit;
use pith_model::Reference;
use pith_model::reference::Kind;
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::openapi::resource::object;
use crate::openapi::{Field, Operation};
use crate::order::{self, ORPHANS, Order};
use crate::query::not_a_reference;
use crate::roots;
use crate::routes::{Routes, delete, post};

/// For how many minutes orphans are kept if nothing is said: a day, as in Pulp.
const PROTECTION: i64 = 1440;

/// What a client can say.
const FIELDS: &[Field] = &[
    Field::integer(
        "orphan_protection_time",
        0,
        "For how many minutes what became an orphan is kept; a day if not given.",
    )
    .nullable(),
    Field::hrefs("content_hrefs", "Only these units."),
];

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/orphans/",
            delete(
                Operation::new("orphans_delete", "Delete orphans").orders(),
                clean_up_all,
            )
            .get(roots::operation("orphans_list_routes"), roots::orphans),
        )
        .route(
            "/orphans/cleanup/",
            post(
                Operation::new("orphans_cleanup_cleanup", "Delete orphans")
                    .about(
                        "Removes units that no repository has, and files that nothing refers to.",
                    )
                    .tag("Orphans: Cleanup")
                    .may_take("OrphansCleanup", |_| object(FIELDS))
                    .orders(),
                clean_up,
            ),
        )
}

/// `DELETE orphans/`, Pulp's old form.
async fn clean_up_all(context: Context) -> Result<Response> {
    place(&context, Map::new(), PROTECTION, None).await
}

/// `POST orphans/cleanup/`
async fn clean_up(context: Context, fields: Fields) -> Result<Response> {
    let parameters = order::shown(&fields.map);
    let mut form = Form::from(fields);
    let minutes = match form.nullable_integer("orphan_protection_time", 0) {
        Given::This(minutes) => minutes,
        Given::Absent | Given::Null => PROTECTION,
    };
    let only = match form.list("content_hrefs") {
        Some(hrefs) => Some(units(&context, &mut form, &hrefs).await?),
        None => None,
    };
    form.finish()?;
    place(&context, parameters, minutes, only).await
}

/// The rows of units that a client names.
async fn units(context: &Context, form: &mut Form, hrefs: &[Value]) -> Result<Vec<i64>> {
    let mut uuids: Vec<Uuid> = Vec::with_capacity(hrefs.len());
    for href in hrefs {
        let reference = href.as_str().and_then(Reference::parse);
        match reference.filter(|reference| reference.kind == Kind::Content) {
            Some(reference) => uuids.push(reference.uuid),
            None => {
                let text = href
                    .as_str()
                    .map_or_else(|| href.to_string(), str::to_owned);
                form.wrong("content_hrefs", not_a_reference(&text));
            }
        }
    }
    let mut connection = context.app.database.read().await?;
    let found = unit::by_uuid(&mut connection, &uuids).await?;
    for uuid in uuids.iter().filter(|uuid| !found.contains_key(uuid)) {
        form.wrong("content_hrefs", format!("There is no content unit {uuid}."));
    }
    Ok(found.into_values().map(|(id, _)| id.0).collect())
}

async fn place(
    context: &Context,
    parameters: Map<String, Value>,
    protection_minutes: i64,
    only: Option<Vec<i64>>,
) -> Result<Response> {
    let order = Order::core(
        "pulpcore.app.tasks.orphan.orphan_cleanup",
        "orphan_cleanups",
        Value::Object(parameters),
        Work::OrphanCleanup {
            protection_minutes,
            only,
        },
        vec![Lock::exclusive(ORPHANS)],
    );
    order::accept(context, order).await
}
