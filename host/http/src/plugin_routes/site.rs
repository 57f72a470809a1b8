//! What one distribution serves, for a plugin that answers somebody's request. Whoever may
//! download the files may see the list of them, so this asks for no standing.

use std::sync::Arc;

use axum::response::IntoResponse as _;
use http::Method;
use http_body_util::BodyExt as _;
use pith_content::error::{Error, Result};
use pith_db::Connection;
use pith_db::content_type::TypeTable;
use pith_db::distribution::{self, Distribution};
use pith_db::served::{self, Choice};
use pith_db::unit_list::{Relation, Scope};
use pith_db::unit_renewal;
use pith_db::version::{self, Version};
use pith_model::reference::{Kind, typed_path, version_path};
use pith_plugin::serve::{Site, Waiting};
use tokio::sync::OnceCell;

use super::api::{Asker, RequestApi};
use super::remembered::Place;
use super::stand_in;
use crate::content::{self, Listed, Within};
use crate::context::Context;

/// A distribution that a plugin opened.
pub(super) struct OpenSite {
    /// As the one who is asked for what everybody may see.
    api: RequestApi,
    place: Arc<Place>,
}

/// Finds a distribution of the plugin that answers.
pub(super) async fn open(api: &RequestApi, base_path: &str) -> Result<OpenSite> {
    let app = &api.app;
    let look_up = async || look_up(api, base_path).await;
    let place = app.remembered.place(&app.database, base_path, look_up);
    let place = place.await?;
    if place.distribution.plugin != api.generation.name() {
        return Err(nothing_at(base_path));
    }
    Ok(OpenSite {
        api: api.as_everybody(),
        place,
    })
}

fn nothing_at(base_path: &str) -> Error {
    Error::not_found(format!("nothing is served at {base_path:?}"))
}

async fn look_up(api: &RequestApi, base_path: &str) -> Result<Place> {
    let mut connection = api.app.database.read().await?;
    let distribution = distribution::by_base_path(&mut connection, base_path)
        .await?
        .filter(|one| one.plugin == api.generation.name())
        .ok_or_else(|| nothing_at(base_path))?;
    let renewed = unit_renewal::last(&mut connection).await?;
    let version = version_of(&mut connection, &distribution, api).await?;
    let counts = match &version {
        Some(version) => version::counts(&mut connection, &[version.id]).await?,
        None => Vec::new(),
    };
    let present = counts
        .iter()
        .map(|(_, counts)| (counts.content_type, counts.present));
    Ok(Place {
        distribution,
        version,
        present: present.collect(),
        renewed,
        shown: OnceCell::new(),
    })
}

/// The version that a distribution serves.
async fn version_of(
    connection: &mut Connection,
    distribution: &Distribution,
    api: &RequestApi,
) -> Result<Option<Version>> {
    let settings = &distribution.settings;
    let (publication, version, repository) =
        (settings.publication, settings.version, settings.repository);
    let choice = served::choose(connection, publication, version, repository).await?;
    let publishes = !api.generation.descriptor().publication_types.is_empty();
    Ok(match choice {
        Some(Choice::Publication(publication)) => {
            version::of_publication(connection, publication).await?
        }
        Some(Choice::Version(version)) => Some(version),
        Some(Choice::Newest(version)) => Some(version).filter(|_| !publishes),
        None => None,
    })
}

/// Filters by what other versions have, which not everybody may know.
const OF_VERSIONS: [&str; 3] = ["repository_version", "added_between", "removed_between"];

/// Checks that a query looks at nothing but the version that is served.
fn check_query(query: &str) -> Result<()> {
    let parameters: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|_| Error::invalid(format!("{query:?} is no query string")))?;
    for (name, value) in &parameters {
        let is_named = |text: &str| OF_VERSIONS.iter().any(|one| text.contains(one));
        // An expression has names within.
        if is_named(name) || (name == "q" && is_named(value)) {
            return Err(Error::invalid(format!(
                "{name:?}: what other versions have is not to be asked here"
            )));
        }
    }
    Ok(())
}

/// A query without what says which part of the list is wanted.
fn without_place(query: &str) -> String {
    let is_filter = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !["limit", "offset", "fields", "ordering"].contains(&name)
    };
    let filters: Vec<&str> = query.split('&').filter(is_filter).collect();
    filters.join("&")
}

impl RequestApi {
    /// The same for what everybody may see.
    fn as_everybody(&self) -> Self {
        Self::new(
            Arc::clone(&self.app),
            self.router(),
            Arc::clone(&self.generation),
            Asker {
                only_looks: true,
                identity: None,
                ..self.asker()
            },
        )
    }

