//! Making a remote.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::access::{self, Object};
use pith_db::remote;
use pith_model::access::Securable;
use pith_model::reference::{Kind, typed_path};

use super::{settings, shape};
use crate::body::Fields;
use crate::context::Context;
use crate::declared::Declared;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::form::Form;
use crate::last_sync::LastSyncs;
use crate::order::set_location;

/// `POST remotes/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Remote, &plugin, &type_name)?;
    let mut form = Form::from(fields);
    form.require("name");
    form.require("url");
    let mut new = settings::defaults();
    settings::take(&context.app.seal, &declared, form, &mut new)?;

    let mut transaction = context.app.database.write_durably().await?;
    let id = remote::insert(&mut transaction, &plugin, &type_name, &new).await?;
    let object = Object::typed(Securable::Remote, id.0, &plugin, &type_name);
    access::own(&mut transaction, context.user()?.id, &object).await?;
    let made = remote::by_id(&mut transaction, id)
        .await?
        .ok_or_else(Error::not_found)?;
    transaction.commit().await?;

    let mut response = document::object(None, |object| {
        let nothing = LastSyncs::default();
        shape::write(object, &made, context.root, Some(&declared), &nothing);
    });
    *response.status_mut() = StatusCode::CREATED;
    let path = typed_path(Kind::Remote, &plugin, &type_name, made.uuid);
    set_location(&mut response, &Href(context.root, path).to_string());
    Ok(response)
}
