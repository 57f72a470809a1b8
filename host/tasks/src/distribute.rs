//! Makes a distribution.

use async_trait::async_trait;
use pith_content::error::{Error, Result};
use pith_db::Connection;
use pith_db::access::{self, Object};
use pith_db::distribution::{self, Settings};
use pith_model::access::Securable;
use pith_model::reference::{typed_path, typed_prn};
use pith_model::{Kind, PublicationId, RepositoryId, UserId, VersionId};

use crate::commit::{Commit, Created, Outcome};
use crate::run::Context;
use crate::work::DistributionSettings;

pub(crate) fn create(
    context: &Context,
    type_name: String,
    settings: DistributionSettings,
) -> Box<dyn Commit> {
    Box::new(Create {
        plugin: context.task.plugin.clone(),
        type_name,
        settings: Settings {
            name: settings.name,
            base_path: settings.base_path,
            pulp_labels: settings.pulp_labels,
            hidden: settings.hidden,
            repository: settings.repository.map(RepositoryId),
            version: settings.version.map(VersionId),
            publication: settings.publication.map(PublicationId),
            config: settings.config,
        },
        owner: context.task.user,
    })
}

struct Create {
    plugin: String,
    type_name: String,
    settings: Settings,
    owner: Option<UserId>,
}

#[async_trait]
impl Commit for Create {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        let Settings {
            name, base_path, ..
        } = &self.settings;
        // Checked when the task was made; somebody else may have been faster.
        let other = distribution::overlapping(connection, base_path, None).await?;
        if other.is_some() {
            return Err(Error::conflict(format!(
                "the base path {base_path:?} overlaps with that of another distribution"
            )));
        }
        let made =
            distribution::insert(connection, &self.plugin, &self.type_name, &self.settings).await;
        let (id, uuid) = match made {
            Ok(made) => made,
            Err(pith_db::Error::Unique(_)) => {
                return Err(Error::conflict(format!(
                    "there is a distribution with the name {name:?} or the base path {base_path:?}"
                )));
            }
            Err(pith_db::Error::Related) => {
                return Err(Error::not_found(
                    "what the distribution was to serve was deleted before the task ran",
                ));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(owner) = self.owner {
            let kind = Securable::Distribution;
            let object = Object::typed(kind, id.0, &self.plugin, &self.type_name);
            access::own(connection, owner, &object).await?;
        }
        Ok(Outcome {
            created: vec![Created {
                path: typed_path(Kind::Distribution, &self.plugin, &self.type_name, uuid),
                prn: typed_prn(Kind::Distribution, &self.plugin, &self.type_name, uuid),
            }],
            result: None,
        })
    }
}
