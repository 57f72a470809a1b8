//! What one distribution serves, for a plugin that answers somebody's request. Whoever may
//! download the files may see the list of them, so this asks for no standing.

use std::sync::Arc;

use http::Method;
use pith_content::error::{Error, Result};
use pith_db::access::Access;
use pith_db::distribution::{self, Distribution};
use pith_db::served::{self, Choice};
use pith_db::user::User;
use pith_db::{Connection, version};
use pith_model::reference::{Kind, typed_path, version_path};
use pith_model::{Root, Timestamp, UserId};
use pith_plugin::serve::{Site, Waiting};

use super::api::{Asker, RequestApi};
use crate::auth::Identity;

/// A distribution that a plugin opened.
pub(super) struct OpenSite {
    /// As the one who is asked for what everybody may see.
    api: RequestApi,
    config: String,
    version: Option<String>,
}

/// Finds a distribution of the plugin that answers.
pub(super) async fn open(api: &RequestApi, base_path: &str) -> Result<OpenSite> {
    let plugin = api.generation.name();
    let (found, version) = {
        let mut connection = api.app.database.read().await?;
        let found = distribution::by_base_path(&mut connection, base_path).await?;
        let found = found
            .filter(|one| one.plugin == plugin)
            .ok_or_else(|| Error::not_found(format!("nothing is served at {base_path:?}")))?;
        let version = version_of(&mut connection, &found, api).await?;
        (found, version)
    };
    let path = typed_path(Kind::Distribution, plugin, &found.type_name, found.uuid);
    let api = api.as_everybody();
    let (status, config) = api.ask_as_host(Method::GET, &path).await?;
    if status != 200 {
        return Err(Error::not_found(format!(
            "nothing is served at {base_path:?}"
        )));
    }
    Ok(OpenSite {
        api,
        config,
        version: version.map(|version| {
            let path = version_path(
                &version.plugin,
                &version.type_name,
                version.repository_uuid,
                version.number,
            );
            format!("{}{path}", Root::default().path())
        }),
    })
}

/// The version that a distribution serves.
async fn version_of(
    connection: &mut Connection,
    distribution: &Distribution,
    api: &RequestApi,
) -> Result<Option<version::Version>> {
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

/// Stands for the host itself, which may see all; what it looks at is chosen here.
fn host() -> Arc<Identity> {
    Arc::new(Identity {
        user: User {
            id: UserId(0),
            username: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            email: String::new(),
            password_hash: None,
            is_staff: false,
            is_superuser: true,
            is_active: true,
            credential_version: 0,
            date_joined: Timestamp::now(),
        },
        access: Access::Everything,
        session: None,
    })
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
        self.ask(Some(host()), method, path, None).await
    }
}

impl Site for OpenSite {
    fn config(&self) -> String {
        self.config.clone()
    }

    fn version(&self) -> Waiting<'_, Option<String>> {
        Box::pin(async move {
            let Some(version) = &self.version else {
                return Ok(None);
            };
            let below = version.strip_prefix(Root::default().path());
            let path = below.unwrap_or(version);
            let (status, body) = self.api.ask_as_host(Method::GET, path).await?;
            // It may be deleted between two looks.
            Ok((status == 200).then_some(body))
        })
    }

    fn units(&self, content_type: String, query: String) -> Waiting<'_, String> {
        Box::pin(async move {
            let Some(version) = &self.version else {
                return Ok(r#"{"count":0,"next":null,"previous":null,"results":[]}"#.to_owned());
            };
            let descriptor = self.api.generation.descriptor();
            let plural = descriptor
                .content_type(&content_type)
                .map(|one| one.plural.as_str())
                .ok_or_else(|| {
                    Error::invalid(format!("there is no content type {content_type:?}"))
                })?;
            check_query(&query)?;
            // Filters narrow a list and never widen it, so whatever the query says, nothing
            // is found but what this version has.
            let path = format!(
                "content/{}/{plural}/?repository_version={version}&{query}",
                self.api.generation.name(),
            );
            let (status, body) = self.api.ask_as_host(Method::GET, &path).await?;
            match status {
                200 => Ok(body),
                400..=499 => Err(Error::invalid(body)),
                _ => Err(Error::internal(format!(
                    "a list was answered with {status}"
                ))),
            }
        })
    }
}
