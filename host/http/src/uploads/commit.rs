//! Making a stored file of an upload.

use axum::extract::Path;
use axum::response::Response;
use pith_model::reference::{Kind, core_prn};
use pith_model::task::Lock;
use pith_storage::{Algorithm, Digest};
use pith_tasks::work::Work;
use serde_json::{Value, json};

use super::find;
use crate::body::Fields;
use crate::context::Context;
use crate::error::Result;
use crate::form::Form;
use crate::openapi::resource::object;
use crate::openapi::{Field, Place};
use crate::order::{self, Order};

/// What it takes.
pub(super) fn described(_: &Place) -> Value {
    object(&[Field::text("sha256", "What the file must have.").required()])
}

/// `POST uploads/<id>/commit/`
pub(super) async fn commit(
    context: Context,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response> {
    let upload = find(&context, &id).await?;
    let mut form = Form::from(fields);
    form.require("sha256");
    let digest = form.text("sha256").and_then(|text| {
        Digest::from_hex(Algorithm::Sha256, text.trim())
            .map_err(|error| form.wrong("sha256", format!("Not a valid digest: {error}.")))
            .ok()
    });
    form.finish()?;
    let sha256 = digest.map(|digest| hex::encode(digest.as_bytes()));
    let prn = core_prn(Kind::Upload, upload.uuid);
    let order = Order::core(
        "pulpcore.app.tasks.upload.commit",
        "upload_commits",
        json!({"upload": prn, "sha256": sha256}),
        Work::CommitUpload {
            upload: upload.id.0,
            sha256: sha256.unwrap_or_default(),
        },
        vec![Lock::exclusive(prn)],
    );
    order::accept(&context, order).await
}
