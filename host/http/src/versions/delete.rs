//! Removing a version. The others keep their content.

use axum::extract::Path;
use axum::response::Response;
use pith_db::version;
use pith_model::reference::{Kind, typed_prn, version_path};
use pith_model::task::Lock;
use pith_tasks::work::Work;
use serde_json::json;

use super::{PathOfOne, find};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::order::{self, Order};

/// `DELETE repositories/<plugin>/<type>/<id>/versions/<number>/`
pub(super) async fn delete(context: Context, Path(path): PathOfOne) -> Result<Response> {
    let mut connection = context.app.database.read().await?;
    let version = find(&mut connection, &path).await?;
    if version::count(&mut connection, version.repository).await? <= 1 {
        return Err(Error::bad_request(
            "Cannot delete repository version. Repositories must have at least one repository version.",
        ));
    }
    drop(connection);
    let repository = version.repository_uuid;
    let prn = typed_prn(Kind::Repository, &path.0, &path.1, repository);
    let href = version_path(&path.0, &path.1, repository, version.number);
    let order = Order::core(
        "pulpcore.app.tasks.repository.delete_version",
        "version_deletes",
        json!({"repository_version": format!("{}{href}", context.root.path())}),
        Work::DeleteVersion {
            repository: version.repository.0,
            number: version.number,
        },
        vec![Lock::exclusive(prn)],
    );
    order::accept(&context, order).await
}
