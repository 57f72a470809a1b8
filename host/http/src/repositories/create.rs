//! Making a repository.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use pith_db::access::{self, Object};
use pith_db::repository;
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

/// `POST repositories/<plugin>/<type>/`
pub(super) async fn create(
    context: Context,
    Path((plugin, type_name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response> {
    let declared = Declared::get(&context.app, Kind::Repository, &plugin, &type_name)?;
    let mut form = Form::from(fields);
    form.require("name");
    let mut new = settings::defaults();
    {
        let mut connection = context.app.database.read().await?;
        settings::take(
            &mut connection,
            context.access()?,
            &declared,
            form,
            &mut new,
        )
        .await?;
    }
    let mut transaction = context.app.database.write_durably().await?;
    let id = repository::insert(&mut transaction, &plugin, &type_name, &new).await?;
    let object = Object::typed(Securable::Repository, id.0, &plugin, &type_name);
    access::own(&mut transaction, context.user()?.id, &object).await?;
    let made = repository::by_id(&mut transaction, id)
        .await?
        .ok_or_else(Error::not_found)?;
    transaction.commit().await?;

    let mut response = document::object(None, |object| {
        let nothing = LastSyncs::default();
        shape::write(
            object,
            &made,
            context.root,
            Some(declared.schema()),
            &nothing,
        );
    });
    *response.status_mut() = StatusCode::CREATED;
    let path = typed_path(Kind::Repository, &plugin, &type_name, made.uuid);
    set_location(&mut response, &Href(context.root, path).to_string());
    Ok(response)
}
