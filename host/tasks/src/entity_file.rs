//! Fetches the file of an entity from the address that a setting names.

use async_trait::async_trait;
use pith_content::error::{Error, Result};
use pith_content::fetch_file::fetch_file;
use pith_content::ingest::ingest;
use pith_content::picture;
use pith_db::remote::Settings;
use pith_db::{Connection, entity, entity_file};
use pith_model::ArtifactId;
use pith_model::schema::FileSetting;
use pith_model::task::TaskError;
use pith_storage::Expected;

use crate::commit::{Commit, Outcome};
use crate::run::{Context, failed, failed_db, gone};

/// Fetches it and checks it; nothing is kept of what is wrong.
pub(crate) async fn run(
    context: &Context,
    entity: i64,
    wanted: FileSetting,
    settings: &Settings,
) -> Result<Box<dyn Commit>, TaskError> {
    let services = &context.toolbox.services;
    {
        let mut connection = services.database.read().await.map_err(failed_db)?;
        let found = entity::by_id(&mut connection, entity).await;
        found.map_err(failed_db)?.ok_or_else(|| gone("entity"))?;
    }
    let said = |error: Error| {
        failed(Error {
            message: format!("{}: {}", wanted.property, error.message).into(),
            ..error
        })
    };
    let incoming = fetch_file(services, settings, &Expected::nothing(), wanted.max_size)
        .await
        .map_err(said)?;
    let media_type = picture::check(&incoming, &wanted).await.map_err(said)?;
    let rows = ingest(&services.database, &*services.store, vec![incoming])
        .await
        .map_err(failed)?;
    let artifact = rows
        .first()
        .copied()
        .ok_or_else(|| failed(Error::internal("a stored file has no row")))?;
    Ok(Box::new(Fetched {
        entity,
        property: wanted.property,
        url: settings.url.clone(),
        artifact,
        media_type,
    }))
}

struct Fetched {
    entity: i64,
    property: String,
    url: String,
    artifact: ArtifactId,
    media_type: &'static str,
}

#[async_trait]
impl Commit for Fetched {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let gone = || Error::not_found("what the file is of is gone");
        let found = entity::by_id(connection, self.entity).await?;
        found.ok_or_else(gone)?;
        // Holds the row, so that no other change comes between reading and writing it.
        entity_file::set(connection, self.entity, self.artifact, self.media_type).await?;
        let found = entity::by_id(connection, self.entity).await?;
        let mut config = found.ok_or_else(gone)?.config;
        config[&self.property] = self.url.as_str().into();
        entity::update(connection, self.entity, config).await?;
        Ok(Outcome::default())
    }
}
