//! Programs that sign for this host: `signing-services/`. They are made on the host itself,
//! by `pith signing-service`, since they are programs that the server runs.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use pith_db::list;
use pith_db::signing_service::{self, SigningService};
use pith_model::Root;
use pith_model::reference::{Kind, core_prn};

use crate::context::Context;
use crate::document::{self, Href, Object};
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::parameters::IDENTITY;
use crate::openapi::{Field, Filters, Operation, Resource};
use crate::page;
use crate::query::{self, Query};
use crate::routes::{Routes, get};

/// The routes.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .route(
            "/signing-services/",
            get(
                Operation::new("signing_services_list", "List signing services")
                    .lists(&SIGNING_SERVICE, FILTERS),
                list,
            ),
        )
        .route(
            "/signing-services/{id}/",
            get(
                Operation::new("signing_services_read", "Inspect a signing service")
                    .reads(&SIGNING_SERVICE),
                read,
            ),
        )
}

/// What the document says of a signing service.
static SIGNING_SERVICE: Resource = Resource::new(
    "SigningService",
    "A program of this host that signs files; `pith signing-service` makes them.",
    &[
        Field::href("pulp_href", "").read_only(),
        Field::text("prn", "").read_only(),
        Field::time("pulp_created", "").read_only(),
        Field::time("pulp_last_updated", "").read_only(),
        Field::text("name", "Unique.").read_only(),
        Field::text("public_key", "By which its signatures are checked.").read_only(),
        Field::text("pubkey_fingerprint", "").read_only(),
        Field::text("script", "Where the program is.").read_only(),
    ],
);

const FILTERS: Filters = Filters::new(
    |_| list::filters::<SigningService>(),
    &[IDENTITY[0], IDENTITY[1], IDENTITY[2], IDENTITY[3]],
);

fn write(object: &mut Object<'_>, service: &SigningService, root: Root) {
    object
        .field(
            "pulp_href",
            Href(root, format_args!("signing-services/{}/", service.uuid)),
        )
        .field("prn", core_prn(Kind::SigningService, service.uuid))
        .field("pulp_created", service.pulp_created)
        .field("pulp_last_updated", service.pulp_last_updated)
        .field("name", &service.name)
        .field("public_key", &service.public_key)
        .field("pubkey_fingerprint", &service.pubkey_fingerprint)
        .field("script", &service.script);
}

/// `GET signing-services/`
async fn list(context: Context, RawQuery(text): RawQuery) -> Result<Response> {
    let mut query = Query::parse(text.as_deref())?.below(context.root);
    query.identify(signing_service::UUID)?;
    let filters = list::filters::<SigningService>();
    let selection = query.select(&filters, context.app.database.dialect())?;
    let mut connection = context.app.database.read().await?;
    let (rows, count): (Vec<SigningService>, i64) = list::page(&mut connection, &selection).await?;
    drop(connection);
    Ok(page::answer(
        &context,
        &query,
        (&rows, count),
        |object, row| write(object, row, context.root),
    ))
}

/// `GET signing-services/<id>/`
async fn read(
    context: Context,
    Path(id): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Response> {
    let projection = query::projection(text.as_deref())?;
    let mut connection = context.app.database.read().await?;
    let service = signing_service::by_uuid(&mut connection, uuid_in_path(&id)?)
        .await?
        .ok_or_else(Error::not_found)?;
    Ok(document::object(Some(&projection), |object| {
        write(object, &service, context.root);
    }))
}
