//! The picture of a unit.

use axum::extract::Path;
use axum::response::Response;
use pith_content::picture::media_type_of;
use pith_db::{unit, unit_list};
use pith_storage::Sha256Digest;

use super::PathOfOne;
use crate::context::Context;
use crate::declared;
use crate::error::{Error, Result};
use crate::lookup::uuid_in_path;
use crate::openapi::Place;
use crate::picture;

/// Whether units of a type have pictures.
pub(super) fn is_offered(place: &Place) -> bool {
    let table = place.content_type();
    table.is_some_and(|table| table.content_type.picture.is_some())
}

/// `GET content/<plugin>/<plural>/<id>/avatar/`: the first stored file of the unit, if it is a
/// picture.
pub(super) async fn read(
    context: Context,
    Path((plugin, plural, id)): PathOfOne,
) -> Result<Response> {
    let table = declared::content_type(&context.app, &plugin, &plural)?;
    if table.content_type.picture.is_none() {
        return Err(Error::not_found());
    }
    let files = {
        let mut connection = context.app.database.read().await?;
        let unit = unit_list::by_uuid(&mut connection, Some(&table), uuid_in_path(&id)?)
            .await?
            .ok_or_else(Error::not_found)?;
        unit::artifacts(&mut connection, &[unit.id]).await?
    };
    let stored = files.into_iter().find_map(|file| file.stored);
    let (_, digest, size) = stored.ok_or_else(Error::not_found)?;
    let digest = <[u8; 32]>::try_from(digest.as_slice());
    let digest = Sha256Digest(digest.map_err(|_| Error::not_found())?);
    if size > picture::LARGEST {
        return Err(Error::not_found());
    }
    let reader = context.app.store.open(&digest).await?;
    let beginning = reader.read_at(0, pith_content::picture::BEGINNING).await?;
    let media_type = media_type_of(&beginning).ok_or_else(Error::not_found)?;
    picture::answer(&*reader, &digest, media_type).await
}
