//! Removing a repository with its versions and publications.

use axum::extract::Path;
use axum::response::Response;
use pith_model::reference::{Kind, typed_prn};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::json;

use super::{PathOfOne, find};
use crate::context::Context;
use crate::error::Result;
use crate::order::{self, Order};

/// `DELETE repositories/<plugin>/<type>/<id>/`
pub(super) async fn delete(context: Context, Path(path): PathOfOne) -> Result<Response> {
    let repository = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let prn = typed_prn(Kind::Repository, &path.0, &path.1, repository.uuid);
    let order = Order::core(
        "pulpcore.app.tasks.base.ageneral_delete",
        "deletes",
        json!({"repository": prn}),
        Work::DeleteRepository {
            repository: repository.id.0,
        },
        vec![Lock::exclusive(prn)],
    );
    order::accept(&context, order).await
}
