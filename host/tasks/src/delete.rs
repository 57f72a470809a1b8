//! Removes a repository, a version, a remote or a distribution.

use async_trait::async_trait;
use pith_content::error::{Error, Result};
use pith_db::Connection;
use pith_model::{DistributionId, RemoteId, RepositoryId};

use crate::commit::{Commit, Outcome};

enum Delete {
    Distribution(DistributionId),
    Repository(RepositoryId),
    Version(RepositoryId, i64),
    Remote(RemoteId),
}

pub(crate) fn distribution(id: i64) -> Box<dyn Commit> {
    Box::new(Delete::Distribution(DistributionId(id)))
}

pub(crate) fn repository(id: i64) -> Box<dyn Commit> {
    Box::new(Delete::Repository(RepositoryId(id)))
}

pub(crate) fn version(repository: i64, number: i64) -> Box<dyn Commit> {
    Box::new(Delete::Version(RepositoryId(repository), number))
}

pub(crate) fn remote(id: i64) -> Box<dyn Commit> {
    Box::new(Delete::Remote(RemoteId(id)))
}

#[async_trait]
impl Commit for Delete {
    async fn commit(&self, connection: &mut Connection) -> Result<Outcome> {
        match self {
            Self::Distribution(id) => {
                pith_db::distribution::delete(connection, *id).await?;
            }
            Self::Repository(id) => {
                pith_db::repository::delete(connection, *id).await?;
                pith_db::served::raise_epoch(connection).await?;
            }
            Self::Remote(id) => {
                pith_db::remote::delete(connection, *id).await?;
            }
            Self::Version(repository, number) => {
                let left = pith_db::version::count(connection, *repository).await?;
                if left <= 1 {
                    return Err(Error::invalid(
                        "a repository must keep at least one version; this is its last",
                    ));
                }
                pith_db::version::delete(connection, *repository, *number).await?;
                pith_db::served::raise_epoch(connection).await?;
            }
        }
        Ok(Outcome::default())
    }
}
