//! Objects as paths and references name them.

use pith_db::Connection;
use pith_db::access::{Name, Object};
use pith_db::role_assignment::Place;
use pith_model::access::Securable;
use pith_model::reference::Kind;
use pith_model::{Reference, Root};

use crate::context::Context;
use crate::error::{Error, Result};

/// The kind of what a reference points at.
fn securable(kind: Kind) -> Option<Securable> {
    Some(match kind {
        Kind::Repository => Securable::Repository,
        Kind::Remote => Securable::Remote,
        Kind::Publication => Securable::Publication,
        Kind::Distribution => Securable::Distribution,
        Kind::Task => Securable::Task,
        Kind::TaskSchedule => Securable::TaskSchedule,
        Kind::Upload => Securable::Upload,
        Kind::Version | Kind::Content | Kind::Artifact | Kind::Worker | Kind::TaskGroup => {
            return None;
        }
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

/// The object that a reference names.
pub(crate) async fn by_text(connection: &mut Connection, text: &str) -> Result<Option<Object>> {
    match name_of(text) {
        Some((kind, name)) => Ok(Object::find(connection, kind, &name).await?),
        None => Ok(None),
    }
}

/// The object below whose path a request is.
pub(super) async fn of_request(connection: &mut Connection, context: &Context) -> Result<Object> {
    let path = context.path.trim_end_matches('/');
    let (object, _) = path.rsplit_once('/').ok_or_else(Error::not_found)?;
    let text = format!("{}{}/", Root::Pulp.path(), object.trim_start_matches('/'));
    let found = by_text(connection, &text).await?;
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
