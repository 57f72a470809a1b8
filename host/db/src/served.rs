//! What the server of content asks: which base path serves what, and where a path's
//! bytes are.

use pith_model::{ArtifactId, DistributionId, PublicationId, RepositoryId, VersionId};

use crate::database::Connection;
use crate::error::Result;
use crate::membership::PRESENT;
use crate::row::Row;
use crate::statement::sql;
use crate::version::Version;
use crate::{publication, version};

/// Tells every server of content that what it remembers of distributions is old.
/// Called by whatever changes a distribution, a publication or a version.
pub async fn raise_epoch(connection: &mut Connection) -> Result<()> {
    sql("UPDATE serving_epoch SET epoch = epoch + 1 WHERE id = 1")
        .execute(connection)
        .await?;
    connection.changes_served = true;
    Ok(())
}

/// Grows with every change.
pub async fn epoch(connection: &mut Connection) -> Result<i64> {
    sql("SELECT epoch FROM serving_epoch WHERE id = 1")
        .quick()
        .scalar(connection)
        .await
}

/// What a base path serves.
#[derive(Clone, Debug)]
pub struct Site {
    /// The distribution.
    pub id: DistributionId,
    /// Without slashes at its ends.
    pub base_path: String,
    /// Its plugin.
    pub plugin: String,
    /// Left out of lists.
    pub hidden: bool,
    /// Chosen by the user.
    pub publication: Option<PublicationId>,
    /// Chosen by the user.
    pub version: Option<VersionId>,
    /// Its newest publication is served, or where a type has none, its newest version.
    pub repository: Option<RepositoryId>,
}

/// All distributions.
pub async fn sites(connection: &mut Connection) -> Result<Vec<Site>> {
    let rows = sql(
        "SELECT id, base_path, plugin, hidden, publication_id, version_id, repository_id
         FROM distribution ORDER BY base_path",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Site {
                id: row.get(0)?,
                base_path: row.get(1)?,
                plugin: row.get(2)?,
                hidden: row.get(3)?,
                publication: row.get(4)?,
                version: row.get(5)?,
                repository: row.get(6)?,
            })
        })
        .collect()
}

/// What a distribution has to serve.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The one that was chosen, or the newest of the repository or of the chosen version.
    Publication(PublicationId),
    /// The chosen one, which has no publication.
    Version(Version),
    /// The newest of a repository that has no publication.
    Newest(Version),
}

/// Finds what the settings of a distribution mean at this moment; none if there is nothing.
pub async fn choose(
    connection: &mut Connection,
    publication: Option<PublicationId>,
    version: Option<VersionId>,
    repository: Option<RepositoryId>,
) -> Result<Option<Choice>> {
    if let Some(publication) = publication {
        return Ok(Some(Choice::Publication(publication)));
    }
    if let Some(version) = version {
        let publication = publication_of_version(connection, version).await?;
        if let Some(publication) = publication {
            return Ok(Some(Choice::Publication(publication)));
        }
        let version = version::by_id(connection, version).await?;
        return Ok(version.map(Choice::Version));
    }
    let Some(repository) = repository else {
        return Ok(None);
    };
    let publication = publication::latest_of_repository(connection, repository).await?;
    if let Some(publication) = publication {
        return Ok(Some(Choice::Publication(publication)));
    }
    let version = version::latest(connection, repository).await?;
    Ok(version.map(Choice::Newest))
}

/// A set of files: a publication's own, and the units of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileSet {
    /// Whose own files come first.
    pub publication: Option<PublicationId>,
    /// Whose units follow, at their own paths.
    pub units_of: Option<(RepositoryId, i64)>,
}

/// The files of a publication.
pub async fn publication_files(
    connection: &mut Connection,
    publication: PublicationId,
) -> Result<Option<FileSet>> {
    let row = sql(
        "SELECT p.pass_through, v.repository_id, v.number FROM publication p
         JOIN repository_version v ON v.id = p.version_id WHERE p.id = ?",
    )
    .quick()
    .bind(publication)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let pass_through: bool = row.get(0)?;
        Ok(FileSet {
            publication: Some(publication),
            units_of: if pass_through {
                Some((row.get(1)?, row.get(2)?))
            } else {
                None
            },
        })
    })
    .transpose()
}

/// The newest publication of a version.
async fn publication_of_version(
    connection: &mut Connection,
    version: VersionId,
) -> Result<Option<PublicationId>> {
    sql("SELECT id FROM publication WHERE version_id = ? ORDER BY id DESC LIMIT 1")
        .quick()
        .bind(version)
        .scalar_optional(connection)
        .await
}

/// Where the bytes at a path are.
#[derive(Clone, Debug)]
pub struct Found {
    /// The unit's artifact; none for a publication's own file.
    pub unit_artifact: Option<i64>,
    /// The bytes, where they are stored.
    pub stored: Option<StoredBytes>,
    /// As the plugin said.
    pub media_type: Option<String>,
}

/// Stored bytes that are to be served.
#[derive(Clone, Debug)]
pub struct StoredBytes {
    /// The row.
    pub artifact: ArtifactId,
    /// Its digest, 32 bytes.
    pub sha256: Vec<u8>,
    /// In bytes.
    pub size: i64,
    /// When the bytes came, in microseconds.
    pub created: i64,
}

