//! Making a distribution. A task does it, as in Pulp; what can be known to be wrong is
//! told before.

use axum::extract::Path;
use axum::response::Response;
use pith_db::distribution;
use pith_model::reference::Kind;
use pith_model::task::Lock;
use pith_tasks::work::{DistributionSettings, Work};
use serde_json::Value;

use super::settings;
use crate::body::Fields;
use crate::context::Context;
use crate::declared::Declared;
use crate::error::{Error, Result};
use crate::form::Form;
use crate::order::{self, DISTRIBUTIONS, Order};

/// `POST distributions/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Distribution, &plugin, &type_name)?;
    let parameters = order::shown(&fields.map);
    let mut form = Form::from(fields);
    form.require("name");
    form.require("base_path");
    let mut new = settings::defaults();
    {
        let mut connection = context.app.database.read().await?;
        let access = context.access()?;
        settings::take(&mut connection, access, &declared, form, &mut new, None).await?;
        if distribution::is_named(&mut connection, &new.name).await? {
            return Err(Error::must_be_unique("name"));
        }
    }
    let mut order = Order::core(
        "pulpcore.app.tasks.base.general_create",
        "distributions",
        Value::Object(parameters),
        Work::CreateDistribution {
            type_name,
            settings: DistributionSettings {
                name: new.name,
                base_path: new.base_path,
                pulp_labels: new.pulp_labels,
                hidden: new.hidden,
                repository: new.repository.map(|id| id.0),
                version: new.version.map(|id| id.0),
                publication: new.publication.map(|id| id.0),
                config: new.config,
            },
        },
        vec![Lock::exclusive(DISTRIBUTIONS)],
    );
    // The worker makes it for this plugin.
    order.plugin = plugin;
    order.plugin_version = Some(declared.generation.version().to_owned());
    order::accept(&context, order).await
}
