//! Rows that roles can be given for.

use pith_model::access::Securable;
use pith_model::reference::Kind;
use pith_model::{Reference, Root};
use uuid::Uuid;

use crate::database::Connection;
use crate::error::Result;
use crate::statement::{Value, sql};

/// A row that roles can be given for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Which table it is in.
    pub kind: Securable,
    /// Its number there.
    pub id: i64,
    /// `file.filerepository`
    pub model: String,
}

/// What an object is called in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// Most things.
    Uuid(Uuid),
    /// A group of users.
    Number(i64),
}

impl Object {
    /// A row of a plugin's type.
    pub fn typed(kind: Securable, id: i64, plugin: &str, type_name: &str) -> Self {
        Self {
            kind,
            id,
            model: kind.model(plugin, type_name),
        }
    }

    /// A row of the host's own.
    pub fn core(kind: Securable, id: i64) -> Self {
        Self::typed(kind, id, "", "")
    }

    /// The row with a name, if there is one.
    pub async fn find(
        connection: &mut Connection,
        kind: Securable,
        name: &Name,
    ) -> Result<Option<Self>> {
        let table = kind.table();
        let types = if kind.is_typed() {
            "plugin, type_name"
        } else {
            "'', ''"
        };
        let (column, value): (_, Value) = match name {
            Name::Uuid(uuid) => ("uuid", (*uuid).into()),
            Name::Number(number) => ("id", (*number).into()),
        };
        let row = sql(format!(
            "SELECT id, {types} FROM {table} WHERE {column} = ?"
        ))
        .quick()
        .bind(value)
        .fetch_optional(connection)
        .await?;
        row.map(|row| {
            let (plugin, type_name): (String, String) = (row.get(1)?, row.get(2)?);
            Ok(Self::typed(kind, row.get(0)?, &plugin, &type_name))
        })
        .transpose()
    }

    /// The row that a reference names: an href, a URL or a PRN.
    pub async fn by_text(connection: &mut Connection, text: &str) -> Result<Option<Self>> {
        match name_of(text) {
            Some((kind, name)) => Self::find(connection, kind, &name).await,
            None => Ok(None),
        }
    }
}

/// The kind of what a reference points at.
fn securable(kind: Kind) -> Option<Securable> {
    Some(match kind {
        Kind::Repository => Securable::Repository,
        Kind::Remote => Securable::Remote,
        Kind::Publication => Securable::Publication,
        Kind::Distribution => Securable::Distribution,
        Kind::Entity => Securable::Entity,
        Kind::Task => Securable::Task,
        Kind::TaskSchedule => Securable::TaskSchedule,
        Kind::Upload => Securable::Upload,
        Kind::Version
        | Kind::Content
        | Kind::Artifact
        | Kind::Worker
        | Kind::TaskGroup
        | Kind::SigningService => return None,
    })
}

/// What a reference names: an href, a URL or a PRN.
fn name_of(text: &str) -> Option<(Securable, Name)> {
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.find('/').map(|at| &rest[at..])?,
        None => text,
    };
    let below = Root::ALL
        .iter()
        .find_map(|root| path.strip_prefix(root.path()));
    let group = below
        .and_then(|below| below.strip_prefix("groups/"))
        .or_else(|| text.strip_prefix("prn:core.group:"));
    if let Some(number) = group {
        let number = number.trim_end_matches('/').parse().ok()?;
        return Some((Securable::Group, Name::Number(number)));
    }
    let reference = Reference::parse(text)?;
    Some((securable(reference.kind)?, Name::Uuid(reference.uuid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_by_href_url_or_prn() {
        const UUID: &str = "0190e2f4-0000-7000-8000-000000000001";
        let uuid = Name::Uuid(UUID.parse().unwrap());
        for (text, expected) in [
            (
                "/api/v3/groups/5/",
                Some((Securable::Group, Name::Number(5))),
            ),
            (
                "prn:core.group:5",
                Some((Securable::Group, Name::Number(5))),
            ),
            (
                "http://host/pulp/api/v3/groups/5/",
                Some((Securable::Group, Name::Number(5))),
            ),
            ("/api/v3/groups/x/", None),
            ("/api/v3/users/5/", None),
        ] {
            assert_eq!(name_of(text), expected, "{text}");
        }
        let remote = format!("/pulp/api/v3/remotes/file/file/{UUID}/");
        assert_eq!(name_of(&remote), Some((Securable::Remote, uuid.clone())));
        let task = format!("prn:core.task:{UUID}");
        assert_eq!(name_of(&task), Some((Securable::Task, uuid)));
        let version = format!("/api/v3/repositories/file/file/{UUID}/versions/1/");
        assert_eq!(name_of(&version), None);
    }
}