    async fn ask_as_host(&self, method: Method, path: &str) -> Result<(u16, String)> {
        self.ask(Some(stand_in::host()), method, path, None).await
    }
}

impl OpenSite {
    /// Where the version is shown.
    fn path(version: &Version) -> String {
        version_path(
            &version.plugin,
            &version.type_name,
            version.repository_uuid,
            version.number,
        )
    }

    /// Lists units of the version that is served.
    async fn list(
        &self,
        version: &Version,
        table: &TypeTable,
        query: &str,
        counted: Option<i64>,
    ) -> Result<Listed> {
        let asker = self.api.asker();
        let path = format!("content/{}/{}/", table.plugin, table.content_type.plural);
        let by = (&asker.correlation_id, &asker.headers);
        let context = Context::within(&self.api.app, stand_in::host(), by, format!("/{path}"));
        let scope = Scope {
            relation: Relation::Present,
            version: version.id,
            repository: version.repository,
            number: version.number,
        };
        let within = Within { scope, counted };
        match content::listed(&context, table, Some(query), Some(within)).await {
            Ok(listed) => Ok(listed),
            Err(refused) => Err(in_words(refused).await),
        }
    }
}

/// A refusal for a plugin: the answer that a client would get.
async fn in_words(refused: crate::error::Error) -> Error {
    let response = refused.into_response();
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map(http_body_util::Collected::to_bytes);
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    if status.is_client_error() {
        Error::invalid(body)
    } else {
        Error::internal(format!("a list was answered with {status}"))
    }
}

/// The answer of a list that has nothing.
const NOTHING: &str = r#"{"count":0,"next":null,"previous":null,"results":[]}"#;

impl Site for OpenSite {
    fn config(&self) -> Waiting<'_, String> {
        Box::pin(async move {
            let Distribution {
                plugin,
                type_name,
                uuid,
                ..
            } = &self.place.distribution;
            let path = typed_path(Kind::Distribution, plugin, type_name, *uuid);
            let (status, body) = self.api.ask_as_host(Method::GET, &path).await?;
            Ok(if status == 200 { body } else { "{}".to_owned() })
        })
    }

    fn version(&self) -> Waiting<'_, Option<String>> {
        Box::pin(async move {
            let Some(version) = &self.place.version else {
                return Ok(None);
            };
            let shown = self.place.shown.get_or_try_init(async || {
                let path = Self::path(version);
                let (status, body) = self.api.ask_as_host(Method::GET, &path).await?;
                // It may be deleted between two looks.
                Ok::<_, Error>((status == 200).then_some(body))
            });
            shown.await.cloned()
        })
    }

    fn units(&self, content_type: String, query: String) -> Waiting<'_, String> {
        Box::pin(async move {
            let app = &self.api.app;
            let plugin = self.api.generation.name();
            let table = app.types.by_name(&format!("{plugin}.{content_type}"));
            let table = table.ok_or_else(|| {
                Error::invalid(format!("there is no content type {content_type:?}"))
            })?;
            check_query(&query)?;
            let version = match &self.place.version {
                Some(version) if self.place.present.contains_key(&table.id) => version,
                _ => return Ok(NOTHING.to_owned()),
            };
            let renewed = self.place.renewed;
            let key = (version.uuid, table.id, renewed, query);
            if let Some(list) = app.remembered.list(&key) {
                return Ok(list.as_ref().to_owned());
            }
            // Many may ask at once for what changed a moment ago.
            let _turn = app.remembered.turn(&key).await;
            if let Some(list) = app.remembered.list(&key) {
                return Ok(list.as_ref().to_owned());
            }
            let query = &key.3;
            let filters = (version.uuid, table.id, renewed, without_place(query));
            let counted = app.remembered.count(&filters);
            // Filters narrow a list and never widen it, so whatever the query says, nothing
            // is found but what this version has.
            let listed = self.list(version, &table, query, counted).await?;
            let list =
                String::from_utf8(listed.json).map_err(|_| Error::internal("a list is no text"))?;
            if listed.is_lasting {
                app.remembered.keep(key, &list);
                app.remembered.keep_count(filters, listed.count);
            }
            Ok(list)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::without_place;

    #[test]
    fn pages_of_one_list_are_told_by_their_filters() {
        let of = |query: &str| without_place(query);
        assert_eq!(of("name=a&limit=1&offset=2&b=c&fields=x"), "name=a&b=c");
        assert_eq!(of("limit=1"), "");
    }
}
