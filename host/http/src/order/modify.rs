//! The order to add units to a repository and to remove units from it.

use pith_db::repository::Repository;
use pith_db::{Connection, unit};
use pith_model::reference::{Kind, typed_prn};
use pith_model::task::Lock;
use pith_model::{Reference, Root};
use pith_tasks::work::Work;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::declared;
use crate::error::Result;
use crate::form::{Form, Given};
use crate::lookup;
use crate::openapi::Field;
use crate::openapi::resource::object;
use crate::order::Order;

/// How many wrong references are told; the rest are counted.
const TOLD: usize = 20;

/// What stands for all units of a repository.
const ALL: &str = "*";

/// The schema of what a client gives to `adds` and `removes`.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "required": ["repository", "content_units"], "properties": {
        "repository": {"type": "string", "description": "The repository to change."},
        "content_units": {"type": "array", "items": {"type": "string"},
            "description": "Units of content."},
        "base_version": {"type": ["string", "null"],
            "description": "A version to start from instead of the newest."},
    }})
}

/// The schema of what a client gives to `modifications`.
pub(crate) fn schema_of_both() -> Value {
    let mut schema = schema();
    schema["required"] = json!(["repository"]);
    if let Some(properties) = schema["properties"].as_object_mut() {
        let units = properties.remove("content_units").unwrap_or_default();
        properties.insert("add_content_units".to_owned(), units.clone());
        properties.insert("remove_content_units".to_owned(), units);
    }
    schema
}

/// What `modify/` of a repository takes.
pub(crate) fn described() -> Value {
    object(&[
        Field::hrefs("add_content_units", "Units to add."),
        Field::hrefs(
            "remove_content_units",
            "Units to remove; `*` alone for all.",
        ),
        Field::href(
            "base_version",
            "A version to start from instead of the newest.",
        )
        .nullable(),
    ])
}

/// Builds it; `parameters` are what the task shows.
pub(crate) async fn build(
    app: &App,
    repository: &Repository,
    mut form: Form,
    mut parameters: Map<String, Value>,
) -> Result<Order> {
    let plugin = repository.plugin.as_str();
    let generation = declared::generation_of_row(app, plugin)?;
    let to_add = form.list("add_content_units").unwrap_or_default();
    let to_remove = form.list("remove_content_units").unwrap_or_default();
    let remove_all = to_remove.iter().any(|one| one == ALL);
    if remove_all && to_remove.len() > 1 {
        form.wrong(
            "remove_content_units",
            "Cannot supply content units and '*'.",
        );
    }
    form.refuse("overwrite", &Value::Bool(true));

    let mut connection = app.database.read().await?;
    let mut units = Units {
        app,
        plugin,
        connection: &mut connection,
    };
    let add = units
        .resolve(&mut form, "add_content_units", &to_add)
        .await?;
    let remove = if remove_all {
        Vec::new()
    } else {
        units
            .resolve(&mut form, "remove_content_units", &to_remove)
            .await?
    };
    let base = lookup::version(&mut connection, &mut form, "base_version", plugin).await?;
    drop(connection);
    if let Given::This(base) = &base
        && base.type_name != repository.type_name
    {
        form.wrong(
            "base_version",
            "It is a version of another type of repository.",
        );
    }
    form.finish()?;

    let prn = typed_prn(
        Kind::Repository,
        plugin,
        &repository.type_name,
        repository.uuid,
    );
    parameters.insert("repository".to_owned(), prn.as_str().into());
    let type_name = match (to_add.is_empty(), to_remove.is_empty()) {
        (false, true) => "adds",
        (true, false) => "removes",
        _ => "modifications",
    };
    Ok(Order {
        name: "pulpcore.app.tasks.repository.aadd_and_remove".to_owned(),
        plugin: plugin.to_owned(),
        type_name: type_name.to_owned(),
        plugin_version: Some(generation.version().to_owned()),
        parameters,
        work: Work::Modify {
            repository: repository.id.0,
            add,
            remove,
            remove_all,
            base_version: base.value().map(|version| version.id.0),
        },
        locks: vec![Lock::exclusive(prn)],
    })
}

