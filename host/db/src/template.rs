//! Texts of publications that say where they are served.

use pith_model::{DistributionId, PublicationId};
use serde_json::Value as JsonValue;

use crate::database::Connection;
use crate::error::Result;
use crate::insert::insert_many;
use crate::statement::sql;

/// A text with gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Relative to the publication's root.
    pub path: String,
    /// The text.
    pub body: String,
    /// The setting of a distribution without which it does not have the text.
    pub setting: Option<String>,
}

/// What fills the gaps.
#[derive(Clone, Debug)]
pub struct Place {
    /// The distribution's name.
    pub name: String,
    /// What its plugin says of it.
    pub config: JsonValue,
}

impl Place {
    /// Whether a distribution has a template.
    pub fn has(&self, template: &Template) -> bool {
        let setting = template.setting.as_ref();
        setting.is_none_or(|setting| self.config.get(setting) == Some(&JsonValue::Bool(true)))
    }
}

/// Adds the templates of a publication.
pub async fn insert(
    connection: &mut Connection,
    publication: PublicationId,
    templates: &[Template],
) -> Result<()> {
    insert_many(
        connection,
        "INSERT INTO published_template (publication_id, relative_path, body, setting)",
        templates.iter().map(|template| {
            vec![
                publication.into(),
                template.path.as_str().into(),
                template.body.as_str().into(),
                template.setting.clone().into(),
            ]
        }),
        "",
    )
    .await?;
    Ok(())
}

/// The templates of a publication that a distribution has, with what fills them.
pub async fn of_distribution(
    connection: &mut Connection,
    publication: PublicationId,
    distribution: DistributionId,
) -> Result<Option<(Place, Vec<Template>)>> {
    let rows = sql("SELECT relative_path, body, setting FROM published_template
         WHERE publication_id = ? ORDER BY relative_path")
    .quick()
    .bind(publication)
    .fetch_all(connection)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let row = sql("SELECT name, config FROM distribution WHERE id = ?")
        .quick()
        .bind(distribution)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let place = Place {
        name: row.get(0)?,
        config: row.get(1)?,
    };
    let mut templates = Vec::with_capacity(rows.len());
    for row in rows {
        let template = Template {
            path: row.get(0)?,
            body: row.get(1)?,
            setting: row.get(2)?,
        };
        if place.has(&template) {
            templates.push(template);
        }
    }
    Ok(Some((place, templates)))
}
