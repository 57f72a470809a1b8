//! Removing a remote. Content that is stored stays.

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

/// `DELETE remotes/<plugin>/<type>/<id>/`
pub(super) async fn delete(context: Context, Path(path): PathOfOne) -> Result<Response> {
    let remote = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let prn = typed_prn(Kind::Remote, &path.0, &path.1, remote.uuid);
    let order = Order::core(
        "pulpcore.app.tasks.base.ageneral_delete",
        "deletes",
        json!({"remote": prn}),
        Work::DeleteRemote {
            remote: remote.id.0,
        },
        vec![Lock::exclusive(prn)],
    );
    order::accept(&context, order).await
}
