//! Removing a distribution. What it served stays.

use axum::extract::Path;
use axum::response::Response;
use pith_model::reference::{Kind, typed_prn};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::json;

use super::{PathOfOne, find};
use crate::context::Context;
use crate::error::Result;
use crate::order::{self, DISTRIBUTIONS, Order};

/// `DELETE distributions/<plugin>/<type>/<id>/`
pub(super) async fn delete(context: Context, Path(path): PathOfOne) -> Result<Response> {
    let distribution = {
        let mut connection = context.app.database.read().await?;
        find(&mut connection, &path).await?
    };
    let prn = typed_prn(Kind::Distribution, &path.0, &path.1, distribution.uuid);
    let order = Order::core(
        "pulpcore.app.tasks.base.ageneral_delete",
        "deletes",
        json!({"distribution": prn}),
        Work::DeleteDistribution {
            distribution: distribution.id.0,
        },
        vec![Lock::exclusive(DISTRIBUTIONS), Lock::exclusive(prn)],
    );
    order::accept(&context, order).await
}
