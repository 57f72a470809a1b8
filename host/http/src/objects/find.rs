//! Objects as paths name them.

use pith_db::Connection;
use pith_db::object::Object;
use pith_db::role_assignment::Place;
use pith_model::access::Securable;
use pith_model::{Reference, Root};

use crate::context::Context;
use crate::error::{Error, Result};

/// The object below whose path a request is.
pub(super) async fn of_request(connection: &mut Connection, context: &Context) -> Result<Object> {
    let path = context.path.trim_end_matches('/');
    let (object, _) = path.rsplit_once('/').ok_or_else(Error::not_found)?;
    let text = format!("{}{}/", Root::Pulp.path(), object.trim_start_matches('/'));
    let found = Object::by_text(connection, &text).await?;
    let found = found.ok_or_else(Error::not_found)?;
    // The path says which type it is, and must be right.
    let reference = Reference::parse(&text);
    let fits = match reference.and_then(|reference| reference.type_path) {
        Some((plugin, type_name)) => found.kind.model(&plugin, &type_name) == found.model,
        None => true,
    };
    if fits {
        Ok(found)
    } else {
        Err(Error::not_found())
    }
}

/// The path of an object below an API root.
pub(crate) fn href(kind: Securable, place: &Place) -> String {
    let collection = kind.collection();
    match place.uuid {
        Some(uuid) if kind.is_typed() => {
            let (plugin, type_name) = (&place.plugin, &place.type_name);
            format!("{collection}/{plugin}/{type_name}/{uuid}/")
        }
        Some(uuid) => format!("{collection}/{uuid}/"),
        None => format!("{collection}/{}/", place.id),
    }
}