/// Finds the rows of units.
struct Units<'a> {
    app: &'a App,
    plugin: &'a str,
    connection: &'a mut Connection,
}

impl Units<'_> {
    /// The rows of references; whatever is wrong is noted.
    async fn resolve(
        &mut self,
        form: &mut Form,
        field: &str,
        references: &[Value],
    ) -> Result<Vec<i64>> {
        let uuids: Vec<Option<Uuid>> = references.iter().map(uuid_of).collect();
        let mut known: Vec<Uuid> = uuids.iter().flatten().copied().collect();
        let all_known = known.len() == references.len();
        known.sort_unstable();
        known.dedup();
        let mut ids = Vec::with_capacity(known.len());
        let mut all_fit = all_known;
        for (content_type, found) in unit::ids_by_type(self.connection, &known).await? {
            all_fit &= self.fits(content_type);
            ids.extend(found.into_iter().map(|id| id.0));
        }
        if !all_fit || ids.len() != known.len() {
            self.complain(form, field, references, &uuids).await?;
        }
        Ok(ids)
    }

    /// Whether units of a type may be in a repository of the plugin.
    fn fits(&self, content_type: i64) -> bool {
        self.app
            .types
            .by_id(content_type)
            .is_some_and(|table| table.plugin == self.plugin)
    }

    /// Says which references are wrong. Looked for one by one, since some are.
    async fn complain(
        &mut self,
        form: &mut Form,
        field: &str,
        references: &[Value],
        uuids: &[Option<Uuid>],
    ) -> Result<()> {
        let known: Vec<Uuid> = uuids.iter().flatten().copied().collect();
        let rows = unit::by_uuid(self.connection, &known).await?;
        let mut wrong = Vec::new();
        for (reference, uuid) in references.iter().zip(uuids) {
            match uuid.and_then(|uuid| rows.get(&uuid)) {
                Some((_, content_type)) if self.fits(*content_type) => {}
                Some(_) => wrong.push(format!(
                    "{reference} does not belong into a repository of the plugin {:?}.",
                    self.plugin
                )),
                None => wrong.push(format!("There is no content unit {reference}.")),
            }
        }
        let more = wrong.len().saturating_sub(TOLD);
        for message in wrong.into_iter().take(TOLD) {
            form.wrong(field, message);
        }
        if more > 0 {
            form.wrong(field, format!("And {more} more."));
        }
        Ok(())
    }
}

/// The UUID in a reference to a unit. Most are hrefs, of which there may be 100,000.
fn uuid_of(reference: &Value) -> Option<Uuid> {
    let text = reference.as_str()?;
    let below = Root::ALL
        .into_iter()
        .find_map(|root| text.strip_prefix(root.path()));
    if let Some(rest) = below.and_then(|below| below.strip_prefix("content/")) {
        let mut parts = rest.trim_end_matches('/').split('/');
        let (_, _, uuid) = (parts.next()?, parts.next()?, parts.next()?);
        return match parts.next() {
            None => Uuid::try_parse(uuid).ok(),
            Some(_) => None,
        };
    }
    Reference::parse(text)
        .filter(|reference| reference.kind == Kind::Content)
        .map(|reference| reference.uuid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_named_by_href_url_or_prn() {
        const UUID: &str = "0190e2f4-0000-7000-8000-000000000001";
        let of = |text: String| uuid_of(&Value::String(text)).map(|uuid| uuid.to_string());
        let href = format!("/pulp/api/v3/content/file/files/{UUID}/");
        for good in [
            href.clone(),
            format!("/api/v3/content/file/files/{UUID}"),
            format!("http://host{href}"),
            format!("prn:file.filecontent:{UUID}"),
        ] {
            assert_eq!(of(good.clone()).as_deref(), Some(UUID), "{good}");
        }
        for bad in [
            format!("{href}set_label/"),
            format!("/pulp/api/v3/repositories/file/file/{UUID}/"),
            format!("prn:file.filerepository:{UUID}"),
            "*".to_owned(),
        ] {
            assert_eq!(of(bad.clone()), None, "{bad}");
        }
        assert_eq!(uuid_of(&json!(5)), None);
    }
}
