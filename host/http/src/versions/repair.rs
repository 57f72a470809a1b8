//! Reading every stored file of a version again, and fetching anew what is damaged.

use axum::extract::Path;
use axum::response::Response;
use pith_model::reference::{Kind, typed_prn, version_path};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::{Value, json};

use super::{PathOfOne, find};
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::Form;
use crate::openapi::Field;
use crate::openapi::resource::object;
use crate::order::{self, Order};

/// What it takes.
pub(super) fn described() -> Value {
    object(&[Field::boolean(
        "verify_checksums",
        "Whether the digests are computed again; else only sizes are compared.",
    )])
}

/// `POST repositories/<plugin>/<type>/<id>/versions/<number>/repair/`
pub(super) async fn repair(
    context: Context,
    Path(path): PathOfOne,
    fields: Fields,
) -> Result<Response> {
    let mut form = Form::from(fields);
    let verify_checksums = form.boolean("verify_checksums").unwrap_or(true);
    form.finish()?;
    let version = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let repository = version.repository_uuid;
    let prn = typed_prn(Kind::Repository, &path.0, &path.1, repository);
    let href = version_path(&path.0, &path.1, repository, version.number);
    let order = Order::core(
        "pulpcore.app.tasks.repository.repair_version",
        "repairs",
        json!({
            "repository_version": format!("{}{href}", context.root.path()),
            "verify_checksums": verify_checksums,
        }),
        Work::Repair {
            version: version.id.0,
            verify_checksums,
        },
        vec![Lock::shared(prn)],
    );
    order::accept(&context, order).await
}
