//! From references in a request to the rows they name.
//!
//! A reference that names nothing is the user's to mend, so it is noted in the form. One that
//! names what he may not see is noted in the same words.

use pith_db::access::{Access, Object};
use pith_db::artifact::{self, Artifact};
use pith_db::publication::{self, Publication};
use pith_db::remote::{self, Remote};
use pith_db::repository::{self, Repository};
use pith_db::signing_service::{self, SigningService};
use pith_db::version::{self, Version};
use pith_db::{Condition, Connection, Result};
use pith_model::Reference;
use pith_model::access::Securable;
use pith_model::reference::Kind;
use uuid::Uuid;

use crate::error::Error;
use crate::form::{Form, Given};
use crate::query::not_a_reference;

/// The UUID at the end of a path.
pub(crate) fn uuid_in_path(text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_| Error::not_found())
}

/// Takes a reference of one kind from a form.
fn reference(form: &mut Form, field: &str, kind: Kind) -> Given<Reference> {
    let text = match form.nullable_text(field) {
        Given::This(text) => text,
        Given::Null => return Given::Null,
        Given::Absent => return Given::Absent,
    };
    match Reference::parse(&text) {
        Some(reference) if reference.kind == kind => Given::This(reference),
        Some(_) => {
            form.wrong(field, format!("{text:?} names another kind of resource."));
            Given::Absent
        }
        None => {
            form.wrong(field, not_a_reference(&text));
            Given::Absent
        }
    }
}

/// What was found, or a note that nothing was.
fn found<T>(form: &mut Form, field: &str, row: Option<T>) -> Given<T> {
    let Some(row) = row else {
        form.wrong(field, "Invalid hyperlink - Object does not exist.");
        return Given::Absent;
    };
    Given::This(row)
}

/// Notes a row that belongs to another plugin than the resource that refers to it.
fn of_plugin<T>(
    form: &mut Form,
    field: &str,
    given: Given<T>,
    theirs: impl Fn(&T) -> &str,
    plugin: &str,
) -> Given<T> {
    match given {
        Given::This(row) if theirs(&row) != plugin => {
            let theirs = theirs(&row);
            form.wrong(
                field,
                format!("It belongs to the plugin {theirs:?}, but this is of {plugin:?}."),
            );
            Given::Absent
        }
        other => other,
    }
}

macro_rules! lookup {
    ($(#[$doc:meta])* $name:ident, $row:ty, $kind:ident, $query:path) => {
        $(#[$doc])*
        pub(crate) async fn $name(
            connection: &mut Connection,
            access: &Access,
            form: &mut Form,
            field: &str,
            plugin: &str,
        ) -> Result<Given<$row>> {
            let reference = match reference(form, field, Kind::$kind) {
                Given::This(reference) => reference,
                Given::Null => return Ok(Given::Null),
                Given::Absent => return Ok(Given::Absent),
            };
            let mut row = $query(connection, reference.uuid).await?;
            if let Some(one) = &row {
                let kind = Securable::$kind;
                let object = Object::typed(kind, one.id.0, &one.plugin, &one.type_name);
                if !access.may(connection, &object, "view").await? {
                    row = None;
                }
            }
            let given = found(form, field, row);
            Ok(of_plugin(form, field, given, |one| &one.plugin, plugin))
        }
    };
}

lookup! {
    /// A repository of a plugin.
    repository, Repository, Repository, repository::by_uuid
}

lookup! {
    /// A remote of a plugin.
    remote, Remote, Remote, remote::by_uuid
}

lookup! {
    /// A publication of a plugin.
    publication, Publication, Publication, publication::by_uuid
}

/// A repository version of a plugin.
pub(crate) async fn version(
    connection: &mut Connection,
    access: &Access,
    form: &mut Form,
    field: &str,
    plugin: &str,
) -> Result<Given<Version>> {
    let reference = match reference(form, field, Kind::Version) {
        Given::This(reference) => reference,
        Given::Null => return Ok(Given::Null),
        Given::Absent => return Ok(Given::Absent),
    };
    let row = seen_version(connection, access, &reference).await?;
    let given = found(form, field, row);
    Ok(of_plugin(form, field, given, |row| &row.plugin, plugin))
}

/// A version that the caller may see, by a reference.
async fn seen_version(
    connection: &mut Connection,
    access: &Access,
    reference: &Reference,
) -> Result<Option<Version>> {
    let row = version::by_reference(connection, reference.uuid, reference.number).await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let (kind, id) = (Securable::Repository, row.repository.0);
    let object = Object::typed(kind, id, &row.plugin, &row.type_name);
    let may = access.may(connection, &object, "view").await?;
    Ok(may.then_some(row))
}

/// Stored bytes, which the caller sent.
pub(crate) async fn artifact(
    connection: &mut Connection,
    access: &Access,
    form: &mut Form,
    field: &str,
) -> Result<Given<Artifact>> {
    let reference = match reference(form, field, Kind::Artifact) {
        Given::This(reference) => reference,
        Given::Null => return Ok(Given::Null),
        Given::Absent => return Ok(Given::Absent),
    };
    let mut row = artifact::by_uuid(connection, reference.uuid).await?;
    if let (Some(one), Some(own)) = (&row, access.own_artifact("a.id")) {
        let this = Condition::new("a.id = ?", [one.id.into()]);
        if !Access::any(connection, "artifact a", [this, own]).await? {
            row = None;
        }
    }
    Ok(found(form, field, row))
}

/// A program that signs; a field that says null is left in the form.
pub(crate) async fn signing_service(
    connection: &mut Connection,
    form: &mut Form,
    field: &str,
) -> Result<Given<SigningService>> {
    let reference = match reference(form, field, Kind::SigningService) {
        Given::This(reference) => reference,
        Given::Null => {
            form.put(field.to_owned(), serde_json::Value::Null);
            return Ok(Given::Null);
        }
        Given::Absent => return Ok(Given::Absent),
    };
    let row = signing_service::by_uuid(connection, reference.uuid).await?;
    Ok(found(form, field, row))
}

/// The version that a filter of a list names.
pub(crate) async fn version_of_filter(
    connection: &mut Connection,
    access: &Access,
    parameter: &str,
    text: &str,
) -> Result<Version, Error> {
    let reference = Reference::parse(text)
        .filter(|reference| reference.kind == Kind::Version)
        .ok_or_else(|| Error::invalid(parameter, not_a_reference(text)))?;
    seen_version(connection, access, &reference)
        .await?
        .ok_or_else(|| {
            Error::invalid(
                parameter,
                format!("There is no repository version {text:?}."),
            )
        })
}