/// Finds a path.
pub async fn find(
    connection: &mut Connection,
    files: FileSet,
    path: &str,
) -> Result<Option<Found>> {
    if let Some(publication) = files.publication {
        let row = sql(
            "SELECT a.id, a.sha256, a.size, a.pulp_created, f.media_type FROM published_file f
             JOIN artifact a ON a.id = f.artifact_id
             WHERE f.publication_id = ? AND f.relative_path = ?",
        )
        .quick()
        .bind(publication)
        .bind(path)
        .fetch_optional(connection)
        .await?;
        if let Some(row) = row {
            return Ok(Some(Found {
                unit_artifact: None,
                stored: Some(StoredBytes {
                    artifact: row.get(0)?,
                    sha256: row.get(1)?,
                    size: row.get(2)?,
                    created: row.get(3)?,
                }),
                media_type: row.get(4)?,
            }));
        }
    }
    let row = match (linked(connection, files, path).await?, files.units_of) {
        (Some(row), _) => Some(row),
        (None, Some((repository, number))) => {
            sql(format!(
                "SELECT ua.id, a.id, a.sha256, a.size, a.pulp_created FROM unit_artifact ua
                 JOIN membership m ON m.unit_id = ua.unit_id
                 LEFT JOIN artifact a ON a.id = ua.artifact_id
                 WHERE ua.relative_path = ? AND {PRESENT} ORDER BY ua.id DESC LIMIT 1"
            ))
            .quick()
            .bind(path)
            .bind(repository)
            .bind(number)
            .bind(number)
            .fetch_optional(connection)
            .await?
        }
        (None, None) => None,
    };
    row.map(|row| {
        let artifact: Option<ArtifactId> = row.get(1)?;
        Ok(Found {
            unit_artifact: Some(row.get(0)?),
            stored: match artifact {
                Some(artifact) => Some(StoredBytes {
                    artifact,
                    sha256: row.get(2)?,
                    size: row.get(3)?,
                    created: row.get(4)?,
                }),
                None => None,
            },
            media_type: None,
        })
    })
    .transpose()
}

/// A unit's artifact that a publication has at a path.
async fn linked(connection: &mut Connection, files: FileSet, path: &str) -> Result<Option<Row>> {
    let Some(publication) = files.publication else {
        return Ok(None);
    };
    sql(
        "SELECT ua.id, a.id, a.sha256, a.size, a.pulp_created FROM published_unit u
         JOIN unit_artifact ua ON ua.id = u.unit_artifact_id
         LEFT JOIN artifact a ON a.id = ua.artifact_id
         WHERE u.publication_id = ? AND u.relative_path = ?",
    )
    .quick()
    .bind(publication)
    .bind(path)
    .fetch_optional(connection)
    .await
}

/// A line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name; a folder's ends with a slash.
    pub name: String,
    /// In bytes, of a file whose size is known.
    pub size: Option<i64>,
}

/// How many paths a listing reads at a time.
const LISTED_AT_ONCE: usize = 1000;

/// The entries right below a folder (empty, or with a slash at its end), sorted by
/// path, at most `limit` of them.
pub async fn list(
    connection: &mut Connection,
    files: FileSet,
    folder: &str,
    limit: usize,
) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut after = folder.to_owned();
    while entries.len() < limit {
        let paths = paths_after(connection, files, folder, &after).await?;
        let ended = paths.len() < LISTED_AT_ONCE;
        for (path, size) in paths {
            if path <= after {
                continue;
            }
            let name = &path[folder.len()..];
            if let Some(at) = name.find('/') {
                entries.push(Entry {
                    name: name[..=at].to_owned(),
                    size: None,
                });
                // Past everything in that folder.
                after = format!("{folder}{}\u{10FFFF}", &name[..=at]);
            } else {
                entries.push(Entry {
                    name: name.to_owned(),
                    size,
                });
                after = path;
            }
        }
        if ended {
            break;
        }
    }
    entries.truncate(limit);
    Ok(entries)
}

/// The next paths in a folder and below it, in order.
async fn paths_after(
    connection: &mut Connection,
    files: FileSet,
    folder: &str,
    after: &str,
) -> Result<Vec<(String, Option<i64>)>> {
    let mut paths = std::collections::BTreeMap::new();
    let end = format!("{folder}\u{10FFFF}");
    if let Some((repository, number)) = files.units_of {
        let rows = sql(format!(
            "SELECT ua.relative_path, a.size FROM unit_artifact ua
             JOIN membership m ON m.unit_id = ua.unit_id
             LEFT JOIN artifact a ON a.id = ua.artifact_id
             WHERE ua.relative_path > ? AND ua.relative_path < ? AND {PRESENT}
             ORDER BY ua.relative_path LIMIT {LISTED_AT_ONCE}"
        ))
        .bind(after)
        .bind(end.as_str())
        .bind(repository)
        .bind(number)
        .bind(number)
        .fetch_all(connection)
        .await?;
        for row in rows {
            paths.insert(row.get(0)?, row.get(1)?);
        }
    }
    if let Some(publication) = files.publication {
        // The later ones win, as they do when a path is found.
        let linked = [
            "published_unit f JOIN unit_artifact ua ON ua.id = f.unit_artifact_id
             LEFT JOIN artifact a ON a.id = ua.artifact_id",
            "published_file f JOIN artifact a ON a.id = f.artifact_id",
        ];
        for linked in linked {
            let rows = sql(format!(
                "SELECT f.relative_path, a.size FROM {linked}
                 WHERE f.publication_id = ? AND f.relative_path > ? AND f.relative_path < ?
                 ORDER BY f.relative_path LIMIT {LISTED_AT_ONCE}"
            ))
            .bind(publication)
            .bind(after)
            .bind(end.as_str())
            .fetch_all(connection)
            .await?;
            for row in rows {
                paths.insert(row.get(0)?, row.get(1)?);
            }
        }
    }
    Ok(paths.into_iter().take(LISTED_AT_ONCE).collect())
}
