//! Beginning an upload.

use axum::response::Response;
use http::StatusCode;
use pith_content::upload;

use super::shape;
use crate::body::Fields;
use crate::context::Context;
use crate::document::{self, Href};
use crate::error::{Error, Result};
use crate::form::{Form, Given};
use crate::order::set_location;
use crate::upload::refuse;

/// `POST uploads/`
pub(super) async fn create(context: Context, fields: Fields) -> Result<Response> {
    let mut form = Form::from(fields);
    form.require("size");
    let size = match form.nullable_integer("size", 0) {
        Given::This(size) => u64::try_from(size).ok(),
        Given::Null => {
            form.wrong("size", "This field may not be null.");
            None
        }
        Given::Absent => None,
    };
    form.finish()?;
    let size = size.ok_or_else(Error::not_found)?;
    let user = context.user()?.id;
    let made = upload::create(&context.app.services, user, size)
        .await
        .map_err(refuse)?;
    let mut response = document::object(None, |object| {
        shape::write(object, &made, context.root);
    });
    *response.status_mut() = StatusCode::CREATED;
    let href = Href(context.root, format_args!("uploads/{}/", made.uuid)).to_string();
    set_location(&mut response, &href);
    Ok(response)
}
